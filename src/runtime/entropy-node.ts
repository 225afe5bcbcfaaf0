// Randomness, hashes and MACs by node:crypto (Node, Deno, Bun).
import { createHmac, hash, randomBytes } from "node:crypto";
import type { Mac } from "../domain/operation-id.ts";
import type { Entropy } from "../ports/clock.ts";

/** Random bytes fetched at a time: one call to the generator serves many ids. */
const POOL_BYTES = 4_096;

/** Entropy under a secret, and under the one before where it is still honoured. */
export function nodeEntropy(secret: string, previous: string | undefined): Entropy {
  let pool = "";
  let at = 0;
  const mac =
    (key: string): Mac =>
    (text) =>
      createHmac("sha256", key).update(text).digest("hex");
  return {
    hex(digits) {
      if (pool.length - at < digits) {
        pool = randomBytes(POOL_BYTES).toString("hex");
        at = 0;
      }
      at += digits;
      return pool.slice(at - digits, at);
    },
    hash: (text) => hash("sha256", text, "base64url"),
    macs: previous === undefined ? [mac(secret)] : [mac(secret), mac(previous)],
  };
}
