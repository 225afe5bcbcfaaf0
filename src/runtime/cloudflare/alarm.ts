// Ticks within seconds of a produce, by the Durable Object's alarm.
import type { DurableObjectStorage } from "@cloudflare/workers-types";
import type { Broker } from "../../ports/broker.ts";

/** A broker whose produces set the alarm, unless it is set already: one alarm serves all that come before it. */
export function withAlarm(broker: Broker, storage: DurableObjectStorage, delayMs: number): Broker {
  let setUntilMs = 0;
  const set = async (): Promise<void> => {
    const nowMs = Date.now();
    if (nowMs < setUntilMs) return;
    const atMs = await storage.getAlarm();
    if (atMs === null) await storage.setAlarm(nowMs + delayMs);
    // One that is set already may come sooner than ours would: who produces after that needs the next.
    setUntilMs = atMs ?? nowMs + delayMs;
  };
  return {
    ...broker,
    async produce(records, signal) {
      const results = await broker.produce(records, signal);
      await set();
      return results;
    },
  };
}
