// CONSUME: flows and topics by name, what a consumer of some topics leaves alone, and that several end in the same graph.
import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "../src/config.ts";
import { flows } from "../src/flows/index.ts";
import { type ServiceUnderTest, startService } from "./support/service.ts";

const ROUTED = { USE_KAFKA: "true", EVENT_TOPICS: "com.example.order.*=orders,*.audit=audits" };

const consumed = (CONSUME: string, env: Readonly<Record<string, string>> = ROUTED): readonly string[] =>
  parseConfig({ ...env, CONSUME }, flows).consume;

function problemsOf(CONSUME: string, env: Readonly<Record<string, string>> = ROUTED): readonly string[] {
  try {
    consumed(CONSUME, env);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
}

const FLOWS = "chat-messages, summarization, context-analysis, memory, session, activity, action, events";

describe("CONSUME", () => {
  it.each([
    ["orders", ["events/orders"]],
    ["audits, orders,audits", ["events/orders", "events/audits"]],
    ["memory-operations", ["memory"]],
    ["session,memory-operations,memory", ["memory", "session"]],
    ["events", ["events"]],
    ["events/events", ["events/events"]],
    ["events,orders", ["events"]],
    ["orders,audits,events/events", ["events"]],
    ["events/orders,memory/memory-operations", ["memory", "events/orders"]],
  ])("%j is %j", (value, names) => {
    expect(consumed(value)).toEqual(names);
  });

  it("takes a name that a flow and a topic have for the flow, and both with a slash for the topic", () => {
    const env = { EVENT_TOPICS: "*.memory=memory" };
    expect(consumed("memory", env)).toEqual(["memory"]);
    expect(consumed("events/memory", env)).toEqual(["events/memory"]);
  });

  it("knows the flow by its name alone where it has no topics but its own", () => {
    expect(consumed("events", {})).toEqual(["events"]);
    expect(consumed("events/events", {})).toEqual(["events"]);
  });

  it.each(["nothing", "Orders", "memory/orders", "orders/", "/orders", ""])(
    "refuses %j with all that can be named",
    (name) => {
      const topics = flows.slice(0, -1).map(({ topic }) => topic);
      expect(problemsOf(`memory,${name}`)).toEqual([
        `CONSUME names ${JSON.stringify(name)}; flows are ${FLOWS}; topics are ${topics.join(", ")}, events/events, orders, audits`,
      ]);
    },
  );

  it("knows a topic only as long as EVENT_TOPICS names it", () => {
    expect(problemsOf("orders", {})).toEqual([expect.stringContaining('CONSUME names "orders"; flows are ')]);
    expect(consumed("retired", { EVENT_TOPICS: "=retired" })).toEqual(["events/retired"]);
  });
});

const EVENTS = ["com.example.order.placed", "user.audit", "ping", "com.example.order.paid", "key.audit"].map(
  (type, i) => ({ specversion: "1.0", id: `${i}`, source: "/s", type, subject: `subject ${i}` }),
);

/** A service that consumes what it is told to, over the log and the graph of another. */
const beside = (one: ServiceUnderTest, CONSUME: string): Promise<ServiceUnderTest> =>
  startService({ env: { ...ROUTED, CONSUME }, gateway: one.gateway, database: () => one.database });

/** How many records of each topic were read. */
async function read(service: ServiceUnderTest): Promise<Record<string, number>> {
  const { body } = await service.get("/v1/check");
  const sums: Record<string, number> = {};
  for (const { topic, counts } of body.partitions as { topic: string; counts: { records: number } }[]) {
    sums[topic] = (sums[topic] ?? 0) + counts.records;
  }
  return sums;
}

const dumpOf = async (service: ServiceUnderTest): Promise<string> => (await service.request("/v1/dump")).text();

async function postAll(service: ServiceUnderTest): Promise<void> {
  for (const each of EVENTS) expect((await service.post("/events", each)).status).toBe(202);
  const memory = await service.post("/v1/memory/create", { id: "k", user: "u", content: "c" });
  expect(memory.status).toBe(202);
}

describe("consumers of some topics of a flow", () => {
  it("leave the others, and the other flows, alone", async () => {
    await using api = await startService({ env: ROUTED });
    await using orders = await beside(api, "orders");
    await postAll(api);
    await orders.tickToRest();
    expect(await read(api)).toEqual({ orders: 2 });
    expect((await orders.get("/v1/check")).body).toMatchObject({
      closed: true,
      atRest: false,
      flows: { events: { applied: 2, pending: 3 }, memory: { applied: 0, pending: 1 } },
    });
  });

  it("end in the graph that one consumer of all ends in, whoever comes first", async () => {
    await using whole = await startService({ env: ROUTED });
    await postAll(whole);
    await whole.tickToRest();
    for (const shares of [
      ["orders", "audits,events/events", "memory"],
      ["memory-operations,events/events", "audits,orders"],
    ]) {
      await using api = await startService({ env: ROUTED, gateway: whole.gateway });
      for (const share of shares) {
        await using consumer = await beside(api, share);
        await consumer.tickToRest();
      }
      expect(await dumpOf(api)).toBe(await dumpOf(whole));
      expect((await api.get("/v1/check")).body).toMatchObject({ closed: true, atRest: true });
    }
  });

  it("never say that the flow has no backlog: they do not see all of it", async () => {
    await using api = await startService({ env: ROUTED });
    await using orders = await beside(api, "orders,memory");
    await using rest = await beside(api, "audits,events/events");
    await using all = await beside(api, "audits,events/events,orders");
    for (const each of [orders, rest, all]) await each.tickToRest();
    const isDrained = ({ composed }: ServiceUnderTest, flow: string) => composed.vitals.isDrained(flow);
    expect([orders, rest, all].map((each) => isDrained(each, "events"))).toEqual([false, false, true]);
    expect(isDrained(orders, "memory")).toBe(true);
  });

  it("relay what a fallback left, of every flow and topic", async () => {
    await using api = await startService({
      env: ROUTED,
      broker: (broker) => ({ ...broker, produce: async () => Promise.reject(new Error("down")) }),
    });
    for (const each of EVENTS) expect((await api.post("/events", each)).status).toBe(200);
    await using orders = await beside(api, "orders");
    await orders.tickToRest();
    expect((await api.get("/health/kafka")).body.outbox).toBe(0);
    expect(await read(api)).toEqual({ orders: 2 });
    await using others = await beside(api, "audits,events/events");
    await others.tickToRest();
    expect(await read(api)).toEqual({ orders: 2, audits: 2, events: 1 });
  });

  it("make every process unready when a topic is nobody's", async () => {
    const clock = { ms: Date.now() };
    await using api = await startService({ env: ROUTED, nowMs: () => clock.ms, databaseNowMs: () => clock.ms });
    await using consumer = await startService({
      env: { ...ROUTED, CONSUME: "orders,events/events,memory" },
      gateway: api.gateway,
      database: () => api.database,
      nowMs: () => clock.ms,
    });
    await postAll(api);
    await consumer.tickToRest();
    clock.ms += 412_000;
    for (const each of [api, consumer]) {
      const { status, body } = await each.get("/readyz");
      expect(status).toBe(503);
      expect(body.reasons).toEqual([
        expect.stringMatching(/^flow events: the oldest unapplied operation is 41\d s old \(limit 300 s\)$/),
      ]);
    }
  });
});
