// Topics by event type and partition keys by strategy, from the request to the record, and that neither decides what
// the graph is.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { obstaclesIn } from "../../src/app/rebuild.ts";
import { topicsOf } from "../../src/flows/configure.ts";
import { flows } from "../../src/flows/index.ts";
import { STRATEGIES } from "../../src/flows/partition.ts";
import { dataArbitraries } from "../property/arbitrary-data.ts";
import { gatewayBundle } from "../support/gateway-bundle.ts";
import { expectProblem } from "../support/problem.ts";
import { type ServiceOptions, type ServiceUnderTest, startService } from "../support/service.ts";
import { refusingProduce } from "../support/ways.ts";

const ROUTED = { USE_KAFKA: "true", EVENT_TOPICS: "com.example.order.*=orders, *.audit=audits,=retired" };

interface LogRecord {
  readonly id: string;
  readonly partitionkey: string;
  readonly data: { readonly type: string };
}

/** Records of a topic, with the keys that they have in the log. */
async function recordsIn({ gateway }: ServiceUnderTest, topic: string): Promise<LogRecord[]> {
  const { partitions } = (await gateway.log.topic(topic))!;
  const records: LogRecord[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const bounds = { bytesMax: 1_048_576, recordsMax: 1_000, firstAnyway: true };
    for (const { key, value } of (await gateway.log.read(topic, partition, 0, bounds))!.records) {
      const text = (content: string | Uint8Array | null) =>
        typeof content === "string" ? content : new TextDecoder().decode(content!);
      const record = JSON.parse(text(value));
      expect(text(key)).toBe(record.partitionkey);
      records.push(record);
    }
  }
  return records;
}

const event = (id: string, type: string) => ({ specversion: "1.0", id, source: "/s", type });
const EVENTS = [event("1", "com.example.order.placed"), event("2", "user.audit"), event("3", "ping")];

const dumpOf = async (service: ServiceUnderTest) => (await service.request("/v1/dump")).text();

describe("topics by event type", () => {
  it("take the events of their types, and one flow accounts for them all", async () => {
    await using service = await startService({ env: ROUTED });
    for (const each of EVENTS) expect((await service.post("/events", each)).status).toBe(202);
    for (const [topic, type] of [
      ["orders", "com.example.order.placed"],
      ["audits", "user.audit"],
      ["events", "ping"],
    ] as const) {
      expect((await recordsIn(service, topic)).map(({ data }) => data.type)).toEqual([type]);
    }
    expect((await service.get("/v1/check")).body).toMatchObject({ atRest: false, flows: { events: { pending: 3 } } });
    await service.tickToRest();
    const { body } = await service.get("/v1/check");
    expect(body).toMatchObject({
      closed: true,
      atRest: true,
      flows: { events: { applied: 3, accounted: 3, pending: 0 } },
    });
    const read = (body.partitions as { topic: string; flow: string; counts: { first: number } }[]).filter(
      ({ counts }) => counts.first > 0,
    );
    expect(read.map(({ topic, flow }) => [topic, flow]).toSorted()).toEqual([
      ["audits", "events"],
      ["events", "events"],
      ["orders", "events"],
    ]);
  });

  it("are where a fallback's record goes once Kafka is back", async () => {
    let down = true;
    const refuse = refusingProduce();
    await using service = await startService({
      env: ROUTED,
      broker: (broker) => ({
        ...broker,
        produce: (records, signal) => (down ? refuse(broker) : broker).produce(records, signal),
      }),
    });
    expect((await service.post("/events", EVENTS[0])).body.path).toBe("fallback");
    down = false;
    await service.tickToRest();
    expect(await recordsIn(service, "orders")).toHaveLength(1);
    expect(await recordsIn(service, "events")).toEqual([]);
    expect((await service.get("/v1/check")).body).toMatchObject({ closed: true, atRest: true });
  });

  it("are missed one by one, and a flow with a missing topic is not known to be drained", async () => {
    await using gateway = await gatewayBundle({ topics: { events: 1, audits: 1, retired: 1 } });
    await using service = await startService({ env: { ...ROUTED, CONSUME: "events" }, gateway });
    await service.tickToRest();
    const { body } = await service.get("/health/kafka");
    expect(body.topicsMissing).toContain("orders");
    expect(body.topicsMissing).not.toContain("audits");
    expect(service.composed.vitals.isDrained("events")).toBe(false);
    await gateway.log.createTopic("orders", 1);
    await service.tickToRest();
    expect(service.composed.vitals.isDrained("events")).toBe(true);
  });

  it("are all read when the graph is built anew; a topic that was taken out stands in the way by name", async () => {
    await using service = await startService({ env: ROUTED });
    for (const each of EVENTS) await service.post("/events", each);
    await service.tickToRest();
    await using anew = await startService({ env: ROUTED, gateway: service.gateway });
    await anew.tickToRest();
    expect(await dumpOf(anew)).toBe(await dumpOf(service));
    expect(obstaclesIn(await service.composed.service.check())).toEqual([]);

    await using less = await startService({
      env: { ...ROUTED, EVENT_TOPICS: "*.audit=audits" },
      gateway: service.gateway,
      database: () => service.database,
    });
    expect(obstaclesIn(await less.composed.service.check())).toEqual([
      "no flow reads orders any more; EVENT_TOPICS can name a topic",
    ]);
    await using kept = await startService({
      env: { ...ROUTED, EVENT_TOPICS: "*.audit=audits,=orders" },
      gateway: service.gateway,
    });
    await kept.tickToRest();
    expect(await dumpOf(kept)).toBe(await dumpOf(service));
    await kept.post("/events", event("4", "com.example.order.placed"));
    expect(await recordsIn(kept, "orders")).toHaveLength(1);
  });
});

describe("partition keys", () => {
  const REQUEST = { env: { USE_KAFKA: "true", PARTITION_BY: "memory=request,events=request" } };
  const memory = { id: "k", user: "u", content: "c" };
  const keysIn = async (service: ServiceUnderTest, topic: string) =>
    (await recordsIn(service, topic)).map(({ partitionkey }) => partitionkey).toSorted();

  it("are the flow's own choice where nothing is configured, whatever a request asks for", async () => {
    await using service = await startService();
    await service.post("/v1/memory/create", memory, { "tidegate-partition-key": "mine" });
    expect(await keysIn(service, "memory-operations")).toEqual(["u"]);
  });

  it("are taken from the header, the item or the extension attribute", async () => {
    await using service = await startService(REQUEST);
    await service.post("/v1/memory/create", memory, { "tidegate-partition-key": "by header" });
    await service.post("/v1/memory/create", memory);
    const item = { flow: "memory", type: "create", data: memory };
    await service.post("/v1/operations", [item, { ...item, partitionkey: "by item" }], {
      "tidegate-partition-key": "by batch",
    });
    expect(await keysIn(service, "memory-operations")).toEqual(["by batch", "by header", "by item", "u"]);

    await service.post("/events", { ...EVENTS[0], partitionkey: "by extension" });
    await service.post("/events", { ...EVENTS[1], partitionkey: "not this" }, { "tidegate-partition-key": "this" });
    await service.post("/events", { type: "plain", extensions: { partitionkey: "by member" } });
    expect(await keysIn(service, "events")).toEqual(["by extension", "by member", "this"]);
  });

  it("stay with an operation: a retry that asks for another is another request", async () => {
    await using service = await startService(REQUEST);
    const post = (partition: string) =>
      service.post("/v1/memory/create", memory, { "idempotency-key": "k", "tidegate-partition-key": partition });
    const one = await post("a");
    expect((await post("a")).body.id).toBe(one.body.id);
    expectProblem(await post("b"), "idempotency_mismatch");
    expectProblem(await service.post("/v1/memory/create", memory, { "idempotency-key": "k" }), "idempotency_mismatch");
    expect(new Set(await keysIn(service, "memory-operations"))).toEqual(new Set(["a"]));
  });

  it.each([[""], ["x".repeat(1_001)], ["a\0b"], [7]])("are refused when they are like %j", async (partitionkey) => {
    await using service = await startService(REQUEST);
    const [answer] = (
      await service.post("/v1/operations", [{ flow: "memory", type: "create", data: memory, partitionkey }])
    ).body as unknown as { status: number; problem: { errors: object[] } }[];
    expect(answer).toMatchObject({ status: 422, problem: { errors: [{ pointer: "#/partitionkey" }] } });
  });

  it("of the longest source do not keep an event out of the graph", async () => {
    await using service = await startService({ env: { USE_KAFKA: "true" } });
    const { body } = await service.post("/events", { ...EVENTS[2], source: "/".repeat(1_000) });
    await service.tickToRest();
    expect((await service.get(`/v1/operations/${body.id}`)).body.state).toBe("applied");
  });
});

const FLOWS = flows.map(({ name }) => name);

const asks = (flow: string, type: string): boolean =>
  flows.find(({ name }) => name === flow)?.types[type]?.prepare !== undefined;

/** What of these flows changes the graph, and asks nobody: what is said depends on when. */
const changing = dataArbitraries.filter(
  ({ flow, type }) => FLOWS.includes(flow) && type !== "query" && !asks(flow, type),
);

/** Operations whose entities are named by the client: two services would mint two ids. */
const operations = fc.array(
  fc.oneof(
    ...changing.map(({ flow, type, weight, data }) => ({
      weight,
      arbitrary: fc.record({ data, key: fc.constantFrom("a", "b", "c", undefined) }).map(({ data, key }) => ({
        flow,
        type,
        data: { id: "x", ...data },
        ...(key === undefined ? {} : { partitionkey: key }),
      })),
    })),
  ),
  { minLength: 5, maxLength: 60, size: "max" },
);

const strategies = fc
  .tuple(...FLOWS.map((flow) => fc.constantFrom(...STRATEGIES).map((strategy) => `${flow}=${strategy}`)))
  .map((pairs) => pairs.join(","));

describe("the graph", () => {
  it("is the same whatever the partitions, the strategies and the topics", async () => {
    const run = async (items: readonly object[], options: ServiceOptions) => {
      await using service = await startService(options);
      const answers = (await service.post("/v1/operations", items)).body as unknown as { status: number }[];
      expect(answers.map(({ status }) => status)).toEqual(items.map(() => 202));
      await service.tickToRest();
      const { body } = await service.get("/v1/check");
      expect(body).toMatchObject({ closed: true, atRest: true });
      return dumpOf(service);
    };
    await fc.assert(
      fc.asyncProperty(operations, strategies, strategies, fc.integer({ min: 1, max: 5 }), async (items, a, b, n) => {
        const env = { USE_KAFKA: "true", TICK_RECORDS: "7" };
        const one = await run(items, { env: { ...env, PARTITION_BY: a }, partitions: n });
        const other = await run(items, { env: { ...env, PARTITION_BY: b, EVENT_TOPICS: "p=ps,*=others" } });
        expect(other).toBe(one);
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  it("of these operations is not empty, and the strategies do tell them apart", async () => {
    await using service = await startService({ env: { PARTITION_BY: "memory=entity" } });
    expect(topicsOf(service.composed.service.flows)).toHaveLength(FLOWS.length);
    await service.post("/v1/memory/create", { id: "k", user: "u", content: "c" });
    await service.tickToRest();
    expect(await dumpOf(service)).toContain("default/Memory/k");
    expect((await recordsIn(service, "memory-operations")).map(({ partitionkey }) => partitionkey)).toEqual(["k"]);
  });
});
