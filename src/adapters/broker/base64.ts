// Base64 for record keys and values: Buffer where it exists, then the engine's own, then atob and btoa.

interface NodeBuffer {
  from(content: string | Uint8Array, encoding?: string): Uint8Array & { toString(encoding: string): string };
}
interface NativeBytes extends Uint8Array {
  toBase64?(): string;
}
interface NativeBase64 {
  fromBase64?(text: string): Uint8Array;
}

const node = (globalThis as { Buffer?: NodeBuffer }).Buffer;
const native = Uint8Array as NativeBase64;
const encoder = new TextEncoder();
/** Arguments of one String.fromCharCode call, well below every engine's limit. */
const CHARS_PER_CALL = 8_192;

/** Base64, with padding, of a text's UTF-8 bytes. */
export function textToBase64(text: string): string {
  if (node !== undefined) return node.from(text).toString("base64");
  const bytes: NativeBytes = encoder.encode(text);
  if (bytes.toBase64 !== undefined) return bytes.toBase64();
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHARS_PER_CALL) {
    binary += String.fromCharCode(...bytes.subarray(at, at + CHARS_PER_CALL));
  }
  return btoa(binary);
}

/** Bytes of a base64 text, padded or not; undefined when it is not base64. */
export function base64ToBytes(text: string): Uint8Array | undefined {
  const padded = text.endsWith("=");
  if (padded ? text.length % 4 !== 0 : text.length % 4 === 1) return undefined;
  try {
    const bytes = decode(text);
    // Node skips whatever is not base64, and the web skips white space, which shows in the length.
    return bytes.length === decodedLength(text) ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function decode(text: string): Uint8Array {
  if (node !== undefined) {
    const bytes = node.from(text, "base64");
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  if (native.fromBase64 !== undefined) return native.fromBase64(text);
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function decodedLength(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return Math.floor(((text.length - padding) * 3) / 4);
}
