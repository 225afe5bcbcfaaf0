// Randomness, hashes and MACs by node:crypto (Node, Deno, Bun).
import { hash, randomBytes } from "node:crypto";
import type { Mac } from "../domain/operation-id.ts";
import type { Entropy } from "../ports/clock.ts";

/** Random bytes fetched at a time: one call to the generator serves many ids. */
const POOL_BYTES = 4_096;

/** Entropy under a secret, and under the one before where it is still honoured. */
export function nodeEntropy(secret: string, previous: string | undefined): Entropy {
  let pool = "";
  let at = 0;
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
    macs: previous === undefined ? [hmac(secret)] : [hmac(secret), hmac(previous)],
  };
}

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;

/**
 * HMAC-SHA-256 (RFC 2104) from one-shot hashes. An Hmac object for each of some hundred thousand short ids a minute costs
 * several times as much, most of it in collecting them.
 */
function hmac(secret: string): Mac {
  const given = Buffer.from(secret, "utf8");
  const key = given.byteLength > BLOCK_BYTES ? hash("sha256", given, "buffer") : given;
  const pad = (byte: number): Buffer =>
    Buffer.alloc(BLOCK_BYTES, byte).map((value, i) => value ^ (key[i] ?? 0)) as Buffer;
  const inner = pad(0x36);
  const outer = Buffer.concat([pad(0x5c), Buffer.alloc(DIGEST_BYTES)]);
  return (text) => {
    const message = Buffer.allocUnsafe(BLOCK_BYTES + Buffer.byteLength(text));
    inner.copy(message);
    message.write(text, BLOCK_BYTES);
    hash("sha256", message, "buffer").copy(outer, BLOCK_BYTES);
    return hash("sha256", outer, "hex");
  };
}
