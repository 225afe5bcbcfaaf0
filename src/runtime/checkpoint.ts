// Folds write-ahead logs back into their files, a little at a time and never in the way of a writer.
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

const EVERY_MS = 250;

/** Checkpoints the files until stopped; a file that is not there yet is left alone. */
export function startCheckpoints(paths: readonly string[]): () => void {
  const open = new Map<string, DatabaseSync>();
  const pass = (): void => {
    for (const path of paths) {
      try {
        if (!open.has(path) && existsSync(path)) open.set(path, new DatabaseSync(path));
        open.get(path)?.exec("PRAGMA wal_checkpoint(PASSIVE)");
      } catch {
        // The file is busy or broken; whoever writes to it will say so.
      }
    }
  };
  const timer = setInterval(pass, EVERY_MS);
  return () => {
    clearInterval(timer);
    for (const database of open.values()) database.close();
  };
}
