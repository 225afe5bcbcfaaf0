// Whether Tidegate can stand on this proxy, by the very adapter that it would use; and how long things take.
import type { ProduceResult } from "../../ports/broker.ts";
import { type Check, no, unknown, yes } from "./finding.ts";
import type { Session } from "./session.ts";

const RECORDS = 20;
const PLENTY = { bytesMax: 4_000_000, recordsMax: 1_000 };
const PLACES = (topic: string) => [0, 1].map((partition) => ({ topic, partition, offset: 0 }));

const recordsOf = (session: Session, count: number) =>
  Array.from({ length: count }, (_, i) => ({ topic: session.topic, key: `k${i % 5}`, value: `{"probe":${i}}` }));

function firstFailure(results: readonly ProduceResult[]): string | undefined {
  const failed = results.find(({ status }) => status !== "ok");
  return failed !== undefined && failed.status !== "ok" ? `${failed.status}: ${failed.reason}` : undefined;
}

/** Reads from each record's own place until it has been seen. */
async function missing(session: Session, results: readonly ProduceResult[]): Promise<number> {
  let left = 0;
  const places = new Map<number, number>();
  for (const result of results) {
    if (result.status !== "ok" || result.partition === null || result.offset === null) continue;
    places.set(result.partition, Math.min(result.offset, places.get(result.partition) ?? result.offset));
  }
  const from = [...places].map(([partition, offset]) => ({ topic: session.topic, partition, offset }));
  const seen = new Set<string>();
  for (let round = 0; round < 5; round++) {
    const reads = await session.broker.read(from, { ...PLENTY, waitMs: 0, signal: session.signal });
    for (const { partition, records } of reads) for (const { offset } of records) seen.add(`${partition}/${offset}`);
    left = results.filter((each) => each.status === "ok" && !seen.has(`${each.partition}/${each.offset}`)).length;
    if (left === 0) break;
  }
  return left;
}

/** The one check that decides about the exit code. */
export const SUITABLE = "tidegate";

export const tidegateChecks: readonly Check[] = [
  {
    id: SUITABLE,
    question: "Tidegate runs on it",
    async run(session) {
      const results: ProduceResult[] = [];
      // Records of one key go to one partition, and then every dialect tells where they went.
      for (const records of Map.groupBy(recordsOf(session, RECORDS), ({ key }) => key).values()) {
        results.push(...(await session.broker.produce(records, session.signal)));
      }
      const failure = firstFailure(results);
      if (failure !== undefined) return no(`produce: ${failure}`);
      const lost = await missing(session, results);
      if (lost > 0) return no(`${lost} of ${RECORDS} records that were acknowledged cannot be read`);
      // From the same place again: what a lost answer needs.
      const again = await missing(session, results);
      return again > 0
        ? no("reading again from the same offset gives something else")
        : yes("produced, read, read again");
    },
  },
  {
    id: "delays",
    question: "Delays",
    async run(session) {
      const produced: number[] = [];
      for (const record of recordsOf(session, 7)) {
        const beganMs = performance.now();
        const [result] = await session.broker.produce([record], session.signal);
        if (result?.status !== "ok") return unknown("a record was not taken");
        produced.push(performance.now() - beganMs);
      }
      const beganMs = performance.now();
      await session.broker.read(PLACES(session.topic), { ...PLENTY, waitMs: 0, signal: session.signal });
      const readMs = Math.round(performance.now() - beganMs);
      const median = Math.round(produced.toSorted((a, b) => a - b)[3]!);
      return yes(`one record is produced in ${median} ms (median of 7), two partitions are read in ${readMs} ms`);
    },
  },
];
