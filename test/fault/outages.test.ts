// Outages and their ends: nothing is lost, nothing counted twice, and the log is complete in the end.
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import type { Broker } from "../../src/ports/broker.ts";
import { type FailingDatabase, failingDatabase } from "../support/failing-database.ts";
import { faultyBroker, type GatedBroker, gatedBroker } from "../support/faulty-broker.ts";
import { type ServiceUnderTest, startService } from "../support/service.ts";

const CREATE = "/v1/memory/create";
const memory = (i: number) => ({ id: `k${i}`, user: `u${i % 5}`, content: `c${i}` });

/** Ids of the operations in the log, each as often as it lies there. */
async function idsInLog(service: ServiceUnderTest): Promise<string[]> {
  const topics = await service.gateway.broker.topics(["memory-operations"]);
  const from = topics.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition, offset: 0 })),
  );
  const reads = await service.gateway.broker.read(from, { waitMs: 0, bytesMax: 8e6, recordsMax: 10_000 });
  return reads.flatMap(({ records }) => records.map(({ value }) => JSON.parse(new TextDecoder().decode(value!)).id));
}

const check = async (service: ServiceUnderTest) => (await service.get("/v1/check")).body;

describe("an outage of Kafka", () => {
  it("ends with a complete log: relayed under the same ids, met again as duplicates", async () => {
    let down = true;
    let ms = Date.now();
    await using service = await startService({
      env: { KAFKA_BREAKER_FAILURES: "1000" },
      nowMs: () => ms,
      databaseNowMs: () => ms,
      broker: (broker): Broker => {
        const guard =
          <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
          (...args: Args): Promise<Result> =>
            down ? Promise.reject(new AppError("broker_unavailable", "Cannot reach Kafka")) : work(...args);
        return {
          ...broker,
          read: guard(broker.read),
          topics: guard(broker.topics),
          produce: async (records, signal) =>
            down
              ? records.map(() => ({ status: "retryable", reason: "down" }) as const)
              : broker.produce(records, signal),
        };
      },
    });
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) {
      const answer = await service.post(CREATE, memory(i));
      expect(answer.body).toMatchObject({ path: "fallback", outcome: "applied" });
      ids.push(answer.body.id);
    }
    const [during] = await service.tickToRest();
    expect(during!.failures.length).toBeGreaterThan(0);
    expect(await check(service)).toMatchObject({ closed: true, atRest: false, outbox: 20 });
    expect(await idsInLog(service)).toEqual([]);

    down = false;
    await service.tickToRest();
    ms += 120_000;
    await service.tickToRest();
    expect((await idsInLog(service)).toSorted()).toEqual(ids.toSorted());
    expect(await check(service)).toMatchObject({
      closed: true,
      atRest: true,
      outbox: 0,
      flows: { memory: { applied: 20, pending: 0, byPath: { fallback: 20, kafka: 0 } } },
    });
    expect((await service.post(CREATE, memory(99))).body.path).toBe("kafka");
  });

  it("holds up no operation beyond its end: most go at the first tick after it", async () => {
    let down = true;
    await using service = await startService({
      env: { KAFKA_BREAKER_FAILURES: "1000" },
      broker: (broker): Broker => ({
        ...broker,
        produce: async (records, signal) =>
          down
            ? records.map(() => ({ status: "retryable", reason: "down" }) as const)
            : broker.produce(records, signal),
      }),
    });
    for (let i = 0; i < 60; i++) await service.post(CREATE, memory(i));
    await service.tickToRest();
    expect(await check(service)).toMatchObject({ outbox: 60 });
    down = false;
    await service.tickToRest();
    expect((await check(service)).outbox).toBeLessThan(30);
  });

  it("that leaves large operations behind is followed by produces of a bounded size", async () => {
    let down = true;
    const sizes: number[] = [];
    await using service = await startService({
      env: { KAFKA_BREAKER_FAILURES: "1000" },
      broker: (broker): Broker => ({
        ...broker,
        produce: async (records, signal) => {
          if (down) return records.map(() => ({ status: "retryable", reason: "down" }) as const);
          sizes.push(records.reduce((sum, { value }) => sum + value!.length, 0));
          return broker.produce(records, signal);
        },
      }),
    });
    for (let i = 0; i < 12; i++) {
      const metadata = { text: "x".repeat(300_000) };
      expect((await service.post(CREATE, { ...memory(i), metadata })).body.path).toBe("fallback");
    }
    down = false;
    await service.tickToRest();
    // A record more than a MiB holds.
    expect(Math.max(...sizes)).toBeLessThan(1_048_576 + 400_000);
    expect(await check(service)).toMatchObject({ closed: true, outbox: 0 });
  });

  it("that outlasts the deadline and lands later is counted once", async () => {
    let gated: GatedBroker | undefined;
    await using service = await startService({
      env: { KAFKA_PRODUCE_DEADLINE_MS: "20" },
      broker: (broker) => {
        gated = gatedBroker(broker);
        return gated;
      },
    });
    const { body } = await service.post(CREATE, memory(1));
    expect(body).toMatchObject({ path: "fallback", because: expect.stringContaining("20 ms") });
    expect(await check(service)).toMatchObject({ outbox: 1 });
    expect(gated!.waiting()).toBe(1);
    await gated!.release();
    const ticking = service.tickToRest();
    const released = (async () => {
      for (let i = 0; i < 100 && (await check(service)).outbox !== 0; i++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        await gated!.release();
      }
    })();
    await Promise.all([ticking, released]);
    await service.tickToRest();
    expect(new Set(await idsInLog(service))).toEqual(new Set([body.id]));
    expect(await check(service)).toMatchObject({ closed: true, flows: { memory: { applied: 1, superseded: 0 } } });
  });

  it("that answers nothing holds up what was on its way, and as many more as open the breaker, for one deadline", async () => {
    const [clients, deadlineMs] = [32, 500];
    let frozen = false;
    await using service = await startService({
      env: { KAFKA_PRODUCE_DEADLINE_MS: String(deadlineMs), KAFKA_BREAKER_FAILURES: "5" },
      broker: (broker): Broker => ({
        ...broker,
        produce: (...args) => (frozen ? new Promise(() => {}) : broker.produce(...args)),
      }),
    });
    const reasons: string[] = [];
    const waitsMs: number[] = [];
    const client = async (number: number): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        if (number === 0 && i === 3) frozen = true;
        const beganMs = performance.now();
        const { body } = await service.post(CREATE, memory(number * 10 + i));
        waitsMs.push(performance.now() - beganMs);
        if (body.path === "fallback") reasons.push(body.because as string);
      }
    };
    await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
    const waited = reasons.filter((reason) => reason !== "breaker open");
    expect(waited.length).toBeGreaterThan(clients / 2);
    expect(waited.length).toBeLessThanOrEqual(clients + 5);
    expect(Math.max(...waitsMs)).toBeLessThan(2 * deadlineMs);
  });

  it("opens the breaker, which answers by fallback without asking, and closes it by itself (cases 11 and 12)", async () => {
    let down = true;
    let asked = 0;
    await using service = await startService({
      env: { KAFKA_BREAKER_FAILURES: "3", KAFKA_BREAKER_OPEN_MS: "10000" },
      broker: (broker): Broker => ({
        ...broker,
        produce: async (records, signal) => {
          asked++;
          return down
            ? records.map(() => ({ status: "unknown", reason: "proxy answered 502" }) as const)
            : broker.produce(records, signal);
        },
      }),
    });
    for (let i = 0; i < 3; i++) await service.post(CREATE, memory(i));
    expect(asked).toBe(3);
    const open = await service.post(CREATE, memory(3));
    expect(open.body).toMatchObject({ path: "fallback", because: "breaker open" });
    expect(asked).toBe(3);
    expect(await service.get("/health/kafka")).toMatchObject({ status: 503, body: { breaker: "open" } });
    expect((await service.get("/readyz")).status).toBe(200);
    down = false;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10_001 });
    onTestFinished(() => void vi.useRealTimers());
    expect((await service.post(CREATE, memory(4))).body.path).toBe("kafka");
    expect(await service.get("/health/kafka")).toMatchObject({ body: { breaker: "closed", reachable: true } });
  });
});

describe("an outage of the database", () => {
  it("during a tick moves nothing, and the next tick reads the same again (cases 22 and 23)", async () => {
    let failing: FailingDatabase | undefined;
    await using service = await startService({
      database: (database) => {
        failing = failingDatabase(database);
        return failing;
      },
    });
    for (let i = 0; i < 10; i++) await service.post(CREATE, memory(i));
    const before = await check(service);
    failing!.faults.down = true;
    const [report] = await service.tickToRest();
    expect(report).toMatchObject({ records: 0, relayed: 0, swept: 0, more: false });
    expect(report!.failures.length).toBeGreaterThan(0);
    expect(service.lines.at(-1)).toMatchObject({
      level: "error",
      message: "Tick stopped: cannot look what there is to do",
    });
    expect((await service.post(CREATE, memory(10))).status).toBe(202);
    failing!.faults.down = false;
    expect(await check(service)).toMatchObject({ partitions: before.partitions as object[] });
    await service.tickToRest();
    expect(await check(service)).toMatchObject({ closed: true, atRest: true, flows: { memory: { applied: 11 } } });
  });

  it.each(["before anything was done", "after the commit"])(
    "in the middle of a tick, %s, counts nothing twice (cases 20 and 26)",
    async (when) => {
      const after = when === "after the commit";
      let failing: FailingDatabase | undefined;
      await using service = await startService({
        database: (database) => {
          failing = failingDatabase(database);
          return failing;
        },
      });
      for (let i = 0; i < 10; i++) await service.post(CREATE, memory(i));
      const tick = () => service.composed.tick({ ...service.composed.budget, waitMs: 0 });
      const { transact } = failing!;
      failing!.faults.answersLost = after;
      if (!after)
        Object.assign(failing!, { transact: () => Promise.reject(new AppError("graph_unavailable", "gone")) });
      expect(await tick()).toMatchObject({ records: 0, failures: [expect.stringContaining("Cannot consume")] });
      Object.assign(failing!, { transact });
      failing!.faults.answersLost = false;
      expect((await check(service)).flows).toMatchObject({ memory: { applied: after ? 10 : 0 } });
      await service.tickToRest();
      expect(await check(service)).toMatchObject({ closed: true, atRest: true, flows: { memory: { applied: 10 } } });
    },
  );
});

describe("a bad day, drawn from a seed", () => {
  it.each([1, 2, 3, 4])("seed %i: every accepted operation is applied once and lies in the log", async (seed) => {
    let ms = Date.now();
    let failing: FailingDatabase | undefined;
    let broken = true;
    await using service = await startService({
      env: { KAFKA_BREAKER_FAILURES: "1000" },
      nowMs: () => ms,
      databaseNowMs: () => ms,
      broker: (broker): Broker => {
        const faulty = faultyBroker(broker, seed, {
          retryable: 0.15,
          unknownWritten: 0.1,
          unknownLost: 0.1,
          late: 0.1,
          duplicate: 0.1,
          readFails: 0.2,
          topicsFails: 0.1,
        });
        return {
          cluster: broker.cluster,
          produce: (...args) => (broken ? faulty : broker).produce(...args),
          read: (...args) => (broken ? faulty : broker).read(...args),
          topics: (...args) => (broken ? faulty : broker).topics(...args),
        };
      },
      database: (database) => {
        failing = failingDatabase(database, seed);
        return failing;
      },
    });
    Object.assign(failing!.faults, { downRate: 0.1, answerLostRate: 0.1 });
    const accepted = new Set<string>();
    const refused: string[] = [];
    for (let i = 0; i < 120; i++) {
      const headers: Record<string, string> = {};
      for (let attempt = 0; attempt < 20; attempt++) {
        const answer = await service.post(CREATE, memory(i), headers);
        if (answer.status < 300) accepted.add(answer.body.id);
        else if (answer.body.code === "outcome_unknown") headers["tidegate-retry"] = answer.body.retryToken;
        else refused.push(answer.body.code);
        if (answer.status < 300) break;
      }
      if (i % 10 === 0) await service.composed.tick({ ...service.composed.budget, waitMs: 0 });
      ms += 500;
    }
    expect(accepted.size).toBe(120);
    expect(new Set(refused)).toEqual(refused.length > 0 ? new Set(["nothing_accepted"]) : new Set());
    Object.assign(failing!.faults, { downRate: 0, answerLostRate: 0 });
    broken = false;
    for (let i = 0; i < 3; i++) {
      ms += 120_000;
      await service.tickToRest();
    }
    const report = await check(service);
    expect(report).toMatchObject({ closed: true, atRest: true, flows: { memory: { applied: 120, superseded: 0 } } });
    const { byPath } = (report.flows as { memory: { byPath: { kafka: number; fallback: number } } }).memory;
    expect(Math.min(byPath.kafka, byPath.fallback)).toBeGreaterThan(5);
    expect(new Set(await idsInLog(service))).toEqual(accepted);
  });
});
