// POST /events: CloudEvents in binary and batch mode.
import { describe, expect, it } from "vitest";
import { formatStamp } from "../../src/domain/stamp.ts";
import { expectProblem } from "../support/problem.ts";
import { type AnswerBody, read, type ServiceUnderTest, startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";
import { dumpLine, EVENT, STRUCTURED } from "./events-seen.ts";

const BINARY = { "ce-specversion": "1.0", "ce-id": "e1", "ce-source": "/shop", "ce-type": "order.placed" };

/** Sends an event in binary mode. */
async function sendBinary(
  service: ServiceUnderTest,
  headers: Readonly<Record<string, string | undefined>>,
  body?: string | Uint8Array<ArrayBuffer>,
) {
  const given = Object.entries({ ...BINARY, ...headers }).filter((entry): entry is [string, string] => !!entry[1]);
  const init = { method: "POST", headers: given, ...(body === undefined ? {} : { body }) };
  return read(await service.request("/events", init));
}

const JSON_BODY = { "content-type": "application/json" };
const STORED = { id: "e1", source: "/shop", type: "order.placed" };

describe.each(WAYS)("an event in binary mode on the path $path", ({ options, status, path }) => {
  it("is the event that it would be in structured mode, its extensions as texts", async () => {
    await using service = await startService(options);
    const answer = await sendBinary(
      service,
      {
        "CE-Subject": "42",
        "ce-time": "2026-01-02T03:04:05+01:00",
        "ce-dataschema": "https://example.org/order",
        "ce-about": "User/u/1",
        "ce-priority": "7",
        "content-type": "application/json; charset=utf-8",
      },
      '{"total":3}',
    );
    expect(answer).toMatchObject({
      status,
      body: { flow: "events", type: "record", path, entity: { kind: "Event", id: "%2Fshop/e1" } },
    });
    await service.tickToRest();
    expect(await dumpLine(service, "%252Fshop%2Fe1")).toEqual({
      ...STORED,
      subject: "42",
      time: "2026-01-02T02:04:05.000Z",
      dataschema: "https://example.org/order",
      datacontenttype: "application/json; charset=utf-8",
      data: { total: 3 },
      extensions: { priority: "7" },
    });
    expect(await (await service.request("/v1/dump")).text()).toContain("default/User/u%2F1");
  });

  it("and in every other mode is one event with one source and id", async () => {
    await using service = await startService(options);
    await sendBinary(service, JSON_BODY, '{"total":3}');
    await service.post("/events", EVENT, STRUCTURED);
    await service.post("/events", EVENT);
    await service.post("/events", [EVENT, EVENT], BATCH);
    await service.tickToRest();
    const dump = await (await service.request("/v1/dump")).text();
    expect(dump.split("\n").filter((line) => line.includes("/Event/"))).toHaveLength(1);
    expect((await service.get("/v1/check")).body).toMatchObject({ flows: { events: { accounted: 5 } } });
  });
});

describe("an event in binary mode", () => {
  it.each([
    ["Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"],
    ["%65%e2%82%ac", "e€"],
    ["100%25", "100%"],
    ["%2525", "%25"],
    ["a b", "a b"],
    ['"a b"', "a b"],
    ['"a \\"b\\" \\\\ %20c"', 'a "b" \\  c'],
    ['say "hi"', 'say "hi"'],
    ['"', '"'],
    ["a+b", "a+b"],
  ])("has the header value %s for %s", async (encoded, text) => {
    await using service = await startService();
    expect((await sendBinary(service, { "ce-subject": encoded, "ce-note": encoded })).status).toBe(200);
    expect(await dumpLine(service, "%252Fshop%2Fe1")).toEqual({
      ...STORED,
      subject: text,
      extensions: { note: text },
    });
  });

  it.each(["%C0%A0", "%", "100%", "%zz", "%E2%82", "%ED%A0%80", "%FF", "caf\u00e9"])(
    "refuses the header value %s",
    async (value) => {
      await using service = await startService();
      const { errors, detail } = expectProblem(await sendBinary(service, { "ce-subject": value }), "invalid_input");
      expect(errors).toMatchObject([{ pointer: "#/ce-subject" }]);
      expect(detail).toContain("#/ce-subject");
    },
  );

  it.each(["ce-id", "ce-source", "ce-type", "ce-specversion"])("refuses an event without %s", async (name) => {
    await using service = await startService();
    const answer = await sendBinary(service, { ...JSON_BODY, [name]: undefined }, "{}");
    expect(expectProblem(answer, "invalid_input").errors?.[0]?.pointer).toBe(`#/${name}`);
  });

  it.each([
    ["another specversion", { "ce-specversion": "0.3" }, "#/ce-specversion"],
    ["a time that is none", { "ce-time": "yesterday" }, "#/ce-time"],
    ["an id that is too long", { "ce-id": "x".repeat(201) }, "#/ce-id"],
    ["an extension with a hyphen", { "ce-my-region": "eu" }, "#/ce-my-region"],
    ["an extension whose name is too long", { [`ce-${"x".repeat(21)}`]: "1" }, `#/ce-${"x".repeat(21)}`],
    ["an extension with a NUL", { "ce-region": "a%00" }, "#/ce-region"],
    ["datacontenttype by header", { "ce-datacontenttype": "text/plain" }, "#/ce-datacontenttype"],
    ["data by header", { "ce-data": "5" }, "#/ce-data"],
    ["base64 by header", { "ce-data_base64": "AAAA" }, "#/ce-data_base64"],
    ["an unknown kind to be about", { "ce-about": "Planet/1" }, "#/ce-about"],
    ["a name without a kind to be about", { "ce-about": "1" }, "#/ce-about"],
    ["a media type that is too long", { "content-type": `a/${"x".repeat(200)}` }, "#/content-type"],
    ["an idempotency key that is too long", { "idempotency-key": "k".repeat(201) }, "#/key"],
    ["an after that is no stamp", { "tidegate-after": "now" }, "#/after"],
  ])("refuses %s", async (_, headers, pointer) => {
    await using service = await startService();
    const answer = await sendBinary(service, { ...JSON_BODY, ...headers }, "{}");
    expect(expectProblem(answer, "invalid_input").errors?.[0]?.pointer).toBe(pointer);
  });

  it("points into its data as the data of any event", async () => {
    await using service = await startService();
    const answer = await sendBinary(service, JSON_BODY, '{"a":{"b":"\\u0000"}}');
    expect(expectProblem(answer, "invalid_input").errors?.[0]?.pointer).toBe("#/data/a/b");
  });

  it.each([
    ["application/json", "null", undefined],
    ["application/json", "[1]", { data: [1] }],
    ["application/vnd.shop.order+json", '"x"', { data: "x" }],
    ["text/json", "5", { data: 5 }],
    ["text/plain", "5", { data: "5" }],
    ["TEXT/CSV; charset=utf-8", "a;€", { data: "a;€" }],
    ["application/xml", "<a/>", { data: "<a/>" }],
    ["image/svg+xml", "<a/>", { data: "<a/>" }],
    ["text/plain; charset=iso-8859-1", Uint8Array.of(0xe9), { data_base64: "6Q==" }],
    ["application/octet-stream", Uint8Array.of(0, 255), { data_base64: "AP8=" }],
    ["application/protobuf", "text", { data_base64: "dGV4dA==" }],
    ["text/plain", "", undefined],
    ["application/json", "", undefined],
  ])("of %s %j has its data in the form that can hold it", async (contentType, body, data) => {
    await using service = await startService();
    expect((await sendBinary(service, { "content-type": contentType }, body)).status).toBe(200);
    expect(await dumpLine(service, "%252Fshop%2Fe1")).toEqual({ ...STORED, datacontenttype: contentType, ...data });
  });

  it("without a media type is bytes, and without a body has no data", async () => {
    await using service = await startService();
    await sendBinary(service, {}, Uint8Array.of(1, 2, 3));
    expect(await dumpLine(service, "%252Fshop%2Fe1")).toEqual({ ...STORED, data_base64: "AQID" });
    await sendBinary(service, { "ce-id": "e2" });
    expect(await dumpLine(service, "%252Fshop%2Fe2")).toEqual({ ...STORED, id: "e2" });
  });

  it("takes a body as large as any operation's, and none that is larger", async () => {
    await using service = await startService();
    const type = { "content-type": "application/octet-stream" };
    const { bodyBytesMax } = service.composed.service.limits;
    expect((await sendBinary(service, type, new Uint8Array(bodyBytesMax))).status).toBe(200);
    expectProblem(await sendBinary(service, type, new Uint8Array(bodyBytesMax + 1)), "payload_too_large");
  });

  it("refuses JSON that is none", async () => {
    await using service = await startService();
    expectProblem(await sendBinary(service, JSON_BODY, "{"), "malformed");
    expectProblem(await sendBinary(service, JSON_BODY, Uint8Array.of(0x22, 0xff, 0x22)), "malformed");
  });

  it("is structured where the media type says so, whatever the headers", async () => {
    await using service = await startService();
    const answer = await service.post("/events", { ...EVENT, id: "inner" }, { ...BINARY, ...STRUCTURED });
    expect(answer.body.entity.id).toBe("%2Fshop/inner");
    expectProblem(
      await service.post("/events", EVENT, { ...BINARY, "content-type": "application/cloudevents+avro" }),
      "unsupported_media_type",
    );
  });

  it("honours an idempotency key", async () => {
    await using service = await startService();
    const one = await sendBinary(service, { "idempotency-key": "k" });
    expect((await sendBinary(service, { "idempotency-key": "k" })).body.id).toBe(one.body.id);
    expectProblem(await sendBinary(service, { "idempotency-key": "k", "ce-subject": "s" }), "idempotency_mismatch");
  });
});

const BATCH = { "content-type": "application/cloudevents-batch+json; charset=utf-8" };

/** Sends a batch of events; answers what was said of each. */
async function sendBatch(service: ServiceUnderTest, items: readonly unknown[], headers = {}) {
  const { status, headers: answered, body } = await service.post("/events", items, { ...BATCH, ...headers });
  expect(status).toBe(200);
  expect(answered.get("content-type")).toContain("application/json");
  return body as unknown as (AnswerBody & {
    status: number;
    problem?: AnswerBody & { errors?: { pointer: string }[] };
  })[];
}

describe("a batch of events", () => {
  it.each(WAYS)("is answered event by event on the path $path", async ({ options, status, path }) => {
    await using service = await startService(options);
    const answers = await sendBatch(service, [EVENT, { ...EVENT, id: "e2", region: "eu" }, EVENT]);
    expect(answers.map((answer) => [answer.status, answer.path, answer.entity.id])).toEqual([
      [status, path, "%2Fshop/e1"],
      [status, path, "%2Fshop/e2"],
      [status, path, "%2Fshop/e1"],
    ]);
    await service.tickToRest();
    expect(await dumpLine(service, "%252Fshop%2Fe2")).toMatchObject({ extensions: { region: "eu" } });
  });

  it("answers faulty events with their problem and takes the others", async () => {
    await using service = await startService();
    const { specversion: _, ...plain } = EVENT;
    const answers = await sendBatch(service, [
      EVENT,
      plain,
      { ...EVENT, specversion: "0.3" },
      { ...EVENT, time: "never" },
      { ...EVENT, Region: "eu" },
      { ...EVENT, region: "\0" },
      "no object",
      [EVENT],
      null,
      { ...EVENT, id: "big", data: "x".repeat(600_000) },
      { ...EVENT, id: "last" },
    ]);
    expect(answers.map(({ status, problem }) => [status, problem?.code, problem?.errors?.[0]?.pointer])).toEqual([
      [200, undefined, undefined],
      [422, "invalid_input", "#/specversion"],
      [422, "invalid_input", "#/specversion"],
      [422, "invalid_input", "#/time"],
      [422, "invalid_input", "#/Region"],
      [422, "invalid_input", "#/region"],
      [422, "invalid_input", "#"],
      [422, "invalid_input", "#"],
      [422, "invalid_input", "#"],
      [413, "payload_too_large", undefined],
      [200, undefined, undefined],
    ]);
  });

  it("is taken with other operations as well, and answered alike", async () => {
    await using service = await startService();
    const items = [EVENT, { ...EVENT, time: "never" }, { ...EVENT, region: "\0" }];
    const { status, body } = await service.post("/v1/operations", items, BATCH);
    const answers = body as unknown as (AnswerBody & { problem?: { errors: { pointer: string }[] } })[];
    expect(status).toBe(200);
    expect(answers[0]).toMatchObject({ status: 200, flow: "events", entity: { kind: "Event", id: "%2Fshop/e1" } });
    expect(answers.slice(1).map(({ problem }) => problem?.errors[0]?.pointer)).toEqual(["#/time", "#/region"]);
    expectProblem(await service.post("/v1/operations", EVENT, BATCH), "invalid_input");
  });

  it("may be empty", async () => {
    await using service = await startService();
    expect(await sendBatch(service, [])).toEqual([]);
  });

  it("is ordered after a stamp that the batch carries", async () => {
    await using service = await startService();
    const after = formatStamp(Date.now() + 30_000, 0, "0".repeat(16));
    const [answer] = await sendBatch(service, [EVENT], { "tidegate-after": after });
    expect(answer!.stamp > after).toBe(true);
  });

  it("has bounds: events, bytes, and no key of its own", async () => {
    await using service = await startService({ env: { BATCH_ITEMS_MAX: "2", BATCH_BYTES_MAX: "1024" } });
    const post = (items: unknown, headers = {}) => service.post("/events", items, { ...BATCH, ...headers });
    expectProblem(await post([EVENT, EVENT, EVENT]), "payload_too_large");
    expectProblem(await post([{ ...EVENT, data: "x".repeat(1_024) }]), "payload_too_large");
    expectProblem(await post([EVENT], { "idempotency-key": "k" }), "invalid_input");
    expectProblem(await post(EVENT), "invalid_input");
    expect((await service.get("/v1/check")).body).toMatchObject({ flows: { events: { accounted: 0 } } });
  });
});
