// Whatever is sent, the gateway blames the request and never itself.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gatewayBundle } from "../support/gateway-bundle.ts";

const BINARY = "application/vnd.kafka.binary.v2+json";
const JSON_RECORDS = "application/vnd.kafka.json.v2+json";
const UPSTASH_PATHS = ["/produce", "/commit/g/i", "/fetch"];
const POST_PATHS = [
  "/topics/t",
  "/topics/t/partitions/0",
  "/partitions/records",
  "/admin/topics",
  "/consumers/g",
  ...UPSTASH_PATHS,
];
const DEEP = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;

const BODIES: [string, BodyInit][] = [
  ["nothing", ""],
  ["null", "null"],
  ["a number", "1"],
  ["an array", "[]"],
  ["records of null", '{"records":[null]}'],
  ["records of arrays", '{"records":[[]]}'],
  ["records that are an object", '{"records":{}}'],
  ["deep nesting", DEEP],
  ["a record of deep nesting", `{"records":[{"value":${DEEP}}]}`],
  ["a message of deep nesting", `{"topic":"t","value":${DEEP}}`],
  ["an offset to commit that has no next one", `{"topic":"t","partition":0,"offset":${Number.MAX_SAFE_INTEGER}}`],
  ["a key of deep nesting", `{"records":[{"key":${DEEP},"value":1}]}`],
  ["a number as base64", '{"records":[{"value":1}]}'],
  ["a partition that is a text", '{"records":[{"value":"","partition":"0"}]}'],
  ["a partition with a fraction", '{"records":[{"value":"","partition":0.5}]}'],
  ["a partition beyond numbers", '{"records":[{"value":"","partition":1e400}]}'],
  ["a negative timestamp", '{"records":[{"value":"","timestamp":-1}]}'],
  ["a timestamp beyond numbers", '{"records":[{"value":"","timestamp":1e300}]}'],
  ["headers that are a text", '{"records":[{"value":"","headers":"x"}]}'],
  ["headers without a key", '{"records":[{"value":"","headers":[{"value":""}]}]}'],
  ["a lone surrogate", '{"records":[{"value":"\\ud800","headers":[{"key":"\\udfff","value":null}]}]}'],
  ["members named like an object's own", '{"records":[{"__proto__":1,"constructor":2}]}'],
  ["bytes that are not UTF-8", new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])],
  ["a negative offset", '{"partitions":[{"topic":"t","partition":0,"offset":-1}]}'],
  ["an offset beyond numbers", '{"partitions":[{"topic":"t","partition":0,"offset":1e99}]}'],
  ["partitions of null", '{"partitions":[null]}'],
  ["a negative time to wait", '{"partitions":[{"topic":"t","partition":0,"offset":0}],"timeout":-5}'],
  ["no room for a record", '{"partitions":[{"topic":"t","partition":0,"offset":0}],"max_records":0}'],
  ["a topic name with a slash", '{"topic_name":"a/b"}'],
  ["a topic name of dots", '{"topic_name":".."}'],
  ["a long topic name", JSON.stringify({ topic_name: "x".repeat(250) })],
  ["too many partitions", '{"topic_name":"many","partitions_count":257}'],
  ["no partitions", '{"topic_name":"none","partitions_count":0}'],
];

describe("bad input", () => {
  it.each(BODIES)("a body that is %s is never a 500", async (_, body) => {
    await using bundle = await gatewayBundle();
    for (const path of POST_PATHS) {
      for (const type of [BINARY, JSON_RECORDS]) {
        const response = await bundle.app.request(path, { method: "POST", body, headers: { "content-type": type } });
        expect(response.status, `${path} ${type}`).toBeLessThan(500);
        const code = UPSTASH_PATHS.includes(path) ? "status" : "error_code";
        if (response.status >= 400) expect(await response.json()).toMatchObject({ [code]: expect.any(Number) });
      }
    }
  });

  it.each([
    "/topics/%E0%A4%A",
    "/topics/%00",
    "/topics/a%2Fb",
    "/topics/t/partitions/-1",
    "/topics/t/partitions/1e1/offsets",
    "/topics/t/partitions/99999999999999999999",
    "//",
    "/topics/",
  ])("the path %s is never a 500", async (path) => {
    await using bundle = await gatewayBundle();
    for (const method of ["GET", "POST", "PUT"]) {
      const response = await bundle.app.request(path, { method });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
    }
  });

  it("a log that is full refuses further topics with 422", async () => {
    await using bundle = await gatewayBundle({ partitionsMax: 8_192, topics: { t: 3 } });
    const make = (topic_name: string, partitions_count: number) =>
      bundle.app.request("/admin/topics", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ topic_name, partitions_count }),
      });
    expect((await make("rest", 8_190)).status).toBe(422);
    expect((await make("rest", 8_189)).status).toBe(201);
    expect((await make("one-more", 1)).status).toBe(422);
  });

  it("any JSON at any address is never a 500", async () => {
    await using bundle = await gatewayBundle();
    const field = fc.oneof(fc.json(), fc.constant("{}"), fc.constant('"AAEC"'), fc.constant("0"));
    const record = fc.dictionary(fc.constantFrom("key", "value", "partition", "timestamp", "headers"), field).map(
      (fields) =>
        `{${Object.entries(fields)
          .map(([name, json]) => `"${name}":${json}`)
          .join(",")}}`,
    );
    const body = fc.oneof(
      fc.json(),
      record.map((json) => `{"records":[${json}]}`),
      record.map((json) => `{"partitions":[${json}]}`),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...POST_PATHS),
        fc.constantFrom(BINARY, JSON_RECORDS),
        body,
        async (path, type, json) => {
          const response = await bundle.app.request(path, {
            method: "POST",
            body: json,
            headers: { "content-type": type },
          });
          expect(response.status).toBeLessThan(500);
        },
      ),
      { numRuns: 200 },
    );
  });
});
