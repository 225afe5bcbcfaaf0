// Bodies in chunks of any size: the same is read however they are cut, and tiny ones cost no more than their bytes.
import fc from "fast-check";
import { type Context, Hono } from "hono";
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import { readBytes } from "../../src/http/body.ts";
import { readLines } from "../../src/http/lines.ts";
import { byteByByte, chunkedRequest } from "../support/chunks.ts";

const LIMITS = { bodyBytesMax: 4_000_000, lineBytesMax: 1_000_000 };
const encoder = new TextEncoder();

/** What a reader makes of a body. */
async function readAs<Read>(chunks: Iterable<Uint8Array>, reader: (c: Context) => Promise<Read>): Promise<Read> {
  let found: { read: Read } | { error: unknown } | undefined;
  const app = new Hono().post("/", async (c) => {
    found = await reader(c).then(
      (read) => ({ read }),
      (error) => ({ error }),
    );
    return c.body(null);
  });
  await app.request(chunkedRequest(chunks));
  if ("error" in found!) throw found.error;
  return found!.read;
}

const linesOf =
  (limits = LIMITS) =>
  async (c: Context): Promise<(string | null)[]> => {
    const found: (string | null)[] = [];
    for await (const lines of readLines(c, limits)) found.push(...lines);
    return found;
  };

/** Bytes cut at any places. */
const cutBytes = fc
  .tuple(
    fc.oneof(
      fc.string({ unit: fc.constantFrom("a", "é", "𝄞", "\n", " "), maxLength: 60 }),
      fc.tuple(fc.nat(20_000), fc.nat(20_000)).map(([a, b]) => `${"x".repeat(a)}\n${"é".repeat(b)}`),
    ),
    fc.array(fc.nat(30_000), { maxLength: 20 }),
  )
  .map(([text, cuts]) => {
    const bytes = encoder.encode(text);
    const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
    return { bytes, chunks: places.slice(1).map((end, i) => bytes.slice(places[i], end)) };
  });

describe("a whole body", () => {
  it("is read as it was sent, however it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(cutBytes, async ({ bytes, chunks }) => {
        expect(await readAs(chunks, (c) => readBytes(c, 1_000_000))).toEqual(bytes);
      }),
    );
  });

  it("keeps none of its chunks when they are tiny", async () => {
    const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
    // Compared as one: what would differ is too much to print.
    expect(Buffer.compare(await readAs(byteByByte(bytes), (c) => readBytes(c, 300_000)), bytes)).toBe(0);
  });

  it("is refused at its first byte too many", async () => {
    let taken = 0;
    const counted = function* (): Generator<Uint8Array> {
      for (const chunk of byteByByte(new Uint8Array(50_000))) {
        taken++;
        yield chunk;
      }
    };
    const refusal = await readAs(counted(), (c) => readBytes(c, 20_000)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(AppError);
    expect([(refusal as AppError).code, taken]).toEqual(["payload_too_large", 20_001]);
  });
});

describe("a body of lines", () => {
  it("has the same lines, however it is cut", async () => {
    const limits = { bodyBytesMax: 1_000_000, lineBytesMax: 16_384 };
    const isLonger = (line: string): boolean => encoder.encode(line).length > limits.lineBytesMax;
    await fc.assert(
      fc.asyncProperty(cutBytes, async ({ bytes, chunks }) => {
        const lines = new TextDecoder().decode(bytes).split("\n");
        const wanted = lines.map((line) => (isLonger(line) ? null : line)).filter((line) => line?.trim() !== "");
        expect(await readAs(chunks, linesOf(limits))).toEqual(wanted);
      }),
    );
  });

  // Looked through anew at each of its bytes, it took minutes.
  it("is read in one go over a line of 700,000 chunks", { timeout: 30_000 }, async () => {
    const line = "abcdefg".repeat(100_000);
    const lines = await readAs(byteByByte(encoder.encode(`${line}\nb`)), linesOf());
    expect(lines.map((read) => (read === line ? "the line" : read))).toEqual(["the line", "b"]);
  });

  it("is skipped to its end over an overlong line of 300,000 chunks", { timeout: 30_000 }, async () => {
    const body = encoder.encode(`a\n${"b".repeat(300_000)}\nc\n`);
    expect(await readAs(byteByByte(body), linesOf({ ...LIMITS, lineBytesMax: 20_000 }))).toEqual(["a", null, "c"]);
  });

  it("gives a line when its end has come, though nothing follows", async () => {
    const asked: string[] = [];
    const slow = function* (): Generator<Uint8Array> {
      for (const piece of ['{"a"', ":1}\n{", "}", "\n", "1"]) {
        asked.push(piece);
        yield encoder.encode(piece);
      }
    };
    const seen = await readAs(slow(), async (c) => {
      const found: [string | null, number][] = [];
      for await (const lines of readLines(c, LIMITS)) for (const line of lines) found.push([line, asked.length]);
      return found;
    });
    expect(seen).toEqual([
      ['{"a":1}', 2],
      ["{}", 4],
      ["1", 5],
    ]);
  });
});
