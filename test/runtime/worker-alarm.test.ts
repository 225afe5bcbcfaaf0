// The Durable Object's alarm: one serves all produces before it, and the first produce after it sets the next.
import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Broker } from "../../src/ports/broker.ts";
import { withAlarm } from "../../src/runtime/cloudflare/alarm.ts";

const DELAY_MS = 1_000;

/** A broker with an alarm over storage that only knows one, and counts how often it is asked for it. */
function underTest() {
  const alarm: { atMs: number | null; looks: number } = { atMs: null, looks: 0 };
  const storage = {
    async getAlarm() {
      alarm.looks++;
      return alarm.atMs;
    },
    async setAlarm(atMs: number) {
      alarm.atMs = atMs;
    },
  } as unknown as DurableObjectStorage;
  const inner = { produce: async () => [] } as unknown as Broker;
  const broker = withAlarm(inner, storage, DELAY_MS);
  const produceAt = (ms: number) => {
    vi.setSystemTime(ms);
    return broker.produce([], new AbortController().signal);
  };
  return { alarm, produceAt };
}

describe("a produce", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
  afterEach(() => void vi.useRealTimers());

  it("sets the alarm, and those before it leave it as it is without a look", async () => {
    const { alarm, produceAt } = underTest();
    for (const ms of [10_000, 10_400, 10_999]) await produceAt(ms);
    expect(alarm).toEqual({ atMs: 11_000, looks: 1 });
  });

  it("after an alarm that came late sets the next", async () => {
    const { alarm, produceAt } = underTest();
    await produceAt(10_000);
    await produceAt(11_050);
    expect(alarm.atMs).toBe(11_000);
    alarm.atMs = null;
    await produceAt(11_100);
    expect(alarm.atMs).toBe(12_100);
  });

  it("after an alarm that another had set sooner sets the next", async () => {
    const { alarm, produceAt } = underTest();
    alarm.atMs = 10_010;
    await produceAt(10_000);
    expect(alarm.atMs).toBe(10_010);
    alarm.atMs = null;
    await produceAt(10_020);
    expect(alarm.atMs).toBe(11_020);
  });
});
