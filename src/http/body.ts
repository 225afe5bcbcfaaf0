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
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of bodyPieces(c, bytesMax)) {
    pieces.push(piece);
    length += piece.byteLength;
  }
  return joined(pieces, length);
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
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
export function assertDeclared(c: Context, bytesMax: number): boolean {
  const declared = c.req.header("content-length");
  if (Number(declared ?? 0) > bytesMax) throw tooLarge(bytesMax);
  return declared !== undefined;
}

function tooLarge(bytesMax: number): AppError {
  return new AppError("payload_too_large", `The body has more than ${bytesMax} bytes`);
}

/** Smaller chunks are gathered up to that: one of a byte costs hundreds to keep, and as much work as a large one. */
const PIECE_BYTES = 8_192;

/**
 * A body as it arrives, small chunks gathered to larger pieces. A chunk that is due waits for no more, nor does what came
 * before it. Throws `payload_too_large` once there is more than the bound.
 */
export async function* bodyPieces(
  c: Context,
  bytesMax: number,
  isDue: (chunk: Uint8Array) => boolean = () => false,
): AsyncGenerator<Uint8Array> {
  const body = c.req.raw.body;
  if (body === null) return;
  let gathered: Uint8Array | undefined;
  let length = 0;
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    const passes = chunk.byteLength >= PIECE_BYTES || isDue(chunk);
    if (length > 0 && (passes || length + chunk.byteLength > PIECE_BYTES)) {
      yield gathered!.slice(0, length);
      length = 0;
    }
    if (passes) yield chunk;
    else {
      gathered ??= new Uint8Array(PIECE_BYTES);
      gathered.set(chunk, length);
      length += chunk.byteLength;
    }
  }
  if (length > 0) yield gathered!.slice(0, length);
}
