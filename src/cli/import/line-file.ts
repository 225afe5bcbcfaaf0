// A file of JSON Lines that an import appends to. Lines are written before the progress file says that they are.
import { closeSync, openSync, writeSync } from "node:fs";
import { Failure, fileReason } from "../failure.ts";
import { mendLastLine } from "./torn-line.ts";

/** A file that is made when its first line comes. */
export interface LineFile {
  add(line: string): void;
  /** Writes what was added. Throws Failure. */
  flush(): void;
  close(): void;
}

/** Opens a file for appending, behind its last whole line. An undefined path takes lines and forgets them. */
export function openLineFile(path: string | undefined): LineFile {
  if (path !== undefined) mendLastLine(path);
  let lines: string[] = [];
  let unwritten = Buffer.alloc(0);
  let file: number | undefined;
  const flush = (): void => {
    if (path === undefined) return;
    if (lines.length > 0) unwritten = Buffer.concat([unwritten, Buffer.from(`${lines.join("\n")}\n`)]);
    lines = [];
    try {
      // A disk that is nearly full takes a part without an error; after one, the next flush goes on where it stopped.
      while (unwritten.length > 0) {
        file ??= openSync(path, "a");
        unwritten = unwritten.subarray(writeSync(file, unwritten));
      }
    } catch (error) {
      throw new Failure(`Cannot write ${path}: ${fileReason(error)}`, { cause: error });
    }
  };
  return {
    add(line) {
      if (path !== undefined) lines.push(line);
    },
    flush,
    close() {
      flush();
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
