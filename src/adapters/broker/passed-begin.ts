// Retention that moves between the look at where a log begins and the read behind it: Kafka then goes on at the new
// beginning without a word, and only a first record beyond the position hints at it. So do compaction and control records.
import type { ReadRecord } from "../../ports/broker.ts";

/** Whether the first record lies beyond the offset that was asked for. */
export function skips(offset: number, records: readonly ReadRecord[] | undefined): boolean {
  return records?.[0] !== undefined && records[0].offset > offset;
}

/** Where a log began when its records were read: between what was seen before and after, and never beyond the first of them. */
export function beginAtRead(before: number, after: number, records: readonly ReadRecord[]): number {
  return Math.max(before, Math.min(after, records[0]?.offset ?? before));
}
