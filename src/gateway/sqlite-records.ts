// Records as rows. A record's id is its partition's number and its offset in one integer: one b-tree, in reading order.
import type { Sql } from "../sql/sql.ts";
import { decodeBase64, encodeBase64, toContent } from "./base64.ts";
import type { AppendRecord, Content, LogBounds, LogHeader, LogOffsets, LogRecord, LogSlice } from "./log.ts";

/** Offsets of one partition; a partition's number times this is its first record id. */
export const OFFSETS_PER_PARTITION = 2 ** 40;
/** Begin and end of a partition, by its number. */
export const OFFSETS = `SELECT begin_offset AS "begin", end_offset AS "end" FROM log_partition WHERE number = ?`;

const KEY_BASE64 = 1;
const VALUE_BASE64 = 2;
const INSERT =
  "INSERT INTO log_record (id, timestamp_ms, bytes, flags, key, value, headers) VALUES (?, ?, ?, ?, ?, ?, ?)";
const SIZES = "SELECT id, bytes FROM log_record WHERE id >= ? AND id < ? ORDER BY id LIMIT ?";
const RECORDS = `SELECT id, timestamp_ms, bytes, flags, key, value, headers FROM log_record
  WHERE id >= ? AND id <= ? ORDER BY id`;

interface Row {
  readonly id: number;
  readonly timestamp_ms: number;
  readonly bytes: number;
  readonly flags: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: string | null;
}

/** Name, value, and 1 when the value is base64. */
type StoredHeader = [name: string, value: string | null, base64?: 1];

/** SQLite's text functions and some bindings end a text at NUL, so a text with one is kept as base64 as well. */
const isPlain = (content: Content): content is string => typeof content === "string" && !content.includes("\0");

/** Writes one record; the caller holds the transaction and keeps the partition's row. */
export function insertRecord(sql: Sql, partition: number, offset: number, record: AppendRecord): void {
  const { headers } = record;
  // What is text is kept as text, which anything that opens the file can read.
  const key = textOrBytes(record.key);
  const value = textOrBytes(record.value);
  const keyPlain = key === null || isPlain(key);
  const valuePlain = value === null || isPlain(value);
  sql.run(
    INSERT,
    partition * OFFSETS_PER_PARTITION + offset,
    record.timestampMs,
    record.bytes,
    (keyPlain ? 0 : KEY_BASE64) | (valuePlain ? 0 : VALUE_BASE64),
    keyPlain ? key : encodeBase64(key),
    valuePlain ? value : encodeBase64(value),
    headers.length === 0 ? null : JSON.stringify(headers.map(storeHeader)),
  );
}

/** Reads one partition, by its number; see Log.read. */
export function readSlice(sql: Sql, partition: number, offset: number, bounds: LogBounds): LogSlice {
  const base = partition * OFFSETS_PER_PARTITION;
  for (let ends = sql.get<LogOffsets>(OFFSETS, partition)!; ; ) {
    const { begin, end } = ends;
    const from = Math.max(offset, begin);
    if (from >= end || bounds.recordsMax < 1) return { begin, end, records: [], more: from < end };
    const { first, rows, more } = readRows(sql, base + from, base + end, bounds);
    // Another process's retention may come between the statements. Nothing of it shows while the first record is there,
    // so that no snapshot has to be paid for with every read.
    if (first !== base + from) ends = sql.get<LogOffsets>(OFFSETS, partition)!;
    if (ends.begin === begin) return { begin, end, records: rows.map((row) => toRecord(row, base)), more };
  }
}

interface Rows {
  /** Id of the first record there is, as the last statement saw it. */
  readonly first: number | undefined;
  readonly rows: readonly Row[];
  readonly more: boolean;
}

/** Sizes are looked at first, so that no more is loaded than asked for. */
function readRows(sql: Sql, from: number, end: number, bounds: LogBounds): Rows {
  const sizes = sql.all<{ id: number; bytes: number }>(SIZES, from, end, bounds.recordsMax);
  let taken = 0;
  for (let bytes = 0; taken < sizes.length; taken++) {
    bytes += sizes[taken]!.bytes;
    if (bytes > bounds.bytesMax && !(taken === 0 && bounds.firstAnyway)) break;
  }
  const last = sizes[taken - 1]?.id;
  if (last === undefined) return { first: sizes[0]?.id, rows: [], more: sizes.length > 0 };
  const rows = sql.all<Row>(RECORDS, from, last);
  const more = taken < sizes.length || (taken === bounds.recordsMax && last + 1 < end);
  return { first: rows[0]?.id, rows, more };
}

/** The first offset of a partition, by its number, whose record is not older; see Log.offsetAt. */
export function offsetAt(sql: Sql, partition: number, timestampMs: number): number {
  const base = partition * OFFSETS_PER_PARTITION;
  const { begin, end } = sql.get<LogOffsets>(OFFSETS, partition)!;
  const first = "SELECT id FROM log_record WHERE id >= ? AND id < ? AND timestamp_ms >= ? ORDER BY id LIMIT 1";
  const row = sql.get<{ id: number }>(first, base + begin, base + end, timestampMs);
  return row === undefined ? end : row.id - base;
}

function toRecord(row: Row, base: number): LogRecord {
  return {
    offset: row.id - base,
    timestampMs: row.timestamp_ms,
    bytes: row.bytes,
    key: row.key !== null && (row.flags & KEY_BASE64) !== 0 ? decodeBase64(row.key)! : row.key,
    value: row.value !== null && (row.flags & VALUE_BASE64) !== 0 ? decodeBase64(row.value)! : row.value,
    headers: row.headers === null ? [] : (JSON.parse(row.headers) as StoredHeader[]).map(loadHeader),
  };
}

const textOrBytes = (content: Content | null): Content | null =>
  content === null || typeof content === "string" ? content : toContent(content);

function storeHeader({ key, value: given }: LogHeader): StoredHeader {
  const value = textOrBytes(given);
  return value === null || typeof value === "string" ? [key, value] : [key, encodeBase64(value), 1];
}

function loadHeader([key, value, base64]: StoredHeader): LogHeader {
  return { key, value: base64 === 1 && value !== null ? decodeBase64(value)! : value };
}
