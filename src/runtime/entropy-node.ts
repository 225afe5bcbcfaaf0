// Randomness, hashes and MACs by node:crypto (Node, Deno, Bun).
import { hash, randomBytes } from "node:crypto";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
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
    macs: previous === undefined ? [hmacOf(secret)] : [hmacOf(secret), hmacOf(previous)],
  };
}

/** Half as many as the digits that anybody asks for. */
const MAC_BYTES_MAX = 16;
/** Of one UTF-16 code unit. */
const UTF8_BYTES_MAX = 3;
const encoder = new TextEncoder();

/**
 * HMAC-SHA-256 (RFC 2104) whose key has been taken in beforehand, in memory that stays: an operation's id is two blocks. The
 * platforms' own begin with the key each time, which in workerd costs more than all of it.
 */
function hmacOf(secret: string): Mac {
  const keyed = hmac.create(sha256, encoder.encode(secret));
  const state = keyed.clone();
  const digest = new Uint8Array(sha256.outputLen);
  // Hex is made byte by byte, so of no more than is asked for.
  const beginnings = Array.from({ length: MAC_BYTES_MAX + 1 }, (_, length) => digest.subarray(0, length));
  let bytes = new Uint8Array(256);
  return (text, digits) => {
    if (text.length * UTF8_BYTES_MAX > bytes.length) bytes = new Uint8Array(text.length * UTF8_BYTES_MAX);
    const { written } = encoder.encodeInto(text, bytes);
    keyed._cloneInto(state).update(bytes.subarray(0, written)).digestInto(digest);
    return bytesToHex(beginnings[Math.ceil(digits / 2)]!).slice(0, digits);
  };
}
