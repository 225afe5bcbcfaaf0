// POST /events: CloudEvents in structured mode and plain JSON become records of the flow `events`.
import { describe, expect, it } from "vitest";
import { expectProblem } from "../support/problem.ts";
import { startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";
import { dumpLine, EVENT, STRUCTURED } from "./events-seen.ts";

describe.each(WAYS)("an event on the path $path", ({ options, status, path }) => {
  it("in structured form keeps every attribute, extensions too", async () => {
    await using service = await startService(options);
    const answer = await service.post(
      "/events",
      {
        ...EVENT,
        subject: "42",
        time: "2026-01-02T03:04:05+01:00",
        dataschema: "https://example.org/order",
        datacontenttype: "application/json",
        about: { kind: "User", id: "u1" },
        priority: 7,
        traceflag: true,
        region: "eu",
      },
      STRUCTURED,
    );
    expect(answer).toMatchObject({
      status,
      body: { flow: "events", type: "record", path, entity: { kind: "Event", id: "%2Fshop/e1" } },
    });
    await service.tickToRest();
    expect(await dumpLine(service, "%252Fshop%2Fe1")).toEqual({
      id: "e1",
      source: "/shop",
      type: "order.placed",
      subject: "42",
      time: "2026-01-02T02:04:05.000Z",
      dataschema: "https://example.org/order",
      datacontenttype: "application/json",
      data: { total: 3 },
      extensions: { priority: 7, traceflag: true, region: "eu" },
    });
  });

  it("as plain JSON needs a type alone", async () => {
    await using service = await startService(options);
    const answer = await service.post("/events", { type: "ping" });
    expect(answer.status).toBe(status);
    expect(answer.body.entity.id).toBe(`%2F/${answer.body.id}`);
  });

  it.each([
    ["/".repeat(1_000), "/".repeat(200), status],
    ["語".repeat(400), "1", status],
    ["語".repeat(410), "1", 422],
  ])("is recorded under any source whose key fits every database (%#)", async (source, id, expected) => {
    await using service = await startService(options);
    const answer = await service.post("/events", { ...EVENT, source, id }, STRUCTURED);
    expect(answer.status).toBe(expected);
    if (expected === 422) {
      expect(expectProblem(answer, "invalid_input").errors).toMatchObject([
        { pointer: expect.stringMatching(/source$/) },
      ]);
    }
  });

  it("posted twice is recorded once, and is two operations", async () => {
    await using service = await startService(options);
    const one = await service.post("/events", EVENT, STRUCTURED);
    const two = await service.post("/events", EVENT, STRUCTURED);
    expect(two.body.id).not.toBe(one.body.id);
    expect(two.body.entity).toEqual(one.body.entity);
    await service.tickToRest();
    const dump = await (await service.request("/v1/dump")).text();
    expect(dump.split("\n").filter((line) => line.includes("/Event/"))).toHaveLength(1);
  });
});

describe("POST /events", () => {
  it("takes a CloudEvent as plain JSON for what it is", async () => {
    await using service = await startService();
    const answer = await service.post("/events", EVENT);
    expect(answer.body.entity.id).toBe("%2Fshop/e1");
  });

  it("tells events of one id from two sources apart", async () => {
    await using service = await startService();
    const one = await service.post("/events", EVENT, STRUCTURED);
    const other = await service.post("/events", { ...EVENT, source: "/shop/e1", id: "" }, STRUCTURED);
    expect(expectProblem(other, "invalid_input").errors?.[0]?.pointer).toBe("#/id");
    const third = await service.post("/events", { ...EVENT, source: "/sh", id: "op/e1" }, STRUCTURED);
    expect(third.body.entity.id).not.toBe(one.body.entity.id);
  });

  it("takes null attributes as absent, as CloudEvents says", async () => {
    await using service = await startService();
    const answer = await service.post("/events", { ...EVENT, subject: null, time: null, region: null }, STRUCTURED);
    expect(answer.status).toBe(200);
    expect(await dumpLine(service, "%252Fshop%2Fe1")).toEqual({
      id: "e1",
      source: "/shop",
      type: "order.placed",
      data: { total: 3 },
    });
  });

  it("keeps binary data of the JSON format in base64", async () => {
    await using service = await startService();
    const answer = await service.post("/events", { ...EVENT, data: undefined, data_base64: "AP8=" }, STRUCTURED);
    expect(answer.status).toBe(200);
    expect(await dumpLine(service, "%252Fshop%2Fe1")).toMatchObject({ data_base64: "AP8=" });
  });

  it.each([["0.3"], ["1.1"], ["1"], [1], [null], [["1.0"]], [{}]])("refuses specversion %j", async (specversion) => {
    await using service = await startService();
    for (const headers of [STRUCTURED, {}]) {
      const answer = await service.post("/events", { ...EVENT, specversion }, headers);
      expect(expectProblem(answer, "invalid_input").errors?.[0]?.pointer).toBe("#/specversion");
    }
  });

  it.each(["id", "source", "type"])("refuses an event without %s", async (name) => {
    await using service = await startService();
    const { [name as "id"]: _, ...event } = EVENT;
    const answer = await service.post("/events", event, STRUCTURED);
    expect(expectProblem(answer, "invalid_input").errors?.[0]?.pointer).toBe(`#/${name}`);
  });

  it.each([
    ["an extension in capitals", { Region: "eu" }, "#/Region"],
    ["an extension that is an object", { region: {} }, "#/region"],
    ["an extension whose name is too long", { ["x".repeat(21)]: 1 }, `#/${"x".repeat(21)}`],
    ["data in two forms", { data_base64: "AAAA" }, "#/data_base64"],
    ["base64 that is none", { data: undefined, data_base64: "AAA" }, "#/data_base64"],
    ["base64 that is no text", { data: undefined, data_base64: 5 }, "#/data_base64"],
    ["a time that is none", { time: "yesterday" }, "#/time"],
    ["an empty subject", { subject: "" }, "#/subject"],
    ["an unknown kind to be about", { about: { kind: "Planet", id: "1" } }, "#/about/kind"],
    ["a number for an id", { id: 1 }, "#/id"],
    ["an extension that nothing can keep", { region: "\0" }, "#/region"],
  ])("refuses %s", async (_, more, pointer) => {
    await using service = await startService();
    const answer = await service.post("/events", { ...EVENT, ...more }, STRUCTURED);
    const { detail, errors } = expectProblem(answer, "invalid_input");
    expect(errors?.[0]?.pointer).toBe(pointer);
    expect(detail).toContain(`${pointer}: `);
  });

  it("points within plain JSON to where its members stand", async () => {
    await using service = await startService();
    const { specversion: _, ...plain } = EVENT;
    const answer = await service.post("/events", { ...plain, extensions: { region: "\0" } });
    expect(expectProblem(answer, "invalid_input").errors?.[0]?.pointer).toBe("#/extensions/region");
  });

  it("refuses a body that is no object, and other media types", async () => {
    await using service = await startService();
    for (const body of [[EVENT], "text", 5, null]) {
      expectProblem(await service.post("/events", body, STRUCTURED), "invalid_input");
      expectProblem(await service.post("/events", body), "invalid_input");
    }
    for (const type of ["text/plain", "application/cloudevents+avro", "application/cloudevents-batch+avro", ""]) {
      expectProblem(await service.post("/events", EVENT, { "content-type": type }), "unsupported_media_type");
    }
  });

  it("honours an idempotency key and answers with the operation's resource", async () => {
    await using service = await startService();
    const key = { ...STRUCTURED, "idempotency-key": "k" };
    const one = await service.post("/events", EVENT, key);
    expect(one.headers.get("location")).toBe(`/v1/operations/${one.body.id}`);
    expect((await service.post("/events", EVENT, key)).body.id).toBe(one.body.id);
    expectProblem(await service.post("/events", { ...EVENT, type: "other" }, key), "idempotency_mismatch");
  });
});
