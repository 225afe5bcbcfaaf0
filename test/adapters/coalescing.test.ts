// Which produces share a request, when it goes out, and who gets which results.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type CoalescingOptions, withCoalescing } from "../../src/adapters/broker/coalescing.ts";
import type { ProduceRecord } from "../../src/ports/broker.ts";
import { scriptedBroker } from "../support/scripted-broker.ts";

const call = (...values: string[]): ProduceRecord[] => values.map((value) => ({ topic: "t", key: "", value }));
const turn = () => vi.advanceTimersByTimeAsync(0);

function setup(options: CoalescingOptions = {}) {
  const inner = scriptedBroker();
  const sent = () => inner.produced.map(({ records }) => records.map(({ value }) => value).join(" "));
  return { inner, sent, broker: withCoalescing(inner, { inFlightMax: 1, ...options }) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("withCoalescing()", () => {
  it("sends a lone produce at the end of the event loop's turn, without lingering", async () => {
    const { broker, sent, inner } = setup({ lingerMs: 1_000 });
    const producing = broker.produce(call("a"));
    expect(sent()).toEqual([]);
    await turn();
    expect(sent()).toEqual(["a"]);
    inner.produced[0]!.succeed(7);
    expect(await producing).toEqual([{ status: "ok", partition: 0, offset: 7 }]);
  });

  it("sends what came in one turn together and hands each caller its own results", async () => {
    const { broker, sent, inner } = setup();
    const all = Promise.all([call("a"), call("b", "c"), [], call("d")].map((records) => broker.produce(records)));
    await turn();
    expect(sent()).toEqual(["a b c d"]);
    inner.produced[0]!.succeed();
    const offsets = (await all).map((results) => results.map((result) => result.status === "ok" && result.offset));
    expect(offsets).toEqual([[0], [1, 2], [], [3]]);
  });

  it("keeps the rest waiting while as many as allowed are under way, then sends it in order", async () => {
    const { broker, sent, inner } = setup();
    for (const value of ["a", "b", "c"]) void broker.produce(call(value));
    await turn();
    for (const value of ["d", "e", "f"]) void broker.produce(call(value));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent()).toEqual(["a b c"]);
    inner.produced[0]!.succeed();
    await turn();
    expect(sent()).toEqual(["a b c", "d e f"]);
  });

  it("has twice as many under way of those that are half full", async () => {
    const { broker, sent, inner } = setup({ recordsMax: 4 });
    for (const value of ["a", "b", "c", "d", "e", "f"]) void broker.produce(call(value));
    await vi.advanceTimersByTimeAsync(1);
    expect(sent()).toEqual(["a b c d", "e f"]);
    for (const value of ["g", "h", "i"]) void broker.produce(call(value));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent()).toEqual(["a b c d", "e f"]);
    inner.produced[1]!.succeed();
    await turn();
    expect(sent()).toEqual(["a b c d", "e f", "g h i"]);
  });

  it("waits for company as long as another is under way, and no longer", async () => {
    const { broker, sent } = setup({ inFlightMax: 2, lingerMs: 5 });
    void broker.produce(call("a"));
    await turn();
    void broker.produce(call("b"));
    await vi.advanceTimersByTimeAsync(4);
    void broker.produce(call("c"));
    expect(sent()).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent()).toEqual(["a", "b c"]);
  });

  it("stops waiting for company when a request is half full, or the other one is back", async () => {
    const { broker, sent, inner } = setup({ inFlightMax: 2, lingerMs: 1_000, recordsMax: 4 });
    void broker.produce(call("a"));
    await turn();
    void broker.produce(call("b"));
    void broker.produce(call("c"));
    await turn();
    expect(sent()).toEqual(["a", "b c"]);
    void broker.produce(call("d"));
    inner.produced[0]!.succeed();
    await turn();
    expect(sent()).toEqual(["a", "b c", "d"]);
  });

  it("bounds a request by records and by size, and never splits a call", async () => {
    const { broker, sent } = setup({ inFlightMax: 9, recordsMax: 4, bytesMax: 10, lingerMs: 1 });
    const calls = [
      ["a", "b", "c"],
      ["d", "e"],
      ["f", "g", "h", "i", "j"],
      ["0123456"],
      ["789"],
      ["x"],
      ["01234567890123"],
      ["y"],
    ];
    for (const values of calls) void broker.produce(call(...values));
    await vi.advanceTimersByTimeAsync(50);
    expect(sent()).toEqual(["a b c", "d e", "f g h i j", "0123456 789", "x", "01234567890123", "y"]);
  });

  it("drops a call that is cancelled before it goes out", async () => {
    const { broker, sent } = setup();
    const controller = new AbortController();
    const producing = broker.produce(call("a", "b"), controller.signal);
    void broker.produce(call("c"));
    controller.abort();
    const cancelled = { status: "retryable", reason: "cancelled before it was sent" };
    expect(await producing).toEqual([cancelled, cancelled]);
    expect(await broker.produce(call("d"), controller.signal)).toEqual([cancelled]);
    await turn();
    expect(sent()).toEqual(["c"]);
  });

  it("aborts a request only when all of its callers have cancelled", async () => {
    const { broker, inner } = setup();
    const [one, two] = [new AbortController(), new AbortController()];
    void broker.produce(call("a"), one.signal);
    void broker.produce(call("b"), two.signal);
    await turn();
    one.abort();
    expect(inner.produced[0]!.signal!.aborted).toBe(false);
    two.abort();
    expect(inner.produced[0]!.signal!.aborted).toBe(true);
  });

  it("does not abort a request that has a caller without a signal", async () => {
    const { broker, inner } = setup();
    const controller = new AbortController();
    void broker.produce(call("a"), controller.signal);
    void broker.produce(call("b"));
    await turn();
    controller.abort();
    expect(inner.produced[0]!.signal?.aborted ?? false).toBe(false);
  });

  it("gives a call up at its deadline: unknown when it went out, retryable when it did not, and aborts what nobody waits for", async () => {
    const { broker, inner, sent } = setup({ deadlineMs: 100 });
    const first = Promise.all([broker.produce(call("a")), broker.produce(call("b"))]);
    await vi.advanceTimersByTimeAsync(60);
    const second = broker.produce(call("c", "d"));
    await vi.advanceTimersByTimeAsync(39);
    expect(inner.produced[0]!.signal!.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    const late = { status: "unknown", reason: "no answer within 100 ms" };
    expect(await first).toEqual([[late], [late]]);
    expect(inner.produced[0]!.signal!.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(60);
    const unsent = { status: "retryable", reason: "cancelled before it was sent" };
    expect(await second).toEqual([unsent, unsent]);
    expect(sent()).toEqual(["a b"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("takes an answer before the deadline as it is, and leaves no timer behind", async () => {
    const { broker, inner } = setup({ deadlineMs: 100 });
    const producing = broker.produce(call("a"));
    await vi.advanceTimersByTimeAsync(99);
    inner.produced[0]!.succeed(5);
    expect(await producing).toEqual([{ status: "ok", partition: 0, offset: 5 }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("answers unknown to all callers of a request that throws, and goes on", async () => {
    const { broker, inner, sent } = setup();
    const all = Promise.all([broker.produce(call("a")), broker.produce(call("b"))]);
    await turn();
    inner.produced[0]!.fail(new Error("a broken broker"));
    expect(await all).toMatchObject([[{ status: "unknown" }], [{ status: "unknown" }]]);
    void broker.produce(call("c"));
    await vi.advanceTimersByTimeAsync(2);
    expect(sent()).toEqual(["a b", "c"]);
  });

  it("goes on gathering while every turn brings a call, once calls had company", async () => {
    const { broker, inner, sent } = setup({ lingerMs: 1_000 });
    void broker.produce(call("a"));
    void broker.produce(call("b"));
    await turn();
    inner.produced[0]!.succeed();
    await turn();
    void broker.produce(call("c"));
    void broker.produce(call("d"));
    setImmediate(() => void broker.produce(call("e")));
    await vi.runAllTimersAsync();
    expect(sent()).toEqual(["a b", "c d e"]);
  });
});
