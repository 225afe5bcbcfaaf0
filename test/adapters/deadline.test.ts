// Calls settle at their deadline, whatever is behind them.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { withCoalescing } from "../../src/adapters/broker/coalescing.ts";
import { withDeadline } from "../../src/adapters/broker/deadline.ts";
import type { Broker } from "../../src/ports/broker.ts";
import { gatedBroker } from "../support/faulty-broker.ts";
import { gatewayBundle } from "../support/gateway-bundle.ts";
import { scriptedBroker } from "../support/scripted-broker.ts";

const RECORDS = [
  { topic: "t", key: "k", value: "v" },
  { topic: "t", key: "k", value: "w" },
];
const BUDGET = { waitMs: 500, bytesMax: 1_000, recordsMax: 10 };
const DEADLINES = { produceMs: 200, readMs: 100 };
const never = () => new Promise<never>(() => {});

describe("withDeadline()", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("produce() answers unknown when the deadline has passed, and aborts what is behind it", async () => {
    const inner = scriptedBroker();
    const producing = withDeadline(inner, DEADLINES).produce(RECORDS);
    await vi.advanceTimersByTimeAsync(199);
    expect(inner.produced[0]!.signal!.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    const unknown = { status: "unknown", reason: "no answer within 200 ms" };
    expect(await producing).toEqual([unknown, unknown]);
    expect(inner.produced[0]!.signal!.aborted).toBe(true);
  });

  it("produce() answers what is behind it says at once when it is aborted", async () => {
    const waiting = withCoalescing(scriptedBroker(), { inFlightMax: 0 });
    const producing = withDeadline(waiting, DEADLINES).produce(RECORDS);
    await vi.advanceTimersByTimeAsync(200);
    const unsent = { status: "retryable", reason: "cancelled before it was sent" };
    expect(await producing).toEqual([unsent, unsent]);
  });

  it("produce() hands on an answer in time and leaves no timer behind", async () => {
    const inner = scriptedBroker();
    const producing = withDeadline(inner, DEADLINES).produce(RECORDS);
    inner.produced[0]!.succeed(4);
    expect(await producing).toMatchObject([{ offset: 4 }, { offset: 5 }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("produce() without a deadline is left to what is behind it", async () => {
    const inner = scriptedBroker();
    void withDeadline(inner, { readMs: 100 }).produce(RECORDS);
    expect(inner.produced[0]!.signal).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("produce() hands on the caller's signal", async () => {
    const inner = scriptedBroker();
    const controller = new AbortController();
    void withDeadline(inner, DEADLINES).produce(RECORDS, controller.signal);
    controller.abort();
    expect(inner.produced[0]!.signal!.aborted).toBe(true);
  });

  it("a failure after the deadline is nobody's unhandled rejection", async () => {
    const inner = scriptedBroker();
    const producing = withDeadline(inner, DEADLINES).produce(RECORDS);
    await vi.advanceTimersByTimeAsync(200);
    await producing;
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    inner.produced[0]!.fail(new Error("too late"));
    await vi.advanceTimersByTimeAsync(1);
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it.each<[string, (broker: Broker) => Promise<unknown>, number]>([
    ["read", (broker) => broker.read([{ topic: "t", partition: 0, offset: 0 }], BUDGET), 600],
    ["topics", (broker) => broker.topics(["t"]), 100],
  ])("%s() throws broker_unavailable when its deadline has passed, beyond what it may wait", async (_, call, ms) => {
    const outcome = call(withDeadline(scriptedBroker({ read: never, topics: never }), DEADLINES)).catch(
      (error) => error,
    );
    await vi.advanceTimersByTimeAsync(ms - 1);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome).toMatchObject({
      code: "broker_unavailable",
      message: expect.stringContaining(`within ${ms} ms`),
    });
  });
});

it("withDeadline() answers unknown for a record that lands afterwards (case 7)", async () => {
  await using bundle = await gatewayBundle();
  const gated = gatedBroker(bundle.broker);
  const [result] = await withDeadline(gated, { produceMs: 5, readMs: 1_000 }).produce(RECORDS.slice(0, 1));
  expect(result!.status).toBe("unknown");
  expect(gated.waiting()).toBe(1);
  await gated.release();
  const from = [0, 1, 2].map((partition) => ({ topic: "t", partition, offset: 0 }));
  const reads = await gated.read(from, { ...BUDGET, waitMs: 0 });
  expect(reads.flatMap(({ records }) => records)).toHaveLength(1);
});
