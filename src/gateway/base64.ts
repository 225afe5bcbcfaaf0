// Base64 of record contents. Buffer is the fastest where it exists; the web's atob and btoa serve elsewhere.
import type { Content } from "./log.ts";

interface NodeBytes extends Uint8Array {
  toString(encoding?: string): string;
}
interface NodeBuffer {
  from(content: string | Uint8Array, encoding?: string): NodeBytes;
  from(memory: ArrayBufferLike, offset: number, length: number): NodeBytes;
  byteLength(text: string): number;
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
  if (node !== undefined) {
    // Bytes are looked at where they lie: a copy of every value would cost more than its base64.
    const bytes = typeof content === "string" ? node.from(content) : viewOf(node, content);
    return bytes.toString("base64");
  }
  const bytes = toBytes(content);
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHARS_PER_CALL) {
    binary += String.fromCharCode(...bytes.subarray(at, at + CHARS_PER_CALL));
  }
  return btoa(binary);
}

function viewOf(buffer: NodeBuffer, bytes: Uint8Array): NodeBytes {
  return bytes instanceof (buffer as unknown as new () => NodeBytes)
    ? bytes
    : buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** How many bytes a base64 text stands for. */
function decodedLength(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return Math.floor(((text.length - padding) * 3) / 4);
}

/** Number of UTF-8 bytes of a text. */
export function utf8Length(text: string): number {
  return node === undefined ? encoder.encode(text).length : node.byteLength(text);
}

/** Bytes of a base64 text, padded or not; undefined when it is not base64. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const padded = text.endsWith("=");
  if (padded ? text.length % 4 !== 0 : text.length % 4 === 1) return undefined;
  try {
    const bytes = node?.from(text, "base64") ?? Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    // Node skips whatever is not base64, and atob skips white space, which shows in the length.
    return bytes.length === decodedLength(text) ? bytes : undefined;
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
