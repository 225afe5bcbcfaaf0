// Ticks over a broker that does not tell where its partitions end: a read that gives nothing is then no end, since a slow
// partition, or one whose beginning was not found yet, looks the same.
import { QUIET_MS } from "../adapters/broker/instance-read.ts";
import { LOOK_EVERY_MS } from "../adapters/broker/redpanda.ts";
import type { Tick } from "../app/tick.ts";
import { decodeRecord } from "../domain/operation.ts";
import { isStamp, stampMs } from "../domain/stamp.ts";
import { type Broker, ENDS_ONLY, type PartitionRead, type ReadFrom, type ReadRecord } from "../ports/broker.ts";
import type { Delay } from "../ports/clock.ts";

/** For how long nothing may come from partitions whose ends are not told: no adapter leaves one alone for longer. */
export const PATIENCE_MS = Math.max(LOOK_EVERY_MS, QUIET_MS);
/** Between two ticks that gave nothing. */
const PAUSE_MS = 1_000;

export interface UntilQuietDeps {
  readonly broker: Broker;
  /** When the ticks began, milliseconds since 1970: what was made later is no reason to go on. */
  readonly startMs: number;
  /** Milliseconds since whenever. */
  readonly stopwatch: () => number;
  readonly delay: Delay;
  /** Whether all is in vain already: nothing is waited for then. */
  readonly hasFailed: () => boolean;
}

export interface UntilQuiet {
  /** The broker, watched: the ticks have to read through it. */
  readonly broker: Broker;
  /** A tick that says `more` until PATIENCE_MS have gone by without news, as long as some end is not told. */
  around(tick: Tick): Tick;
  /** Partitions whose last read did not tell their end, as topic/partition. */
  untold(): string[];
}

export function untilQuiet({ broker, startMs, stopwatch, delay, hasFailed }: UntilQuietDeps): UntilQuiet {
  const untold = new Set<string>();
  let newsMs = stopwatch();
  let askedMs = newsMs;
  return {
    broker: {
      ...broker,
      async read(from, budget) {
        const asked = stopwatch();
        const reads = await broker.read(from, budget);
        for (const { topic, partition, end } of reads) {
          if (end === null) untold.add(`${topic}/${partition}`);
          else untold.delete(`${topic}/${partition}`);
        }
        askedMs = asked;
        if (reads.some((read) => isNews(read, from, startMs))) newsMs = stopwatch();
        return reads;
      },
    },
    around: (tick) => async (budget) => {
      const report = await tick(budget);
      if (report.more || report.records > 0 || report.failures.length > 0 || hasFailed()) return report;
      // A partition that is looked at now and then has had its turn when a read began so much later.
      if (untold.size === 0 || askedMs - newsMs > PATIENCE_MS) return report;
      await delay(PAUSE_MS);
      return { ...report, more: true };
    },
    untold: () => [...untold].sort(),
  };
}

/** Whether a partition gave what may have been there at the start; a log that is in use goes on for ever. */
function isNews({ topic, partition, records, begin }: PartitionRead, from: readonly ReadFrom[], startMs: number) {
  const asked = from.find((at) => at.topic === topic && at.partition === partition);
  const hasGap = begin !== null && asked !== undefined && asked.offset !== ENDS_ONLY && begin > asked.offset;
  return hasGap || records.some((record) => isOlder(record, startMs));
}

const decoder = new TextDecoder();

/** Whether a record was made before that time, or does not say when. */
function isOlder({ value }: ReadRecord, ms: number): boolean {
  const decoded = value === null ? undefined : decodeRecord(decoder.decode(value));
  const stamp = decoded !== undefined && "record" in decoded ? decoded.record.stamp : undefined;
  return stamp === undefined || !isStamp(stamp) || stampMs(stamp) < ms;
}
