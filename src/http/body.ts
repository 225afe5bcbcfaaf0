// Bodies, bounded and decoded: what cannot be read is a problem before anything looks at it.
import type { Context } from "hono";
import { AppError } from "../domain/errors.ts";

/** The media type of the request without its parameters, in lower case; empty when there is none. */
export function mediaType(c: Context): string {
  const given = c.req.header("content-type") ?? "";
  return given === "application/json" ? given : given.split(";")[0]!.trim().toLowerCase();
}

/** Throws `unsupported_media_type` unless the request has one of these media types. */
export function requireMediaType(c: Context, ...types: string[]): string {
  const type = mediaType(c);
  if (types.includes(type)) return type;
  const given = type === "" ? "The request has no Content-Type" : `The Content-Type is ${JSON.stringify(type)}`;
  throw new AppError("unsupported_media_type", `${given}; send ${types.join(" or ")}`);
}

/** A whole body as JSON; throws `payload_too_large` or `malformed`. */
export async function readJson(c: Context, bytesMax: number): Promise<unknown> {
  return parseJson(decodeText(await readBytes(c, bytesMax)), "The body");
}

/** Parses JSON; `what` begins the detail of the problem. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message.toWellFormed().slice(0, 200) : "";
    throw new AppError("malformed", `${what} is not JSON: ${why}`);
  }
}

/** A whole body; throws `payload_too_large`. */
export async function readBytes(c: Context, bytesMax: number): Promise<Uint8Array> {
  // A declared length is checked, and the server holds the sender to it.
  if (assertDeclared(c, bytesMax)) return new Uint8Array(await c.req.raw.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of bodyChunks(c)) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A whole body as text; throws `malformed`. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new AppError("malformed", "The body is not UTF-8 text");
  }
}

/** Whether a length is declared; throws `payload_too_large` when it is beyond the bound. */
function assertDeclared(c: Context, bytesMax: number): boolean {
  const declared = c.req.header("content-length");
  if (Number(declared ?? 0) > bytesMax) throw tooLarge(bytesMax);
  return declared !== undefined;
}

function tooLarge(bytesMax: number): AppError {
  return new AppError("payload_too_large", `The body has more than ${bytesMax} bytes`);
}

async function* bodyChunks(c: Context): AsyncGenerator<Uint8Array> {
  const body = c.req.raw.body;
  if (body !== null) for await (const chunk of body) yield chunk as Uint8Array;
}

/** Bounds of a body of lines. */
export interface LineLimits {
  readonly bodyBytesMax: number;
  readonly lineBytesMax: number;
}

/**
 * The lines of a body as they arrive; empty ones are left out. Throws `payload_too_large` when the body is, `malformed`
 * when a line is not UTF-8; a line beyond its limit is yielded as null and skipped to its end.
 */
export async function* readLines(
  c: Context,
  { bodyBytesMax, lineBytesMax }: LineLimits,
): AsyncGenerator<(string | null)[]> {
  assertDeclared(c, bodyBytesMax);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let bytes = 0;
  let skipping = false;
  for await (const chunk of bodyChunks(c)) {
    bytes += chunk.byteLength;
    if (bytes > bodyBytesMax) throw tooLarge(bodyBytesMax);
    const parts = (rest + decodeChunk(decoder, chunk)).split("\n");
    rest = parts.pop()!;
    if (skipping && parts.length > 0) {
      parts.shift();
      skipping = false;
    }
    const lines: (string | null)[] = parts.map((line) => (isLonger(line, lineBytesMax) ? null : line));
    if (skipping) rest = "";
    else if (rest.length > lineBytesMax) {
      lines.push(null);
      rest = "";
      skipping = true;
    }
    yield lines.filter((line) => line === null || line.trim() !== "");
  }
  rest += decodeChunk(decoder, undefined);
  if (!skipping && rest.trim() !== "") yield [isLonger(rest, lineBytesMax) ? null : rest];
}

const encoder = new TextEncoder();

/** Whether a text has more bytes than that; measured only when its length leaves it open. */
export function isLonger(text: string, bytesMax: number): boolean {
  if (text.length * 3 <= bytesMax) return false;
  return text.length > bytesMax || encoder.encode(text).byteLength > bytesMax;
}

function decodeChunk(decoder: TextDecoder, chunk: Uint8Array | undefined): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    throw new AppError("malformed", "The body is not UTF-8 text");
  }
}
