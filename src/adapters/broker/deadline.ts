// Puts an end to waiting: a call settles at its deadline, whatever the broker behind it does.
import { AppError } from "../../domain/errors.ts";
import type { Broker, ProduceRecord, ProduceResult } from "../../ports/broker.ts";

/** How long calls may take, in milliseconds. */
export interface Deadlines {
  /** Default: what is behind bounds its produces itself. */
  readonly produceMs?: number;
  /** Beyond the time that the read itself was asked to wait. */
  readonly readMs: number;
  /** Default: as `readMs`. */
  readonly topicsMs?: number;
}

/** Stands for the result of work that was late. */
export const LATE = Symbol("late");

/**
 * A broker whose calls settle at their deadline and abort what is behind them. A late produce is `unknown`, as
 * it may still land, unless what is behind knows at once that it was never sent. Late reads and topics throw AppError `broker_unavailable`.
 */
export function withDeadline(broker: Broker, deadlines: Deadlines): Broker {
  const orThrow = async <Result>(
    action: string,
    ms: number,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> => {
    const result = await within(ms, signal, work);
    if (result === LATE) throw new AppError("broker_unavailable", `Cannot ${action}: no answer within ${ms} ms`);
    return result;
  };
  const { produceMs } = deadlines;
  const boundedProduce = async (ms: number, records: readonly ProduceRecord[], signal: AbortSignal | undefined) => {
    const results = await within(ms, signal, (merged) => broker.produce(records, merged));
    if (results !== LATE) return results;
    return records.map((): ProduceResult => ({ status: "unknown", reason: `no answer within ${ms} ms` }));
  };
  const { reportPosition } = broker;
  return {
    cluster: broker.cluster,
    requests: broker.requests,
    ...(reportPosition === undefined
      ? {}
      : {
          reportPosition(positions, signal) {
            const work = (merged: AbortSignal) => reportPosition(positions, merged);
            return orThrow(`report ${positions.length} positions`, deadlines.readMs, signal, work);
          },
        }),
    produce: (records, signal) =>
      produceMs === undefined ? broker.produce(records, signal) : boundedProduce(produceMs, records, signal),
    read(from, budget) {
      const ms = budget.waitMs + deadlines.readMs;
      const work = (signal: AbortSignal) => broker.read(from, { ...budget, signal });
      return orThrow(`read ${from.length} partitions`, ms, budget.signal, work);
    },
    topics(names, signal) {
      const ms = deadlines.topicsMs ?? deadlines.readMs;
      return orThrow(`read ${names.length} topics`, ms, signal, (merged) => broker.topics(names, merged));
    },
  };
}

/** What work gives, or LATE after `ms` milliseconds; the signal that it gets aborts then, and with the caller's. */
export async function within<Result>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result | typeof LATE> {
  const controller = new AbortController();
  const merged = signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => {
      controller.abort(new DOMException(`no answer within ${ms} ms`, "TimeoutError"));
      // After what knows at once what became of it: a produce that was never sent.
      resolve(LATE);
    }, ms);
  });
  try {
    return await Promise.race([work(merged), late]);
  } finally {
    clearTimeout(timer);
  }
}
