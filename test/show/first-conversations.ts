// The beginning of a CHIT-CHAT file as a file of its own.
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** Writes the first `count` conversations of a file, plain or gzipped. */
export function writeFirst(path: string, count: number, into: string): void {
  const bytes = readFileSync(path);
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const all = Object.entries(JSON.parse((packed ? gunzipSync(bytes) : bytes).toString("utf8")) as object);
  writeFileSync(into, JSON.stringify(Object.fromEntries(all.slice(0, count))));
}
