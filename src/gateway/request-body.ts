// Reads a JSON request body within a bound.
import { RestError } from "./rest-error.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The parsed body. Throws RestError `too_large` before reading more than `bytesMax`, or `malformed`. */
export async function readJson(request: Request, bytesMax: number): Promise<unknown> {
  const body = await readOptionalJson(request, bytesMax);
  if (body === undefined) throw new RestError("malformed", "Missing request JSON body");
  return body;
}

/** As `readJson`, but undefined for a request without a body. */
export async function readOptionalJson(request: Request, bytesMax: number): Promise<unknown> {
  const declared = request.headers.get("content-length");
  if (Number(declared ?? 0) > bytesMax) throw tooLarge(bytesMax);
  // A server holds a sender to the length it declares.
  const bytes = await (declared === null ? readBytes(request, bytesMax) : readWhole(request));
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    throw new RestError("malformed", "Invalid request JSON body");
  }
}

async function readWhole(request: Request): Promise<Uint8Array> {
  try {
    return new Uint8Array(await request.arrayBuffer());
  } catch {
    throw endedEarly();
  }
}

/** Smaller chunks are gathered up to that: one of a byte costs hundreds to keep. src/http/body.ts, unknown here, does so too. */
const PIECE_BYTES = 8_192;

async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const gathered = new Uint8Array(PIECE_BYTES);
  let held = 0;
  let length = 0;
  const release = (): void => {
    if (held > 0) pieces.push(gathered.slice(0, held));
    held = 0;
  };
  const reader = request.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await nextChunk(reader);
    if (done) break;
    length += value.length;
    if (length > bytesMax) {
      // Not awaited: a client that sends on must not hold up its own refusal.
      reader.cancel().catch(() => {});
      throw tooLarge(bytesMax);
    }
    if (held + value.length > PIECE_BYTES) release();
    if (value.length >= PIECE_BYTES) pieces.push(value);
    else {
      gathered.set(value, held);
      held += value.length;
    }
  }
  release();
  return joined(pieces, length);
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

async function nextChunk(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch {
    throw endedEarly();
  }
}

function endedEarly(): RestError {
  return new RestError("malformed", "The request body ended early");
}

function tooLarge(bytesMax: number): RestError {
  return new RestError("too_large", `HTTP Request Entity Too Large: a body may have ${bytesMax} bytes`);
}
