// A thread that folds write-ahead logs back into their files before a writer has to, and never in a writer's way: the disk
// flushes that this takes hold up neither a request nor a tick.
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

const EVERY_MS = 500;
/** Size of a write-ahead log that is folded back: pages written again and again meanwhile are copied once. */
const FOLD_BYTES = 48 * 1_048_576;

const open = new Map<string, DatabaseSync>();

function fold(path: string): void {
  const database = open.get(path) ?? new DatabaseSync(path);
  open.set(path, database);
  database.exec("PRAGMA wal_checkpoint(PASSIVE)");
}

/** A file that is not there yet, or whose log is short, is left alone. */
function pass(): void {
  for (const path of workerData as readonly string[]) {
    try {
      if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) >= FOLD_BYTES) fold(path);
    } catch {
      // The file is busy or broken; whoever writes to it will say so.
    }
  }
}

const timer = setInterval(pass, EVERY_MS);
parentPort!.once("message", () => {
  clearInterval(timer);
  for (const database of open.values()) database.close();
});
