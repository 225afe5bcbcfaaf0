// The ids that clients hold in their 2xx answers, as `import` and `send` write them with --accepted.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Failure, fileReason } from "./failure.ts";

/** Distinct ids by flow. */
export type Accepted = Map<string, Set<string>>;

/** Reads files of accepted ids. Throws Failure. */
export async function readAccepted(paths: readonly string[]): Promise<Accepted> {
  const accepted: Accepted = new Map();
  for (const path of paths) {
    let number = 0;
    try {
      for await (const line of createInterface({
        input: createReadStream(path),
        crlfDelay: Number.POSITIVE_INFINITY,
      })) {
        number++;
        if (line !== "") addLine(accepted, line, `${path}:${number}`);
      }
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure(`Cannot read ${path}: ${fileReason(error)}`, { cause: error });
    }
  }
  return accepted;
}

function addLine(accepted: Accepted, line: string, place: string): void {
  const { id, flow } = parse(line);
  if (typeof id !== "string" || typeof flow !== "string") {
    throw new Failure(`${place} is no accepted operation: expected {"id":…,"flow":…}`);
  }
  const ids = accepted.get(flow);
  if (ids === undefined) accepted.set(flow, new Set([id]));
  else ids.add(id);
}

function parse(line: string): { readonly id?: unknown; readonly flow?: unknown } {
  try {
    return (JSON.parse(line) ?? {}) as object;
  } catch {
    return {};
  }
}
