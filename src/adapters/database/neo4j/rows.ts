// Rows of the ledger as properties of their nodes, and back.
import { type Counts, NO_COUNTS } from "../../../domain/accounting.ts";
import type { LedgerRow } from "../../../domain/outcome.ts";
import { ABSENT, type StoredEntity } from "../../../domain/projection.ts";
import { decodeState } from "../../../domain/state.ts";
import type { OutboxRow, ParkedRow, PositionRow, RetryRow } from "../../../ports/database.ts";
import { SHOWN_MAX } from "../bounds.ts";
import type { Row, Value } from "./transport.ts";

/**
 * Rows with none of their first `certain` columns null. Neo4j reads each property of a node on its own, so that a node which
 * another transaction makes or removes meanwhile may answer some of them with null: it is not there yet, or no longer.
 */
export function wholeRows(rows: readonly Row[], certain = Number.POSITIVE_INFINITY): readonly Row[] {
  return rows.filter((row) => !row.slice(0, certain).includes(null));
}

/** What a statement returns of an entity `n`, for {@link toEntity}. */
export const ENTITY = "n.key, n._state, n._hidden";

/** The size of an entity's state. */
export const SIZE = "coalesce(size(n._state), 0)";

/**
 * How many of the rows of `sizes` an answer or a page holds, see `countShown`. Each is added up for every one behind it, so
 * only where they are not all shown.
 */
export const SHOWN =
  `CASE WHEN reduce(sum = 0, s IN sizes | sum + s) < ${SHOWN_MAX} THEN size(sizes) ` +
  `ELSE size([i IN range(0, size(sizes) - 1) WHERE reduce(sum = 0, s IN sizes[..i] | sum + s) < ${SHOWN_MAX}]) END`;

export function toEntity(row: Row): readonly [key: string, entity: StoredEntity] {
  const [key, state, hidden] = row as [string, string | null, boolean | null];
  if (state === null) return [key, ABSENT];
  return [key, { state: decodeState(state), hidden: hidden === true, existing: true }];
}

export const POSITION = "p.key, p.next, p.counts";

export function toPosition(row: Row): PositionRow {
  const [key, next, counts] = row as [string, number | null, string | null];
  // JSON answers bear whole numbers bare. Ours lie below 2^53; a greater one was written by somebody else.
  if (next !== null && !Number.isSafeInteger(next)) throw new Error(`Cannot use position ${key}: ${next} is inexact`);
  return { key, next: next ?? 0, counts: counts === null ? NO_COUNTS : { ...NO_COUNTS, ...readCounts(counts) } };
}

function readCounts(text: string): Partial<Counts> {
  return JSON.parse(text) as Partial<Counts>;
}

/** Members that are neither searched by nor of use to a reader of the graph lie in one text: properties cost most. */
type Rest = Pick<LedgerRow, "path" | "outcome" | "hash" | "stamp" | "entity" | "registers">;

export const LEDGER = "l.key, l.type, l.at, l.row";

export function toLedgerRows(rows: readonly Row[]): LedgerRow[] {
  return wholeRows(rows).map(toLedger);
}

function toLedger(row: Row): LedgerRow {
  const [key, name, atMs, text] = row as [string, string, number, string];
  const at = name.indexOf(".");
  return { key, flow: name.slice(0, at), type: name.slice(at + 1), ...(JSON.parse(text) as Rest), atMs };
}

export function fromLedger({ key, flow, type, atMs, ...rest }: LedgerRow): Value {
  const { path, outcome, hash, stamp, entity, registers } = rest;
  const row: Rest = { path, outcome, hash, stamp, entity, registers };
  return { key, type: `${flow}.${type}`, outcome: outcome.outcome, at: atMs, row: JSON.stringify(row) };
}

export const OUTBOX = "o.key, o.topic, o.partitionKey, o.record, o.reason, o.fatal, o.attempts, o.due";

export function toOutboxRows(rows: readonly Row[]): OutboxRow[] {
  return wholeRows(rows).map(toOutbox);
}

function toOutbox(row: Row): OutboxRow {
  const [key, topic, partitionKey, record, reason, fatal, attempts, dueMs] = row as [
    string,
    string,
    string,
    string,
    string,
    boolean,
    number,
    number,
  ];
  return { key, topic, partitionKey, record, reason, fatal, attempts, dueMs };
}

export function fromOutbox({ dueMs, ...row }: OutboxRow, atMs: number): Value {
  return { ...row, due: dueMs, at: atMs };
}

export const RETRY = "r.key, r.flow, r.row, r.record, r.attempts, r.due, r.reason";

export function toRetryRows(rows: readonly Row[]): RetryRow[] {
  return wholeRows(rows).map(toRetry);
}

function toRetry(values: Row): RetryRow {
  const [key, flow, row, record, attempts, dueMs, reason] = values as [
    string,
    string,
    string,
    string,
    number,
    number,
    string,
  ];
  return { key, flow, row: JSON.parse(row) as LedgerRow, record, attempts, dueMs, reason };
}

export function fromRetry({ row, dueMs, ...rest }: RetryRow, atMs: number): Value {
  return { ...rest, row: JSON.stringify(row), due: dueMs, leased: 0, at: atMs };
}

export const PARKED =
  "k.key, k.topic, k.partition, k.offset, k.reason, k.detail, k.at, k.attempts, k.decided, k.bytes, k.operation, k.flow";
export const PARKED_COLUMNS = PARKED.split(", ").length;
const PARKED_CERTAIN = PARKED_COLUMNS - 3;

/** Their rows may have more columns behind {@link PARKED}. */
export function toParkedRows(rows: readonly Row[]): ParkedRow[] {
  return wholeRows(rows, PARKED_CERTAIN).map(toParked);
}

function toParked(values: Row): ParkedRow {
  const [key, topic, partition, offset, reason, detail, atMs, attempts, decided, bytes, operationKey, flow] =
    values as unknown as [
      string,
      string,
      number,
      number,
      ParkedRow["reason"],
      string,
      number,
      number,
      string,
      string | null,
      string | null,
      string | null,
    ];
  return { key, topic, partition, offset, reason, detail, bytes, operationKey, flow, atMs, attempts, decided };
}

export function fromParked({ operationKey, atMs, ...row }: ParkedRow): Value {
  return { ...row, operation: operationKey, at: atMs };
}
