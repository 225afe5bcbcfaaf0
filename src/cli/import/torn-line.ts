// The end of a file of JSON Lines whose writer was cut off within a line: another line behind it would spoil both.
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { Failure, fileReason } from "../failure.ts";

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
const OPEN_BRACE = 0x7b;

/** Makes an existing file end with a whole line: what was torn is cut off. Throws Failure. */
export function mendLastLine(path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return;
    const file = openSync(path, "r+");
    try {
      mend(file, path);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`Cannot write ${path}: ${fileReason(error)}`, { cause: error });
  }
}

function mend(file: number, path: string): void {
  const { size } = fstatSync(file);
  const tail = readTail(file, size);
  if (tail.length === 0) return;
  // Somebody's file that was named by mistake loses nothing.
  if (tail[0] !== OPEN_BRACE) {
    throw new Failure(
      `Cannot go on with ${path}: its last line is no JSON object; name another file, or end that line`,
    );
  }
  // The end of a line is its last byte: what is whole without it was torn there, or written by hand.
  if (isJson(tail)) writeSync(file, "\n", size);
  else ftruncateSync(file, size - tail.length);
}

/** What stands after the last line's end. */
function readTail(file: number, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let end = size; end > 0; ) {
    const from = Math.max(0, end - CHUNK_BYTES);
    const chunk = Buffer.alloc(end - from);
    readSync(file, chunk, 0, chunk.length, from);
    const lineEnd = chunk.lastIndexOf(NEWLINE);
    parts.unshift(chunk.subarray(lineEnd + 1));
    if (lineEnd !== -1) break;
    end = from;
  }
  return Buffer.concat(parts);
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString("utf8"));
    return true;
  } catch {
    return false;
  }
}
