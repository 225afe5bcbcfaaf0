// An input of the import: a file or standard input, plain or gzipped; JSON Lines, CHIT-CHAT or a ChatGPT export. What it
// is shows in its first bytes.
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { addAbortSignal, pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Failure, fileReason, messageOf } from "../failure.ts";

/** How an input may be written. */
export const FORMATS = ["chatgpt", "chitchat", "jsonl"] as const;
export type Format = (typeof FORMATS)[number];

/** An opened input. */
export interface Input {
  /** As it was given. */
  readonly path: string;
  /** The file's name without its folders; `stdin` for standard input. */
  readonly name: string;
  readonly format: Format;
  /** Tells whether a later run has the same input: a hash of its beginning, and its size. */
  readonly fingerprint: string;
  /** The unpacked bytes, without a byte order mark. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Part of the input that has been read, 0 to 1; null when its size is not known. */
  progress(): number | null;
}

const HEAD_BYTES = 64 * 1024;
const CHUNK_BYTES = 256 * 1024;

/** Opens a file, or standard input for `-`. Throws Failure. */
export async function openInput(path: string, signal: AbortSignal, format?: Format): Promise<Input> {
  const size = path === "-" ? null : sizeOf(path);
  const stream: Readable = path === "-" ? process.stdin : createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const source: AsyncIterable<Uint8Array> = addAbortSignal(signal, stream);
  let read = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of source) {
        read += chunk.length;
        yield chunk;
      }
    } catch (error) {
      throw new Failure(`Cannot read ${path}: ${fileReason(error)}`, { cause: error });
    }
  }
  const raw = await peek(counted());
  const unpacked = await peek(withoutMark(isGzip(raw.head) ? gunzip(path, raw.all()) : raw.all()));
  return {
    path,
    name: path === "-" ? "stdin" : basename(path),
    format: format ?? sniff(unpacked.head, path),
    fingerprint: `${createHash("sha256").update(raw.head).digest("hex").slice(0, 32)}:${size ?? "stream"}:${path}`,
    chunks: unpacked.all(),
    progress: () => (size === null || size === 0 ? null : Math.min(1, read / size)),
  };
}

function sizeOf(path: string): number | null {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) throw new Failure(`Cannot read ${path}: it is a folder; name a file`);
    return stats.isFile() ? stats.size : null;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`Cannot read ${path}: ${fileReason(error)}`, { cause: error });
  }
}

/** Reads the beginning, and gives everything back from the start. */
async function peek(
  source: AsyncIterable<Uint8Array>,
): Promise<{ head: Uint8Array; all(): AsyncGenerator<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < HEAD_BYTES) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    first.push(value);
    length += value.length;
  }
  return {
    head: Buffer.concat(first).subarray(0, HEAD_BYTES),
    async *all() {
      try {
        yield* first;
        for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
      } finally {
        await iterator.return?.();
      }
    },
  };
}

function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 0x03 && head[3] === 0x04;
}

async function* gunzip(path: string, packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // An error of either end destroys the other, and comes out of the iteration below.
  const unpacking = pipeline(Readable.from(packed), createGunzip({ chunkSize: CHUNK_BYTES }), () => undefined);
  try {
    yield* unpacking as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`Cannot unpack ${path}: ${messageOf(error)}`, { cause: error });
  }
}

const MARK = Buffer.from("\ufeff");

/** Some programs begin UTF-8 with a byte order mark, which is no part of JSON. Chunks may be cut anywhere. */
async function* withoutMark(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < MARK.length) continue;
    yield MARK.equals(head.subarray(0, MARK.length)) ? head.subarray(MARK.length) : head;
    head = undefined;
  }
  if (head !== undefined) yield head;
}

/** Members that an operation may begin with. */
const OPERATION_MEMBERS = new Set(["flow", "type", "data", "key", "after", "retryToken"]);

/** A ChatGPT export is an array of objects that have a `mapping`, which comes soon. */
const CHATGPT = /^\[\s*\{.*?"mapping"\s*:\s*\{/s;

/** CHIT-CHAT begins with an id and a conversation, which is an object; an operation with one of its own members. */
export function sniff(head: Uint8Array, path: string): Format {
  if (isZip(head)) {
    throw new Failure(`Cannot import ${path}: it is a zip archive; unpack it and give the conversations.json inside`);
  }
  const text = new TextDecoder().decode(head).trimStart();
  if (CHATGPT.test(text)) return "chatgpt";
  if (text.startsWith("[")) {
    throw new Failure(
      `Cannot import ${path}: it is a JSON array; give JSON Lines, one operation a line (or say --format chatgpt if it is an export of ChatGPT)`,
    );
  }
  const first = /^\{\s*"((?:[^"\\]|\\.)*)"\s*:\s*\{/.exec(text);
  return first !== null && !OPERATION_MEMBERS.has(first[1]!) ? "chitchat" : "jsonl";
}
