// Bad input in requests: a clear problem that names the place, the same on every path, and never a 500.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flows } from "../../src/flows/index.ts";
import { listen } from "../../src/runtime/listen.ts";
import { expectProblem, readProblem } from "../support/problem.ts";
import { type ServiceUnderTest, startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";

const JSON_TYPE = { "content-type": "application/json" };
const NDJSON = { "content-type": "application/x-ndjson" };
const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const memory = (metadata: string) => `{"user":"u","content":"c","metadata":{"a":${metadata}}}`;

const send = (service: ServiceUnderTest, path: string, body: BodyInit, headers: HeadersInit = JSON_TYPE) =>
  service.request(path, { method: "POST", body, headers, duplex: "half" } as RequestInit);

describe.each(WAYS)("bad data on the path $path", ({ options }) => {
  it.each([
    ["a NUL in a text", String.raw`{"user":"u","content":"a\u0000b"}`, "#/content", /NUL/],
    ["a NUL in a name", String.raw`{"user":"u","content":"c","metadata":{"a\u0000":1}}`, "#/metadata/a%00", /NUL/],
    ["a lone surrogate in a text", String.raw`{"user":"\ud800","content":"c"}`, "#/user", /surrogate/],
    ["a lone surrogate deep within", memory(String.raw`[{"b":"x\udfff"}]`), "#/metadata/a/0/b", /surrogate/],
    ["a lone surrogate in a name", memory(String.raw`{"\ud83d":1}`), "#/metadata/a/%EF%BF%BD", /surrogate/],
    ["an integer beyond 2^53", memory("9007199254740993"), "#/metadata/a", /2\^53/],
    ["an integer far beyond", memory("-1e30"), "#/metadata/a", /2\^53/],
    ["nesting beyond the limit", memory(deep(31)), `#/metadata/a${"/0".repeat(30)}`, /deeper than 32/],
    ["nesting a hundred thousand deep", memory(deep(100_000)), `#/metadata/a${"/0".repeat(30)}`, /deeper than 32/],
    ["an array for an object", "[]", "#", /object/],
    ["a text for an object", '"x"', "#", /object/],
    ["nothing for an object", "null", "#", /object/],
    ["a number for a text", '{"user":"u","content":5}', "#/content", /string/],
    ["an infinite number", memory("1e999"), "#/metadata/a", /larger than any/],
    ["a field nobody knows", '{"user":"u","content":"c","a/b~c d":1}', "#/a~1b~0c%20d", /no such field/],
    ["a name that objects are born with", '{"user":"u","content":"c","__proto__":{"x":1}}', "#/__proto__", /./],
    ["such a name deep within", memory('{"__proto__":{"x":1}}'), "#/metadata/a/__proto__", /__proto__/],
    ["an empty id", '{"id":"","user":"u","content":"c"}', "#/id", /./],
    ["an id that is too long", `{"id":"${"x".repeat(201)}","user":"u","content":"c"}`, "#/id", /./],
    ["a missing field", '{"content":"c"}', "#/user", /./],
  ])("%s is 422 with a pointer, and leaves nothing behind", async (_, body, pointer, detail) => {
    await using service = await startService(options);
    const key = { ...JSON_TYPE, "idempotency-key": "k" };
    const problem = await readProblem(await send(service, "/v1/memory/create", body, key), "invalid_input");
    expect(problem.errors?.[0]).toEqual({ pointer, detail: expect.stringMatching(detail) });
    for (const [type, text] of [
      [JSON_TYPE, `[{"flow":"memory","type":"create","data":${body}}]`],
      [NDJSON, `{"flow":"memory","type":"create","data":${body}}`],
    ] as const) {
      const answer = await send(service, "/v1/operations", text, type);
      expect(answer.status).toBe(200);
      const [item] = [await answer.json()].flat();
      expect(item).toMatchObject({ status: 422, problem: { code: "invalid_input", errors: [{ pointer }] } });
    }
    expect((await service.get("/v1/check")).body).toMatchObject({ atRest: true, flows: { memory: { accounted: 0 } } });
    const good = await service.post("/v1/memory/create", { user: "u", content: "c" }, key);
    expect(good.status).toBeLessThan(300);
  });

  it("what fits is kept exactly: 32 levels, 2^53 - 1, astral characters, free numbers", async () => {
    await using service = await startService(options);
    const data = `{"id":"k","user":"u","content":"c","metadata":{"a":${deep(30)},"n":[9007199254740991,-0.5,1e-7,0],"t":"𝄞\\u001f"}}`;
    expect((await send(service, "/v1/memory/create", data)).status).toBeLessThan(300);
    await service.tickToRest();
    const line = (await (await service.request("/v1/dump")).text()).split("\n").find((text) => text.includes("Memory"));
    expect(JSON.parse(line!).fields.metadata).toEqual(JSON.parse(data).metadata);
  });

  it.each([
    "9999-12-31T23:59:59-23:59",
    "0000-01-01T00:00:00+01:00",
    "2024-02-30T00:00:00Z",
    "2016-12-31T23:59:60Z",
    "2024-01-01",
    "tomorrow",
  ])("the time %s, which cannot be kept, is refused before the path is decided", async (sentAt) => {
    await using service = await startService(options);
    const data = { session: "s", user: "u", content: "c", sentAt };
    const problem = expectProblem(await service.post("/v1/chat-messages/create", data), "invalid_input");
    expect(problem.errors?.[0]?.pointer).toBe("#/sentAt");
  });
});

describe("a body that cannot be read", () => {
  it.each([
    ["nothing", ""],
    ["half of an object", '{"user":'],
    ["two objects", "{}{}"],
    ["a comment", "{} // no"],
    ["bytes that are no UTF-8", new Uint8Array([0x22, 0xc3, 0x28, 0x22])],
    ["UTF-16", new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0])],
    ["a hundred thousand open brackets", "[".repeat(100_000)],
  ])("as JSON: %s is 400 everywhere", async (_, body) => {
    await using service = await startService();
    for (const path of ["/v1/session/create", "/v1/operations", "/v1/operations/statuses", "/events"]) {
      await readProblem(await send(service, path, body), "malformed");
    }
    expect((await service.post("/v1/session/create", { id: "s" })).status).toBe(202);
  });

  it("is 422 where a hundred thousand levels are JSON but not an operation", async () => {
    await using service = await startService({ env: { BODY_BYTES_MAX: "262144" } });
    for (const path of ["/v1/session/create", "/events", "/v1/operations/statuses"]) {
      await readProblem(await send(service, path, deep(100_000)), "invalid_input");
    }
    const cloudEvent = `{"specversion":${deep(100_000)},"id":"1","source":"s","type":"t"}`;
    await readProblem(await send(service, "/events", cloudEvent), "invalid_input");
    const items = await send(
      service,
      "/v1/operations",
      `[${deep(400_000)},{"flow":"x","type":"y","data":${deep(400_000)}}]`,
    );
    expect(items.status).toBe(200);
    for (const item of (await items.json()) as { status: number }[]) expect([404, 413, 422]).toContain(item.status);
  });
});

describe("a body of ten megabytes", () => {
  const BYTES = 10 * 1024 * 1024;
  const chunked = () => {
    let left = BYTES;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        const size = Math.min(left, 65_536);
        left -= size;
        if (size === 0) controller.close();
        else controller.enqueue(new Uint8Array(size).fill(0x20));
      },
    });
  };

  it("is 413 at every route, declared or chunked, over a real connection, which goes on working", async () => {
    await using service = await startService();
    const server = await listen((request) => service.app.fetch(request), { host: "127.0.0.1", port: 0 });
    const declared = new Uint8Array(BYTES).fill(0x20);
    for (const path of ["/v1/session/create", "/v1/operations", "/events", "/v1/operations/statuses"]) {
      for (const body of [declared, chunked()]) {
        const init = { method: "POST", headers: JSON_TYPE, body, duplex: "half" } as RequestInit;
        await readProblem(await fetch(server.url + path, init), "payload_too_large");
      }
    }
    const good = await fetch(`${server.url}/v1/session/create`, { method: "POST", headers: JSON_TYPE, body: "{}" });
    expect(good.status).toBe(202);
    await server.stop(1_000);
  });

  it("as one line is skipped, and the lines around it are taken", async () => {
    await using service = await startService();
    const good = '{"flow":"session","type":"create","data":{}}';
    const answer = await send(service, "/v1/operations", `${good}\n"${"x".repeat(BYTES)}"\n${good}\n`, NDJSON);
    const statuses = (await answer.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).status);
    expect(statuses).toEqual([202, 413, 202]);
  });
});

describe("whatever is sent", () => {
  const ROUTES = [
    ...flows.flatMap(({ name, types }) => Object.keys(types).map((type) => `/v1/${name}/${type}`)),
    "/v1/operations",
    "/v1/operations/statuses",
    "/events",
  ];
  /** Names that mean something, so that a good part of the bodies gets past the first look. */
  const names = fc.constantFrom(
    ..."id user session content flow type data key after retryToken specversion source about metadata tags".split(" "),
    ..."title ratings endedAt time name result message seq role kind __proto__ constructor extensions".split(" "),
  );
  const words = fc.constantFrom("1.0", "session", "create", "User", "2026-01-01T00:00:00Z", "", "\0", "\ud800", "é");
  const { value } = fc.letrec<{ value: unknown; node: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      words,
      fc.jsonValue({ maxDepth: 1 }),
      fc.integer(),
      tie("node"),
    ),
    node: fc.oneof(fc.array(tie("value"), { maxLength: 4 }), fc.dictionary(names, tie("value"), { maxKeys: 6 })),
  }));
  const text = fc.oneof(
    { weight: 6, arbitrary: value.map((body) => JSON.stringify(body) ?? "null") },
    {
      weight: 2,
      arbitrary: fc.array(value, { maxLength: 5 }).map((items) => items.map((item) => JSON.stringify(item)).join("\n")),
    },
    { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
  );
  const headers = fc.record(
    {
      "idempotency-key": fc.constantFrom("k", "", "x".repeat(300), "é"),
      "tidegate-after": fc.constantFrom("", "x", `${"f".repeat(12)}-ffff-${"0".repeat(16)}`),
      "tidegate-retry": fc.constantFrom("", "a.b.c"),
      traceparent: fc.constantFrom("", "00-1-2-3", `00-${"a".repeat(32)}-${"b".repeat(16)}-01`),
    },
    { requiredKeys: [] },
  );
  const media = fc.constantFrom(
    "application/json",
    "application/x-ndjson",
    "application/cloudevents+json",
    "text/plain",
  );

  it.each(WAYS)("on the path $path is answered by 2xx or a problem of 4xx, and stops nothing", async ({ options }) => {
    await using service = await startService(options);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ROUTES), media, headers, text, async (path, type, more, body) => {
        const answer = await send(service, path, body, { ...more, "content-type": type });
        const said = await answer.text();
        expect(answer.status, said).toBeLessThan(500);
        expect(said).not.toContain('"status":500');
        if (answer.status >= 400) expect(answer.headers.get("content-type")).toBe("application/problem+json");
      }),
      { numRuns: 400 },
    );
    const reports = await service.tickToRest();
    expect(reports.at(-1)).toMatchObject({ failures: [] });
    const check = (await service.get("/v1/check")).body;
    expect(check).toMatchObject({ closed: true });
    expect(await service.database.parkedCounts()).toEqual(new Map());
    expect(service.lines.filter(({ level }) => level === "error")).toEqual([]);
  });
});
