// Reads many partitions within one budget, so that none starves the others.
import type { Log, LogRecord, LogSlice, PartitionRead, ReadBudget, ReadFrom } from "./log.ts";

interface Share {
  readonly from: ReadFrom;
  next: number;
  slice: LogSlice | undefined;
  readonly records: LogRecord[];
}

/**
 * Reads in rounds: in each, every partition that has more may take an equal share of what is left. The very first
 * record may be beyond the budget, so there always is progress; `first` says which partition begins, and a caller that
 * moves it on with every read lets each have that right in turn. Answers in the order of `froms`.
 */
export async function fairRead(
  log: Log,
  froms: readonly ReadFrom[],
  budget: ReadBudget,
  first: number,
): Promise<PartitionRead[]> {
  const shares = froms.map((from): Share => ({ from, next: from.offset, slice: undefined, records: [] }));
  const turn = shares.length === 0 ? 0 : first % shares.length;
  let active = [...shares.slice(turn), ...shares.slice(0, turn)];
  const left = { bytes: budget.bytesMax, records: budget.recordsMax };
  let taken = 0;
  let generous = false;
  while (active.length > 0) {
    const takenBefore = taken;
    // Once equal shares are too small for any next record, each may in its turn use all that is left.
    const bytesMax = generous ? left.bytes : Math.floor(left.bytes / active.length);
    const recordsMax = generous ? 1 : Math.max(1, Math.floor(left.records / active.length));
    for (const share of active) {
      const bounds = {
        bytesMax: Math.min(bytesMax, Math.max(left.bytes, 0)),
        recordsMax: Math.min(recordsMax, left.records),
        firstAnyway: taken === 0,
      };
      const records = await readOn(log, share, bounds);
      taken += records.length;
      left.records -= records.length;
      for (const record of records) left.bytes -= record.bytes;
    }
    active = active.filter((share) => share.slice?.more === true);
    if (left.records <= 0 || left.bytes <= 0 || (taken === takenBefore && generous)) break;
    generous = taken === takenBefore;
  }
  return shares.map(({ slice, records }) => slice && { begin: slice.begin, end: slice.end, records });
}

async function readOn(log: Log, share: Share, bounds: Parameters<Log["read"]>[3]): Promise<readonly LogRecord[]> {
  const { from, slice: before } = share;
  const slice = await log.read(from.topic, from.partition, share.next, bounds);
  if (share.records.length === 0) share.slice = slice;
  else if (slice === undefined || slice.begin > share.next) {
    // Retention has passed what comes next: an answer has one begin, so the next read is the one to tell of the gap.
    share.slice = { ...before!, more: false };
    return [];
  } else share.slice = { ...slice, begin: before!.begin };
  const records = slice?.records ?? [];
  for (const record of records) share.records.push(record);
  const last = records.at(-1);
  if (last !== undefined) share.next = last.offset + 1;
  return records;
}
