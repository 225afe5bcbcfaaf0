// A broker that answers what the test tells it to, and keeps what it was asked.
import type { Broker, ProduceRecord, ProduceResult } from "../../src/ports/broker.ts";

/** One produce that waits for its answer. */
export interface PendingProduce {
  readonly records: readonly ProduceRecord[];
  readonly signal: AbortSignal | undefined;
  /** Answers with offsets that count from `offset`. */
  succeed(offset?: number): void;
  answer(results: ProduceResult[]): void;
  fail(error: unknown): void;
}

/** A broker in the test's hands. */
export interface ScriptedBroker extends Broker {
  /** Produces in the order they came, settled or not. */
  readonly produced: PendingProduce[];
}

/** Produces wait for the test; reads and topics do what `rest` says, or answer nothing. */
export function scriptedBroker(rest: Partial<Pick<Broker, "read" | "topics">> = {}): ScriptedBroker {
  const produced: PendingProduce[] = [];
  return {
    cluster: "scripted",
    produced,
    produce(records, signal) {
      return new Promise((resolve, reject) => {
        produced.push({
          records,
          signal,
          succeed: (from = 0) => resolve(records.map((_, i) => ({ status: "ok", partition: 0, offset: from + i }))),
          answer: resolve,
          fail: reject,
        });
      });
    },
    read: rest.read ?? (async () => []),
    topics: rest.topics ?? (async () => []),
  };
}
