// Bodies of lines, taken as they arrive: work and memory follow the bytes, however small the pieces they come in.
import type { Context } from "hono";
import { AppError } from "../domain/errors.ts";
import { assertDeclared, bodyPieces } from "./body.ts";

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
  let skipping = false;
  for await (const piece of bodyPieces(c, bodyBytesMax, endsLine)) {
    const parts = decodePiece(decoder, piece).split("\n");
    // What came before is neither searched nor copied again: engines join texts by reference.
    parts[0] = rest + parts[0]!;
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
  rest += decodePiece(decoder, undefined);
  if (!skipping && rest.trim() !== "") yield [isLonger(rest, lineBytesMax) ? null : rest];
}

const encoder = new TextEncoder();

/** Whether a text has more bytes than that; measured only when its length leaves it open. */
export function isLonger(text: string, bytesMax: number): boolean {
  if (text.length * 3 <= bytesMax) return false;
  return text.length > bytesMax || encoder.encode(text).byteLength > bytesMax;
}

/** A line feed is a byte of its own in UTF-8. */
function endsLine(chunk: Uint8Array): boolean {
  return chunk.includes(10);
}

function decodePiece(decoder: TextDecoder, piece: Uint8Array | undefined): string {
  try {
    return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
  } catch {
    throw new AppError("malformed", "The body is not UTF-8 text");
  }
}
