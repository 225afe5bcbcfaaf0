// A file of JSON Lines that an import appends to. Lines are written before the progress file says that they are.
import { closeSync, openSync, writeSync } from "node:fs";
import { Failure, fileReason } from "../failure.ts";

/** A file that is made when its first line comes. */
export interface LineFile {
  add(line: string): void;
  /** Writes what was added. Throws Failure. */
  flush(): void;
  close(): void;
}

/** Opens a file for appending. An undefined path takes lines and forgets them. */
export function openLineFile(path: string | undefined): LineFile {
  let lines: string[] = [];
  let file: number | undefined;
  const flush = (): void => {
    if (lines.length === 0 || path === undefined) return;
    try {
      file ??= openSync(path, "a");
      writeSync(file, `${lines.join("\n")}\n`);
    } catch (error) {
      throw new Failure(`Cannot write ${path}: ${fileReason(error)}`, { cause: error });
    }
    lines = [];
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
