// When the breaker opens, what it refuses, and how it closes again (cases 11 and 12).
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createBreaker, withBreaker } from "../../src/adapters/broker/breaker.ts";
import type { Broker, ProduceResult } from "../../src/ports/broker.ts";
import { scriptedBroker } from "../support/scripted-broker.ts";

const RECORDS = [
  { topic: "t", key: "k", value: "v" },
  { topic: "t", key: "k", value: "w" },
];
const BUDGET = { waitMs: 500, bytesMax: 1_000, recordsMax: 10 };
const FROM = [{ topic: "t", partition: 0, offset: 0 }];
const OPTIONS = { failuresMax: 3, openMs: 1_000 };

type Status = ProduceResult["status"];
const result = (status: Status): ProduceResult =>
  status === "ok" ? { status, partition: 0, offset: 0 } : { status, reason: "told to" };

/** A breaker over a broker whose produces answer at once what `next` says. */
function setup(rest: Partial<Pick<Broker, "read" | "topics">> = {}) {
  const told: { next: Status[]; calls: number } = { next: ["ok", "ok"], calls: 0 };
  const inner: Broker = {
    ...scriptedBroker(rest),
    async produce() {
      told.calls++;
      return told.next.map(result);
    },
  };
  const breaker = withBreaker(inner, createBreaker(OPTIONS));
  const produce = async (...next: Status[]) => {
    told.next = next;
    return (await breaker.produce(RECORDS)).map(({ status }) => status);
  };
  const open = async () => {
    for (let i = 0; i < OPTIONS.failuresMax; i++) await produce("unknown", "unknown");
    expect(breaker.state()).toBe("open");
    told.calls = 0;
  };
  return { breaker, produce, open, told };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("withBreaker() opens", () => {
  it("after failures in a row, and refuses at once without calling", async () => {
    const { breaker, open, told } = setup();
    await open();
    const refused = { status: "retryable", reason: "breaker open" };
    expect(await breaker.produce(RECORDS)).toEqual([refused, refused]);
    await expect(breaker.read(FROM, BUDGET)).rejects.toMatchObject({
      code: "broker_unavailable",
      message: "Cannot read 1 partitions: breaker open",
    });
    await expect(breaker.topics(["t"])).rejects.toMatchObject({ code: "broker_unavailable" });
    expect(await breaker.produce([])).toEqual([]);
    expect(told.calls).toBe(0);
  });

  it.each<[Status, Status, boolean]>([
    ["unknown", "unknown", true],
    ["retryable", "retryable", true],
    ["unknown", "retryable", true],
    ["unknown", "ok", false],
    ["unknown", "fatal", false],
    ["fatal", "fatal", false],
  ])("after produces of %s and %s: %s", async (one, two, opens) => {
    const { breaker, produce } = setup();
    for (let i = 0; i < 10; i++) await produce(one, two);
    expect(breaker.state()).toBe(opens ? "open" : "closed");
  });

  it("once, however many failures come back after it has opened", async () => {
    const inner = scriptedBroker();
    const breaker = withBreaker(inner, createBreaker(OPTIONS));
    const producing = Array.from({ length: 10 }, () => breaker.produce(RECORDS));
    for (const { answer } of inner.produced) answer(RECORDS.map(() => result("unknown")));
    expect((await Promise.all(producing)).flat()).toEqual(Array(20).fill(result("unknown")));
    expect(breaker.state()).toBe("open");
    await vi.advanceTimersByTimeAsync(OPTIONS.openMs);
    const trying = breaker.produce(RECORDS);
    inner.produced.at(-1)!.succeed();
    await trying;
    expect(breaker.state()).toBe("closed");
  });

  it("not when a success comes in between", async () => {
    const { breaker, produce } = setup();
    for (let i = 0; i < 10; i++)
      await produce(...(i % 3 === 2 ? (["ok", "ok"] as const) : (["unknown", "unknown"] as const)));
    expect(breaker.state()).toBe("closed");
  });

  it("after reads or topics that throw", async () => {
    const read = () => Promise.reject(new Error("down"));
    const { breaker } = setup({ read, topics: read });
    await expect(breaker.read(FROM, BUDGET)).rejects.toThrow("down");
    await expect(breaker.topics(["t"])).rejects.toThrow("down");
    expect(breaker.state()).toBe("closed");
    await expect(breaker.read(FROM, BUDGET)).rejects.toThrow("down");
    expect(breaker.state()).toBe("open");
  });

  it("although reads go on succeeding", async () => {
    const { breaker, produce } = setup();
    for (let i = 0; i < 3; i++) {
      await produce("unknown", "unknown");
      if (breaker.state() === "closed") await breaker.read(FROM, BUDGET);
    }
    expect(breaker.state()).toBe("open");
  });

  it("although the caller cancelled something in between", async () => {
    const { breaker, produce, told } = setup();
    for (let i = 0; i < 3; i++) {
      await produce("unknown", "unknown");
      told.next = ["retryable", "retryable"];
      await breaker.produce(RECORDS, AbortSignal.abort());
    }
    expect(breaker.state()).toBe("open");
  });

  it("not for what the caller cancelled", async () => {
    const { breaker, told } = setup({ read: () => Promise.reject(new Error("cancelled")) });
    told.next = ["retryable", "retryable"];
    for (let i = 0; i < 5; i++) {
      await breaker.produce(RECORDS, AbortSignal.abort());
      await breaker.read(FROM, { ...BUDGET, signal: AbortSignal.abort() }).catch(() => {});
    }
    expect(breaker.state()).toBe("closed");
  });
});

describe("withBreaker() heals", () => {
  it("with one call that is let through when its time is over", async () => {
    const { breaker, produce, open, told } = setup();
    await open();
    await vi.advanceTimersByTimeAsync(999);
    expect(await produce("ok", "ok")).toEqual(["retryable", "retryable"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await produce("ok", "ok")).toEqual(["ok", "ok"]);
    expect([breaker.state(), told.calls]).toEqual(["closed", 1]);
    await produce("unknown", "unknown");
    expect(breaker.state()).toBe("closed");
  });

  it("not when that call fails: it is open for as long again", async () => {
    const { breaker, produce, open } = setup();
    await open();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await produce("unknown", "unknown")).toEqual(["unknown", "unknown"]);
    expect(breaker.state()).toBe("open");
    expect(await produce("ok", "ok")).toEqual(["retryable", "retryable"]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await produce("ok", "ok")).toEqual(["ok", "ok"]);
  });

  it("with a single call only: others are refused until it has settled", async () => {
    const inner = scriptedBroker();
    const breaker = withBreaker(inner, createBreaker({ failuresMax: 1, openMs: 1_000 }));
    const failing = breaker.produce(RECORDS);
    inner.produced[0]!.answer(RECORDS.map(() => result("unknown")));
    await failing;
    await vi.advanceTimersByTimeAsync(1_000);
    const trying = breaker.produce(RECORDS);
    expect(breaker.state()).toBe("half-open");
    expect(await breaker.produce(RECORDS)).toMatchObject([{ reason: "breaker open" }, { reason: "breaker open" }]);
    await expect(breaker.read(FROM, BUDGET)).rejects.toMatchObject({
      message: expect.stringContaining("breaker open"),
    });
    inner.produced[1]!.succeed();
    expect(await trying).toMatchObject([{ status: "ok" }, { status: "ok" }]);
    expect(breaker.state()).toBe("closed");
    expect(inner.produced).toHaveLength(2);
  });

  it("with a further call, once the one that tried has not ended in time; others are refused until then", async () => {
    const inner = scriptedBroker();
    const breaker = withBreaker(inner, createBreaker({ failuresMax: 1, openMs: 1_000, tryMsMax: 3_000 }));
    const failing = breaker.produce(RECORDS);
    inner.produced[0]!.answer(RECORDS.map(() => result("unknown")));
    await failing;
    await vi.advanceTimersByTimeAsync(1_000);
    void breaker.produce(RECORDS);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await breaker.produce(RECORDS)).toMatchObject([{ reason: "breaker open" }, { reason: "breaker open" }]);
    expect(inner.produced).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(breaker.state()).toBe("open");
    const trying = breaker.produce(RECORDS);
    expect(breaker.state()).toBe("half-open");
    inner.produced[2]!.succeed();
    await trying;
    expect(breaker.state()).toBe("closed");
    // What comes of the lost one after all decides nothing any more.
    inner.produced[1]!.answer(RECORDS.map(() => result("unknown")));
    await vi.advanceTimersByTimeAsync(0);
    expect(breaker.state()).toBe("closed");
  });

  it("for every broker that shares it", async () => {
    const shared = createBreaker({ failuresMax: 2, openMs: 1_000 });
    const brokers = [scriptedBroker(), scriptedBroker(), scriptedBroker()] as const;
    for (const inner of brokers.slice(0, 2)) {
      const failing = withBreaker(inner, shared).produce(RECORDS);
      inner.produced[0]!.answer(RECORDS.map(() => result("retryable")));
      await failing;
    }
    const third = withBreaker(brokers[2], shared);
    expect(await third.produce(RECORDS)).toMatchObject([{ reason: "breaker open" }, { reason: "breaker open" }]);
    await vi.advanceTimersByTimeAsync(1_000);
    const trying = third.produce(RECORDS);
    brokers[2].produced[0]!.succeed();
    await trying;
    expect(await withBreaker(brokers[0], shared).topics(["t"])).toEqual([]);
  });

  it("with a read too, which does not wait for records then", async () => {
    const read = vi.fn<Broker["read"]>(async () => []);
    const { breaker, open } = setup({ read });
    await open();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await breaker.read(FROM, BUDGET)).toEqual([]);
    expect(read).toHaveBeenCalledExactlyOnceWith(FROM, { ...BUDGET, waitMs: 0 });
    expect(breaker.state()).toBe("closed");
  });
});
