// The rejects of an import: what the service refused for good, with where it stands, why, and how it stood there.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { Failure, fileReason } from "../failure.ts";
import type { Origin } from "./item.ts";
import { openLineFile } from "./line-file.ts";

/** Collects rejects. */
export interface Rejects {
  /** Adds one; `original` is JSON. */
  add(origin: Origin, reason: string, original: string): void;
  flush(): void;
  close(): void;
}

/** Opens a rejects file for an input, anew or to go on with its lines; then nothing gets into it twice. */
export function openRejects(path: string, input: string, mode: "anew" | "go on"): Rejects {
  if (mode === "anew") remove(path);
  const file = openLineFile(path);
  const known = new Set(readOrigins(path));
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

function readOrigins(path: string): string[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      const { reason: _, original: __, ...origin } = JSON.parse(line) as { [name: string]: unknown };
      return JSON.stringify(origin);
    });
}

/** A rejects file of an earlier import would be mistaken for this one's. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw new Failure(`Cannot write ${path}: ${fileReason(error)}`, { cause: error });
  }
}
