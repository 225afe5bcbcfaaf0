// Bad records in the log: each is applied or parked with its bytes and a reason, its partition goes on, and the
// accounts close.
import { describe, expect, it } from "vitest";
import { mintOperationId } from "../../src/domain/operation-id.ts";
import { formatStamp } from "../../src/domain/stamp.ts";
import { nodeEntropy } from "../../src/runtime/entropy-node.ts";
import { ID_SECRET, startService } from "../support/service.ts";
import { append, expectGoneOn, NOW, parkedIn, record, YEAR_3000 } from "./foreign-records.ts";

const mint = () => mintOperationId(Date.now(), "0123456789a", "default", nodeEntropy(ID_SECRET, undefined).macs[0]);

describe("a record that is parked with its bytes and reason", () => {
  const cases: [string, string | Uint8Array | object | null, string, RegExp][] = [
    ["poison bytes", new Uint8Array([0xff, 0x00, 0xc3, 0x28]), "undecodable", /UTF-8/],
    ["no bytes", new Uint8Array(0), "undecodable", /JSON/],
    ["no value", null, "undecodable", /no value/],
    ["text that is not JSON", "hello", "undecodable", /JSON/],
    ["JSON that is not a CloudEvent", [1], "undecodable", /CloudEvents/],
    ["another CloudEvents version", record({ specversion: "0.3" }), "undecodable", /specversion/],
    ["an empty id", record({ id: "" }), "undecodable", /id/],
    [
      "nesting a hundred thousand deep",
      `{"specversion":${"[".repeat(1e5)}${"]".repeat(1e5)}}`,
      "undecodable",
      /specversion/,
    ],
    [
      "data nested a hundred thousand deep",
      JSON.stringify(record({ data: { x: "!" } })).replace('"!"', "[".repeat(1e5) + "]".repeat(1e5)),
      "invalid",
      /deeper/,
    ],
    ["data of a wrong type", record({ data: { id: "k", user: 5, content: "c" } }), "invalid", /#\/user/],
    ["a NUL in its data", record({ data: { id: "k", user: "\0", content: "c" } }), "invalid", /NUL/],
    [
      "an integer beyond 2^53",
      JSON.stringify(record({ data: { user: "u", content: "c", metadata: { n: 1 } } })).replace(
        '"n":1',
        '"n":9007199254740993',
      ),
      "invalid",
      /2\^53/,
    ],
    [
      "a lone surrogate in its id",
      String.raw`{"specversion":"1.0","id":"\ud800","source":"s","type":"tidegate.memory.delete","stamp":"${NOW()}","data":{"id":"k"}}`,
      "invalid",
      /id or the tenant/,
    ],
    [
      "a lone surrogate in its tenant",
      String.raw`{"specversion":"1.0","id":"x","tenant":"\udfff","source":"s","type":"tidegate.memory.delete","stamp":"${NOW()}","data":{"id":"k"}}`,
      "invalid",
      /id or the tenant/,
    ],
    ["a NUL in its tenant", record({ tenant: "a\0" }), "invalid", /id or the tenant/],
    ["an id too long to keep", record({ id: "x".repeat(201) }), "invalid", /id or the tenant/],
    ["a tenant too long to keep", record({ tenant: "x".repeat(101) }), "invalid", /id or the tenant/],
    ["an unknown flow", record({ type: "tidegate.nowhere.create" }), "unknown_flow", /nowhere\.create/],
    ["an unknown type", record({ type: "tidegate.memory.explode" }), "unknown_flow", /memory\.explode/],
    ["somebody else's type", record({ type: "com.example.order" }), "unknown_flow", /no flow/],
    [
      "a lone surrogate for a flow",
      String.raw`{"specversion":"1.0","id":"x","tenant":"\udfff","source":"s","type":"tidegate.\ud800.create","stamp":"${NOW()}","data":{}}`,
      "unknown_flow",
      /./,
    ],
    [
      "an unknown schema version",
      record({ dataschema: "urn:tidegate:memory.create:2" }),
      "unknown_version",
      /version 2/,
    ],
    [
      "a schema version of zero",
      record({ dataschema: "urn:tidegate:memory.create:0" }),
      "unknown_version",
      /version 0/,
    ],
    ["a schema that is no number", record({ dataschema: "https://example.org/a" }), "unknown_version", /./],
    ["a foreign stamp of the year 3000", record({ stamp: YEAR_3000 }), "stamp_ahead", /60 seconds/],
    [
      "a foreign time of the year 3000",
      record({ stamp: undefined, time: "3000-01-01T00:00:00Z" }),
      "stamp_ahead",
      /60 seconds/,
    ],
    ["neither stamp nor time", record({ stamp: undefined }), "no_stamp", /neither/],
    ["a stamp that is none", record({ stamp: "yesterday" }), "invalid", /stamp/],
    ["a time before 1970", record({ stamp: undefined, time: "1969-12-31T23:59:59Z" }), "invalid", /1970/],
    ["a time that is none", record({ stamp: undefined, time: "yesterday" }), "undecodable", /time/],
    ["more bytes than a record may have", "x".repeat(1_048_577), "too_large", /1048577 bytes/],
  ];

  it.each(cases)("%s", async (_, value, reason, detail) => {
    await using service = await startService({ partitions: 1 });
    await append(service, value);
    const [report] = await service.tickToRest();
    expect(report).toMatchObject({ records: 1, parked: 1, first: 0, failures: [] });
    const [row] = parkedIn(service);
    expect(row).toMatchObject({ offset: 0, reason, detail: expect.stringMatching(detail) });
    const text = typeof value === "string" || value instanceof Uint8Array ? value : JSON.stringify(value);
    expect(row!.bytes).toBe(value === null ? null : Buffer.from(text as string).toString("base64"));
    await expectGoneOn(service);
  });

  it.each([
    ["id", "x".repeat(8_192)],
    ["id", "語".repeat(907)],
    ["tenant", "x".repeat(8_192)],
  ])("is not found by an %s longer than those of operations, which an index could not hold", async (name, text) => {
    await using service = await startService({ partitions: 1 });
    await append(service, record({ [name]: text }), record({ [name]: text, type: "com.example.order" }));
    await service.tickToRest();
    expect(parkedIn(service).map(({ reason }) => reason)).toEqual(["invalid", "unknown_flow"]);
    const operations = service.sql().all("SELECT operation_key FROM parked");
    expect(operations).toEqual([{ operation_key: null }, { operation_key: null }]);
    await expectGoneOn(service);
  });

  it("all of them in one partition, with good ones between", async () => {
    await using service = await startService({ partitions: 1 });
    const good = (i: number) => record({ id: `good-${i}`, data: { id: `g${i}`, user: "u", content: `good ${i}` } });
    for (const [i, [, value]] of cases.entries()) await append(service, value, good(i));
    await service.tickToRest();
    expect(parkedIn(service).map(({ reason }) => reason)).toEqual(cases.map(([, , reason]) => reason));
    const dump = await (await service.request("/v1/dump")).text();
    for (const i of cases.keys()) expect(dump).toContain(`"good ${i}"`);
    await expectGoneOn(service);
  });
});

describe("a record that is applied", () => {
  it("from a foreign producer counts as foreign; without a stamp it takes its time and place", async () => {
    await using service = await startService({ partitions: 1 });
    await append(
      service,
      record(),
      record({
        id: "foreign-2",
        stamp: undefined,
        time: "2020-01-01T00:00:00.5+01:00",
        data: { id: "k2", user: "u", content: "old" },
      }),
    );
    await service.tickToRest();
    const check = (await service.get("/v1/check")).body;
    expect(check).toMatchObject({ closed: true, flows: { memory: { applied: 2, foreign: 2, accounted: 0 } } });
    expect((await service.get("/v1/operations/foreign-2")).body.stamp).toBe(
      formatStamp(Date.parse("2020-01-01T00:00:00.5+01:00"), 0, `0000${(1).toString(16).padStart(12, "0")}`),
    );
  });

  it("with our own MAC is honoured whatever its stamp says", async () => {
    await using service = await startService({ partitions: 1 });
    await append(service, record({ id: mint(), source: "/tidegate", tenant: "default", stamp: YEAR_3000 }));
    await service.tickToRest();
    expect(parkedIn(service)).toEqual([]);
    expect((await service.get("/v1/check")).body).toMatchObject({ flows: { memory: { applied: 1, foreign: 0 } } });
  });

  it("twice is counted once, and as a duplicate", async () => {
    await using service = await startService({ partitions: 1 });
    await append(service, record(), record());
    const [report] = await service.tickToRest();
    expect(report).toMatchObject({ records: 2, first: 1, duplicate: 1, parked: 0 });
    await expectGoneOn(service);
  });
});

describe("an id that was used before for something else", () => {
  it.each(["in one batch", "in two"])("%s parks the second record", async (when) => {
    await using service = await startService({ partitions: 1 });
    await append(service, record());
    if (when === "in two") await service.tickToRest();
    await append(service, record({ data: { id: "k", user: "u", content: "another" } }));
    await service.tickToRest();
    expect(parkedIn(service)).toMatchObject([{ offset: 1, reason: "id_conflict" }]);
    expect(await (await service.request("/v1/dump")).text()).not.toContain("another");
    await expectGoneOn(service);
  });
});

describe("a handler that fails on one record", () => {
  it("parks that record alone, and its operation's resource says so (case 27)", async () => {
    const poison = "poison";
    await using service = await startService({
      partitions: 1,
      database: (database) => ({
        ...database,
        transact(request, decide) {
          if (request.keys.some((key) => key.endsWith(`/${poison}`))) throw new TypeError("this entity breaks us");
          return database.transact(request, decide);
        },
      }),
    });
    const ids: string[] = [];
    for (const id of ["a", "b", poison, "c"])
      ids.push((await service.post("/v1/memory/create", { id, user: "u", content: "c" })).body.id);
    await service.tickToRest();
    expect(parkedIn(service)).toMatchObject([{ offset: 2, reason: "handler_failed", flow: "memory" }]);
    expect((await service.get(`/v1/operations/${ids[2]}`)).body).toMatchObject({
      state: "parked",
      reason: "handler_failed",
      detail: expect.stringContaining("this entity breaks us"),
    });
    expect((await service.get("/v1/check")).body).toMatchObject({
      flows: { memory: { applied: 3, parked: 1, accounted: 4 } },
    });
    await expectGoneOn(service);
  });
});
