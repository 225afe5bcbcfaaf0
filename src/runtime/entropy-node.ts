// Randomness, hashes and MACs by node:crypto (Node, Deno, Bun).
import { hash, randomBytes } from "node:crypto";
import type { Mac } from "../domain/operation-id.ts";
import type { Entropy } from "../ports/clock.ts";

/** Random bytes fetched at a time: one call to the generator serves many ids. */
const POOL_BYTES = 4_096;

/** Makes a source of random hex digits. */
export function randomHex(): (digits: number) => string {
  let pool = "";
  let at = 0;
  return (digits) => {
    if (pool.length - at < digits) {
      pool = randomBytes(POOL_BYTES).toString("hex");
      at = 0;
    }
    at += digits;
    return pool.slice(at - digits, at);
  };
}

/** Entropy under a secret, and under the one before where it is still honoured. */
export function nodeEntropy(secret: string, previous: string | undefined): Entropy {
  return {
    hex: randomHex(),
    hash: (text) => hash("sha256", text, "base64url"),
    macs: previous === undefined ? [macOf(secret)] : [macOf(secret), macOf(previous)],
  };
}

/**
 * SHA-256 over a block made of the secret and the text, of which at most half is told: a keyed hash by the proof for AMAC
 * (Bellare, Bernstein, Tessaro 2016), in one call to the platform where HMAC takes two that begin with the key each time.
 */
function macOf(secret: string): Mac {
  const block = hash("sha256", secret, "hex");
  return (text, digits) => hash("sha256", block + text, "hex").slice(0, digits);
}
