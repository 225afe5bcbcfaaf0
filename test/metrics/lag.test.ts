// The lag: what is counted, how old the oldest is, what it costs, and what it says when it cannot know.
import { describe, expect, it } from "vitest";
import { createLag, type Lag } from "../../src/app/lag.ts";
import { positionKey } from "../../src/domain/accounting.ts";
import { AppError } from "../../src/domain/errors.ts";
import { encodeRecord } from "../../src/domain/operation.ts";
import { mintOperationId } from "../../src/domain/operation-id.ts";
import type { LedgerRow } from "../../src/domain/outcome.ts";
import { formatStamp } from "../../src/domain/stamp.ts";
import { flows } from "../../src/flows/index.ts";
import type { Broker } from "../../src/ports/broker.ts";
import type { Database } from "../../src/ports/database.ts";
import { nodeEntropy } from "../../src/runtime/entropy-node.ts";
import { createMemoryBroker } from "../support/memory-broker.ts";
import { ID_SECRET } from "../support/service.ts";

const NOW = Date.UTC(2026, 0, 1);
const TOPIC = "memory-operations";
const entropy = nodeEntropy(ID_SECRET, undefined);

/** A record that this service made `ageMs` ago. */
function ours(ageMs: number, content = "c") {
  const id = mintOperationId(NOW, "0123456789a", "default", entropy.macs[0]);
  const stamp = formatStamp(NOW - ageMs, 0, "0".repeat(16));
  const operation = { id, flow: "memory", type: "create", version: 1, tenant: "default", stamp, partitionKey: "k" };
  return { id, record: encodeRecord({ ...operation, data: { id: "k", user: "u", content } }, NOW - ageMs) };
}

const strangers = (time: string) =>
  JSON.stringify({ specversion: "1.0", id: "x", source: "/s", type: "tidegate.memory.create", time, data: {} });

/** A lag over a log in memory, with positions and a ledger that the test writes. */
function setup(decorate: (broker: Broker) => Broker = (broker) => broker) {
  const clock = { ms: NOW };
  const log = createMemoryBroker({ topics: flows.map(({ topic }) => topic), partitions: 2 });
  const positions = new Map<string, number>();
  const ledger = new Set<string>();
  const calls: Record<string, number> = { topics: 0, read: 0, allPositions: 0, ledgerRows: 0 };
  const count = (name: string): void => {
    calls[name] = (calls[name] ?? 0) + 1;
  };
  const database = {
    down: false,
    async allPositions() {
      count("allPositions");
      if (database.down) throw new AppError("graph_unavailable", "down");
      return [...positions].map(([key, next]) => ({ key, next, counts: {} }));
    },
    async ledgerRows(keys: readonly string[]) {
      count("ledgerRows");
      return new Map(keys.filter((key) => ledger.has(key)).map((key) => [key, {} as LedgerRow]));
    },
  };
  const broker = decorate(log);
  const counting: Broker = {
    ...broker,
    topics(...args) {
      count("topics");
      return broker.topics(...args);
    },
    read(...args) {
      count("read");
      return broker.read(...args);
    },
  };
  const look = createLag({
    flows,
    broker: counting,
    database: database as unknown as Database,
    entropy,
    clock: { nowMs: () => clock.ms },
  });
  /** Looks anew. */
  const lookAfter = (ms: number): Promise<Lag> => {
    clock.ms += ms;
    return look();
  };
  const position = (partition: number, next: number) =>
    positions.set(positionKey("memory", TOPIC, partition, "1"), next);
  return { log, clock, database, ledger, calls, look, lookAfter, position };
}

const memory = ({ flows }: Lag) => flows?.get("memory");
const since = (ageMs: number, records = 1) => ({ records, sinceMs: NOW - ageMs });

describe("the lag of a flow", () => {
  it("is nothing where nothing waits", async () => {
    const { look } = setup();
    const { reachable, flows: found } = await look();
    expect(reachable).toBe(true);
    expect([...found!.keys()]).toEqual(flows.map(({ name }) => name));
    for (const lag of found!.values()) expect(lag).toEqual({ records: 0, sinceMs: null });
  });

  it("counts the records of all partitions, and takes the oldest first one's stamp", async () => {
    const { log, look, position } = setup();
    log.append(TOPIC, 0, ours(9_000).record);
    log.append(TOPIC, 0, ours(50_000).record);
    log.append(TOPIC, 0, ours(1_000).record);
    log.append(TOPIC, 1, ours(70_000).record);
    position(0, 1);
    const lag = await look();
    expect(memory(lag)).toEqual(since(70_000, 3));
    expect(lag.flows!.get("session")).toEqual({ records: 0, sinceMs: null });
  });

  it("looks at the first record after the position", async () => {
    const { log, look, position } = setup();
    log.append(TOPIC, 0, ours(90_000).record);
    log.append(TOPIC, 0, ours(20_000).record);
    position(0, 1);
    expect(memory(await look())).toEqual(since(20_000));
  });

  it("reads a first record that is larger than the first read", async () => {
    const { log, look, calls } = setup();
    log.append(TOPIC, 0, ours(60_000, "x".repeat(400_000)).record);
    log.append(TOPIC, 1, ours(80_000, "x".repeat(900_000)).record);
    expect(memory(await look())).toEqual(since(80_000, 2));
    expect(calls.read).toBe(2);
  });

  it("goes by what was seen where the first record was applied already", async () => {
    const { log, lookAfter, ledger } = setup();
    const { id, record } = ours(3_600_000);
    ledger.add(`default/${id}`);
    log.append(TOPIC, 0, record);
    expect(memory(await lookAfter(0))).toEqual(since(0));
    expect(memory(await lookAfter(10_000))).toEqual(since(0));
    log.append(TOPIC, 1, ours(5_000).record);
    expect(memory(await lookAfter(10_000))).toEqual(since(0, 2));
  });

  it.each([
    ["a stranger's, whatever time it names", strangers("1999-01-01T00:00:00Z")],
    ["no JSON", "hello"],
    ["without a value", null],
    ["too large for any look", "x".repeat(5_000_000)],
  ])("goes by what was seen where the first record is %s", async (_, value) => {
    const { log, lookAfter, position } = setup();
    log.append(TOPIC, 0, value);
    log.append(TOPIC, 0, value);
    expect(memory(await lookAfter(0))).toEqual(since(0, 2));
    expect(memory(await lookAfter(60_000))).toEqual(since(0, 2));
    position(0, 1);
    expect(memory(await lookAfter(60_000))).toEqual(since(-120_000));
    position(0, 2);
    expect(memory(await lookAfter(60_000))).toEqual({ records: 0, sinceMs: null });
    log.append(TOPIC, 0, value);
    expect(memory(await lookAfter(60_000))).toEqual(since(-240_000));
  });

  it("counts a log that is shorter than its position from its start", async () => {
    const { log, look, position } = setup();
    log.append(TOPIC, 0, ours(1_000).record);
    position(0, 10);
    expect(memory(await look())).toEqual(since(0));
  });

  it("is not known while its topic, or a partition of it, is not", async () => {
    const nothing = { records: null, sinceMs: null };
    const hidden = setup((broker) => ({
      ...broker,
      topics: async (...args) => (await broker.topics(...args)).filter(({ name }) => name !== TOPIC),
    }));
    const lag = await hidden.look();
    expect(memory(lag)).toEqual(nothing);
    expect(lag.flows!.get("session")).toEqual({ records: 0, sinceMs: null });
    const partial = setup((broker) => ({
      ...broker,
      read: async (...args) => (await broker.read(...args)).filter(({ partition }) => partition === 0),
    }));
    partial.log.append(TOPIC, 0, ours(1_000).record);
    expect(memory(await partial.look())).toEqual(nothing);
  });
});

const unavailable = () => Promise.reject(new AppError("broker_unavailable", "down"));
const never = () => new Promise<never>(() => undefined);

describe("a look", () => {
  it.each([
    ["topics fails", { topics: unavailable }],
    ["read fails", { read: unavailable }],
    ["topics hangs", { topics: never }],
    ["read hangs", { read: never }],
    [
      "a defect throws",
      {
        topics: () => {
          throw new Error("a defect");
        },
      },
    ],
  ])("says within its second that nothing is known when %s", async (_, fault: Partial<Broker>) => {
    const { look } = setup((broker) => ({ ...broker, ...fault }));
    const begunMs = performance.now();
    expect(await look()).toEqual({ reachable: false, flows: null });
    expect(performance.now() - begunMs).toBeLessThan(3_000);
  });

  it("knows that Kafka answers while the database does not", async () => {
    const { look, database } = setup();
    database.down = true;
    expect(await look()).toEqual({ reachable: true, flows: null });
  });

  it("is shared by all who ask while it is under way, and for three seconds, also when it failed", async () => {
    const { look, lookAfter, calls, database } = setup();
    database.down = true;
    const first = await Promise.all([look(), look(), look()]);
    expect(new Set(first).size).toBe(1);
    database.down = false;
    expect(await lookAfter(2_999)).toBe(first[0]);
    expect(calls).toEqual({ topics: 1, read: 0, allPositions: 1, ledgerRows: 0 });
    expect((await lookAfter(1)).flows).not.toBeNull();
    expect(calls).toEqual({ topics: 2, read: 1, allPositions: 2, ledgerRows: 0 });
  });

  it("reads once, and asks the ledger for one row a waiting partition at most", async () => {
    const asked: number[] = [];
    const { log, look, calls, database } = setup();
    for (let i = 0; i < 40; i++) log.append(TOPIC, i % 2, ours(i * 1_000).record);
    const { ledgerRows } = database;
    database.ledgerRows = (keys) => {
      asked.push(keys.length);
      return ledgerRows(keys);
    };
    await look();
    expect(asked).toHaveLength(1);
    expect(asked[0]).toBeLessThanOrEqual(2);
    expect(calls.read).toBeLessThanOrEqual(2);
  });
});
