// A request body in tiny chunks costs the gateway its bytes, not its chunks.
import { expect, it } from "vitest";
import { readJson } from "../../src/gateway/request-body.ts";
import { byteByByte, chunkedRequest } from "../support/chunks.ts";

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

it("keeps none of the chunks of a body", async () => {
  const body = Array.from({ length: 60_000 }, (_, i) => i);
  expect(await readJson(chunkedRequest(byteByByte(encode(body))), 400_000)).toEqual(body);
});

it("reads large chunks between small ones in their order", async () => {
  const body = ["a".repeat(20_000), "b", "c".repeat(9_000), "d".repeat(8_192)];
  const bytes = encode(body);
  for (const sizes of [[1, 20_000], [9_000, 1, 3], [8_192], [8_191, 1], [1_000_000]]) {
    const chunks: Uint8Array[] = [];
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const end = at + sizes[i % sizes.length]!;
      chunks.push(bytes.slice(at, end));
      at = end;
    }
    expect(await readJson(chunkedRequest(chunks), 100_000)).toEqual(body);
  }
});

it("refuses a body at its first byte too many", async () => {
  const refused = readJson(chunkedRequest(byteByByte(new Uint8Array(30_000))), 20_000);
  await expect(refused).rejects.toMatchObject({ kind: "too_large" });
});
