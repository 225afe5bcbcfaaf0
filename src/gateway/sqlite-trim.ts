// Retention of one partition of a SQLite log.
import type { Sql } from "../sql/sql.ts";
import type { Retention } from "./log.ts";
import { OFFSETS_PER_PARTITION } from "./sqlite-records.ts";

interface PartitionRow {
  readonly begin_offset: number;
  readonly end_offset: number;
  readonly bytes: number;
}
interface Sized {
  readonly id: number;
  readonly timestamp_ms: number;
  readonly bytes: number;
}

/**
 * Removes the oldest records beyond the retention, at most `recordsMax`, and answers how many; the caller holds the
 * transaction. It stops at the first record that may stay, so what is left has no holes that were not there before.
 */
export function trimPartition(
  sql: Sql,
  partition: number,
  retention: Retention,
  nowMs: number,
  recordsMax: number,
): number {
  const select = "SELECT begin_offset, end_offset, bytes FROM log_partition WHERE number = ?";
  const row = sql.get<PartitionRow>(select, partition)!;
  if (row.begin_offset === row.end_offset) return 0;
  const base = partition * OFFSETS_PER_PARTITION;
  const oldestMs = retention.ageMsMax === undefined ? Number.NEGATIVE_INFINITY : nowMs - retention.ageMsMax;
  const bytesMax = retention.partitionBytesMax ?? Number.POSITIVE_INFINITY;
  const candidates = sql.all<Sized>(
    "SELECT id, timestamp_ms, bytes FROM log_record WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
    base + row.begin_offset,
    base + row.end_offset,
    recordsMax,
  );
  let bytes = row.bytes;
  let removed = 0;
  for (const { timestamp_ms, bytes: size } of candidates) {
    if (timestamp_ms >= oldestMs && bytes <= bytesMax) break;
    bytes -= size;
    removed++;
  }
  if (removed === 0) return 0;
  const begin = candidates[removed - 1]!.id - base + 1;
  sql.run("DELETE FROM log_record WHERE id >= ? AND id < ?", base, base + begin);
  sql.run("UPDATE log_partition SET begin_offset = ?, bytes = ? WHERE number = ?", begin, bytes, partition);
  return removed;
}
