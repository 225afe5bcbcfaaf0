// A thread that folds write-ahead logs back into their files before a writer has to, and never in a writer's way: the disk
// flushes that this takes hold up neither a request nor a tick.
import { statSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { openFileSql } from "../sql/file.ts";
import type { Sql } from "../sql/sql.ts";
import { onStop } from "./thread.ts";

const EVERY_MS = 500;
/** Size of a write-ahead log that is folded back: pages written again and again meanwhile are copied once. */
const FOLD_BYTES = 48 * 1_048_576;

const open = new Map<string, Sql>();

function fold(path: string): void {
  const sql = open.get(path) ?? openFileSql(path);
  open.set(path, sql);
  sql.script("PRAGMA wal_checkpoint(PASSIVE)");
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
onStop(parentPort!, () => {
  clearInterval(timer);
  for (const sql of open.values()) sql.close();
});
