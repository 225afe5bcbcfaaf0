// The progress file of an import that may be resumed: how many operations at the beginning of each input are settled.
// Keys make repetition harmless, so it may be behind; it is never ahead.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { Failure, fileReason, messageOf } from "../failure.ts";

/** What is known about one input. */
export interface InputState {
  /** Operations that are settled, counted from the start of the input. */
  readonly settled: number;
  /** Id of one of them, to ask the service whether it is still the same. */
  readonly id?: string;
}

interface Content {
  readonly url: string;
  readonly inputs: { readonly [fingerprint: string]: InputState };
}

/** The progress file. */
export interface State {
  read(fingerprint: string): InputState | undefined;
  write(fingerprint: string, state: InputState): void;
  /** The import is complete: nothing is left to be resumed. */
  remove(): void;
}

/** Opens a progress file, to go on from it or anew. Throws Failure when it is about another service or none. */
export function openState(path: string, url: string, mode: "anew" | "go on"): State {
  const content = mode === "go on" && existsSync(path) ? readContent(path) : { url, inputs: {} };
  if (content.url !== url) {
    throw new Failure(
      `Cannot resume: ${path} is about ${content.url}, not ${url}; remove it or name another with --state`,
    );
  }
  let inputs = content.inputs;
  return {
    read: (fingerprint) => inputs[fingerprint],
    write(fingerprint, state) {
      inputs = { ...inputs, [fingerprint]: state };
      try {
        writeFileSync(`${path}.new`, `${JSON.stringify({ url, inputs })}\n`);
        renameSync(`${path}.new`, path);
      } catch (error) {
        throw new Failure(`Cannot write ${path}: ${fileReason(error)}; name another file with --state`, {
          cause: error,
        });
      }
    },
    remove: () => rmSync(path, { force: true }),
  };
}

function readContent(path: string): Content {
  try {
    const content = JSON.parse(readFileSync(path, "utf8")) as Content;
    if (typeof content.url === "string" && typeof content.inputs === "object") return content;
  } catch (error) {
    throw new Failure(
      `Cannot resume: ${path} cannot be read (${messageOf(error)}); remove it to start from the beginning`,
    );
  }
  throw new Failure(`Cannot resume: ${path} is no progress file of an import; remove it or name another with --state`);
}
