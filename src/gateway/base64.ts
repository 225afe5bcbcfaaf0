// Base64 of record contents. Buffer is the fastest where it exists; the web's atob and btoa serve elsewhere.
import type { Content } from "./log.ts";

interface NodeBytes extends Uint8Array {
  toString(encoding?: string): string;
}
interface NodeBuffer {
  from(content: string | Uint8Array, encoding?: string): NodeBytes;
}

const node = (globalThis as { Buffer?: NodeBuffer }).Buffer;
const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Arguments of one String.fromCharCode call, well below every engine's limit. */
const CHARS_PER_CALL = 8_192;

/** Bytes that a content stands for. */
export function toBytes(content: Content): Uint8Array {
  return typeof content === "string" ? encoder.encode(content) : content;
}

/** Base64 with padding. */
export function encodeBase64(content: Content): string {
  if (node !== undefined) return node.from(content).toString("base64");
  const bytes = toBytes(content);
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHARS_PER_CALL) {
    binary += String.fromCharCode(...bytes.subarray(at, at + CHARS_PER_CALL));
  }
  return btoa(binary);
}

/** Bytes of a base64 text, padded or not; undefined when it is not base64. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  if (padding > 0 && text.length % 4 !== 0) return undefined;
  const digits = text.length - padding;
  if (digits % 4 === 1) return undefined;
  if (node !== undefined) {
    const bytes = node.from(text, "base64");
    // Node skips what is not base64 instead of refusing it, which shows in the length.
    return bytes.length === Math.floor((digits * 3) / 4) ? bytes : undefined;
  }
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** A text when the bytes are valid UTF-8, otherwise the bytes. */
export function toContent(bytes: Uint8Array): Content {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return bytes;
  }
}
