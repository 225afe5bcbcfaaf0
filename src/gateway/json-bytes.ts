// Assembles a large JSON answer as bytes, piece by piece. One long text of the same content would be built, flattened and
// encoded by turns, and costs the garbage collector more than everything else in a read.

interface Bytes extends Uint8Array {
  write(text: string, at: number, encoding: string): number;
}
interface BytesMaker {
  allocUnsafe(size: number): Bytes;
  byteLength(text: string): number;
}

/** An answer that grows. */
export interface JsonBytes {
  /** Appends a text of ASCII characters only. */
  ascii(text: string): void;
  /** Appends any text. */
  text(text: string): void;
  /** What was appended: bytes where the runtime has a fast way to make them, else the text. */
  body(): Uint8Array<ArrayBuffer> | string;
}

const node = (globalThis as { Buffer?: BytesMaker }).Buffer;

/** An empty answer; `sizeHint` is about how many bytes it will have. */
export function jsonBytes(sizeHint: number): JsonBytes {
  return node === undefined ? asText() : asBytes(node, sizeHint);
}

function asBytes(maker: BytesMaker, sizeHint: number): JsonBytes {
  let bytes = maker.allocUnsafe(Math.max(sizeHint, 256));
  let length = 0;
  const room = (more: number): void => {
    if (length + more <= bytes.length) return;
    const larger = maker.allocUnsafe(Math.max(bytes.length * 2, length + more));
    larger.set(bytes.subarray(0, length));
    bytes = larger;
  };
  return {
    ascii(text) {
      room(text.length);
      length += bytes.write(text, length, "latin1");
    },
    text(text) {
      room(maker.byteLength(text));
      length += bytes.write(text, length, "utf8");
    },
    body: () => bytes.subarray(0, length) as Uint8Array<ArrayBuffer>,
  };
}

function asText(): JsonBytes {
  let all = "";
  const append = (text: string): void => {
    all += text;
  };
  return { ascii: append, text: append, body: () => all };
}
