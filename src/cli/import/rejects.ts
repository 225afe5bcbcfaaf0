// The rejects of an import: what the service refused for good, with where it stands, why, and how it stood there.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { Failure, fileReason } from "../failure.ts";
import { isDevice } from "../same-file.ts";
import type { Origin } from "./item.ts";
import { openLineFile } from "./line-file.ts";

/** Collects rejects. */
export interface Rejects {
  /** Adds one; `original` is JSON. */
  add(origin: Origin, reason: string, original: string): void;
  flush(): void;
  close(): void;
}

/**
 * Opens a rejects file for an input: anew, to go on with its lines, or for the input once again, which drops the lines
 * that are its own. Nothing gets into it twice.
 */
export function openRejects(path: string, input: string, mode: "anew" | "go on" | "again"): Rejects {
  const isKept = !isDevice(path);
  if (isKept) assertRejects(path);
  if (isKept && mode === "anew") rmSync(path, { force: true });
  const file = openLineFile(path);
  if (isKept && mode === "again") dropLinesOf(path, input);
  const known = new Set(isKept ? readOrigins(path) : []);
  return {
    add(origin, reason, original) {
      const place = JSON.stringify({ input, ...origin });
      if (known.size > 0 && known.has(place)) return;
      file.add(`${place.slice(0, -1)},"reason":${JSON.stringify(reason)},"original":${original}}`);
    },
    flush: () => file.flush(),
    close: () => file.close(),
  };
}

function readLines(path: string): string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

function readOrigins(path: string): string[] {
  return readLines(path).map((line) => {
    const { reason: _, original: __, ...origin } = JSON.parse(line) as { [name: string]: unknown };
    return JSON.stringify(origin);
  });
}

/** Those of other inputs may never be written again. */
function dropLinesOf(path: string, input: string): void {
  const lines = readLines(path);
  const others = lines.filter((line) => (JSON.parse(line) as { readonly input?: unknown }).input !== input);
  if (others.length === lines.length) return;
  const part = `${path}.part`;
  try {
    writeFileSync(part, others.map((line) => `${line}\n`).join(""));
    renameSync(part, path);
  } catch (error) {
    throw new Failure(`Cannot write ${path}: ${fileReason(error)}`, { cause: error });
  }
}

/** A rejects file of an earlier import is not this one's, and goes; somebody's file that was named by mistake stays. */
function assertRejects(path: string): void {
  let line: string | undefined;
  try {
    [line] = readLines(path);
  } catch (error) {
    throw new Failure(`Cannot write ${path}: ${fileReason(error)}`, { cause: error });
  }
  if (line === undefined || isReject(line)) return;
  throw new Failure(`Cannot write ${path}: it holds something else than rejects; name another file with --rejects`);
}

const BEGINNING = '{"input":';

/** A line that its writer was cut off in is one as well. */
function isReject(line: string): boolean {
  return line.startsWith(BEGINNING) || BEGINNING.startsWith(line);
}
