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
    macs: previous === undefined ? [hmac(secret)] : [hmac(secret), hmac(previous)],
  };
}

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
/** Room for what is mostly hashed, which grows with the longest text. */
const SHORT_BYTES = 1_024;
/** Of one UTF-16 code unit. */
const UTF8_BYTES_MAX = 3;

/**
 * HMAC-SHA-256 (RFC 2104) from one-shot hashes in buffers that stay. An Hmac object, or a buffer, for each of some hundred
 * thousand short ids a minute costs twice as much, and more in collecting them.
 */
function hmac(secret: string): Mac {
  const given = Buffer.from(secret, "utf8");
  const key = given.byteLength > BLOCK_BYTES ? hash("sha256", given, "buffer") : given;
  const pad = (byte: number): Buffer =>
    Buffer.alloc(BLOCK_BYTES, byte).map((value, i) => value ^ (key[i] ?? 0)) as Buffer;
  let inner = Buffer.concat([pad(0x36), Buffer.alloc(SHORT_BYTES)]);
  const outer = Buffer.concat([pad(0x5c), Buffer.alloc(DIGEST_BYTES)]);
  return (text) => {
    const bytes = text.length * UTF8_BYTES_MAX;
    if (bytes > inner.byteLength - BLOCK_BYTES) inner = Buffer.concat([inner], BLOCK_BYTES + bytes);
    const end = BLOCK_BYTES + inner.write(text, BLOCK_BYTES);
    outer.write(hash("sha256", inner.subarray(0, end), "hex"), BLOCK_BYTES, "hex");
    return hash("sha256", outer, "hex");
  };
}
