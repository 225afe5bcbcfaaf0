// Work left for later: retry rows, parked records with their decisions, and rows past their time.
import type { LedgerRow, ParkReason } from "../../domain/outcome.ts";
import type {
  ConsumerRow,
  DecisionRow,
  Listed,
  ParkedFilter,
  ParkedRow,
  PurgeLimits,
  RetryRow,
} from "../../ports/database.ts";
import { LAST, type Sql, type SqlValue } from "../../sql/sql.ts";
import { inTurn } from "./in-turn.ts";
import { readPlace } from "./place.ts";
import { shownRows } from "./sqlite-rows.ts";

interface RetryColumns {
  readonly key: string;
  readonly flow: string;
  readonly row: string;
  readonly record: string;
  readonly attempts: number;
  readonly due_ms: number;
  readonly reason: string;
}

const RETRY = "SELECT key, flow, row, record, attempts, due_ms, reason FROM retry";

function toRetry({ row, due_ms: dueMs, ...rest }: RetryColumns): RetryRow {
  return { ...rest, row: JSON.parse(row) as LedgerRow, dueMs };
}

export function readRetry(sql: Sql, key: string): RetryRow | undefined {
  const row = sql.get<RetryColumns>(`${RETRY} WHERE key = ?`, key);
  return row === undefined ? undefined : toRetry(row);
}

export function saveRetry(sql: Sql, { key, flow, row, record, attempts, dueMs, reason }: RetryRow, atMs: number): void {
  sql.run(
    "INSERT INTO retry (key, flow, row, record, attempts, due_ms, leased_ms, reason, at_ms) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?) ON CONFLICT DO NOTHING",
    key,
    flow,
    JSON.stringify(row),
    record,
    attempts,
    dueMs,
    reason,
    atMs,
  );
}

/** Leases due rows of some flows; see the port. */
export function leaseRetries(
  sql: Sql,
  flows: readonly string[],
  nowMs: number,
  untilMs: number,
  limit: number,
): RetryRow[] {
  const due = `${RETRY} WHERE flow = ? AND due_ms <= ? AND leased_ms <= ? ORDER BY due_ms, key LIMIT ?`;
  const found = flows.flatMap((flow) => sql.all<RetryColumns>(due, flow, nowMs, nowMs, limit));
  const rows = inTurn(found.map(toRetry)).slice(0, limit);
  for (const { key } of rows) sql.run("UPDATE retry SET leased_ms = ? WHERE key = ?", untilMs, key);
  return rows;
}

export function leaseRetry(sql: Sql, key: string, nowMs: number, untilMs: number): RetryRow | undefined {
  const lease = "UPDATE retry SET leased_ms = ?1 WHERE key = ?2 AND leased_ms <= ?3 AND (attempts = 0 OR due_ms <= ?3)";
  return sql.change(lease, untilMs, key, nowMs) === 1 ? readRetry(sql, key) : undefined;
}

export function rescheduleRetry(sql: Sql, key: string, attempts: number, dueMs: number, reason: string): void {
  sql.run(
    "UPDATE retry SET attempts = ?, due_ms = ?, reason = ?, leased_ms = 0 WHERE key = ?",
    attempts,
    dueMs,
    reason,
    key,
  );
}

interface ParkedColumns extends Omit<ParkedRow, "operationKey" | "atMs"> {
  readonly operation_key: string | null;
  readonly at_ms: number;
}

const PARKED_COLUMNS =
  'key, topic, partition, "offset", reason, detail, bytes, operation_key, flow, at_ms, attempts, decided';
const PARKED = `SELECT ${PARKED_COLUMNS} FROM parked`;

function toParked({ operation_key: operationKey, at_ms: atMs, ...rest }: ParkedColumns): ParkedRow {
  return { ...rest, operationKey, atMs };
}

export function parkedRow(sql: Sql, key: string): ParkedRow | undefined {
  const row = sql.get<ParkedColumns>(`${PARKED} WHERE key = ?`, key);
  return row === undefined ? undefined : toParked(row);
}

/** See the port; behind coordinates comes the mark of their log. */
export function parkedNamed(sql: Sql, record: string): ParkedRow[] {
  const rows = sql.all<ParkedColumns>(
    `${PARKED} WHERE key = ? OR (key >= ? AND key < ?) ORDER BY key LIMIT 2`,
    record,
    `${record}@`,
    `${record}@${LAST}`,
  );
  return rows.map(toParked);
}

export function parkedReasons(sql: Sql, operationKeys: readonly string[]) {
  const select = "SELECT reason, detail FROM parked WHERE operation_key = ? LIMIT 1";
  return new Map(
    operationKeys.flatMap((key) => {
      const row = sql.get<Pick<ParkedRow, "reason" | "detail">>(select, key);
      return row === undefined ? [] : [[key, { ...row }] as const];
    }),
  );
}

export function saveParked(sql: Sql, row: ParkedRow): void {
  sql.run(
    'INSERT INTO parked (key, topic, partition, "offset", reason, detail, bytes, operation_key, flow, at_ms, attempts, decided) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    row.key,
    row.topic,
    row.partition,
    row.offset,
    row.reason,
    row.detail,
    row.bytes,
    row.operationKey,
    row.flow,
    row.atMs,
    row.attempts,
    row.decided,
  );
  markDue(sql, row.key);
}

/** A parked record is due while a decision is later than the last one tried; either may be met first. */
function markDue(sql: Sql, key: string): void {
  sql.run(
    "UPDATE parked SET due = EXISTS (SELECT 1 FROM decision WHERE record = parked.key AND version > parked.decided) WHERE key = ?",
    key,
  );
}

export function saveDecision(sql: Sql, { record, version, verdict, value }: DecisionRow): void {
  sql.run(
    "INSERT INTO decision (record, version, verdict, value) VALUES (?, ?, ?, ?) ON CONFLICT (record) DO UPDATE SET " +
      "version = excluded.version, verdict = excluded.verdict, value = excluded.value WHERE excluded.version > decision.version",
    record,
    version,
    verdict,
    value,
  );
  markDue(sql, record);
}

export function dueDecisions(sql: Sql, limit: number): { row: ParkedRow; decision: DecisionRow }[] {
  const due = "FROM parked CROSS JOIN decision ON record = key WHERE due = 1 ORDER BY key LIMIT ?";
  const keys = sql.all<{ key: string }>(`SELECT key ${due}`, limit);
  return sql
    .all<ParkedColumns & DecisionRow>(
      `SELECT ${PARKED_COLUMNS}, record, version, verdict, value ${due}`,
      shownRows(sql, keys, ({ key }) => key, "parked").length,
    )
    .map(({ record, version, verdict, value, ...row }) => ({
      row: toParked(row),
      decision: { record, version, verdict, value },
    }));
}

export function noteReplay(sql: Sql, key: string, version: string, reason: ParkReason, detail: string): void {
  sql.run(
    "UPDATE parked SET decided = ?, attempts = attempts + 1, reason = ?, detail = ? WHERE key = ? AND decided < ?",
    version,
    reason,
    detail,
    key,
    version,
  );
  markDue(sql, key);
}

export function listParked(sql: Sql, filter: ParkedFilter, cursor: string, limit: number): Listed<ParkedRow> {
  const { where, params } = parkedWhere(filter);
  const [atMs, key] = readPlace(cursor, [Number.MAX_SAFE_INTEGER, LAST]);
  const behind = `WHERE (at_ms, key) < (?, ?) AND ${where} ORDER BY at_ms DESC, key DESC LIMIT ?`;
  const keys = sql.all<{ key: string }>(`SELECT key FROM parked ${behind}`, atMs, key, ...params, limit);
  const shown = shownRows(sql, keys, (row) => row.key, "parked").length;
  const rows = sql.all<ParkedColumns>(`${PARKED} ${behind}`, atMs, key, ...params, shown);
  const last = rows.at(-1);
  const isLast = shown === keys.length && shown < limit;
  const next = isLast || last === undefined ? null : JSON.stringify([last.at_ms, last.key]);
  return { rows: rows.map(toParked), next };
}

export function countParked(sql: Sql, filter: ParkedFilter): number {
  const { where, params } = parkedWhere(filter);
  return sql.get<{ n: number }>(`SELECT count(*) AS n FROM parked WHERE ${where}`, ...params)!.n;
}

/** Operations without an outcome by flow, each once; see the port. */
export function parkedCounts(sql: Sql): Map<string, number> {
  const rows = sql.all<{ flow: string; records: number; operations: number }>(
    "SELECT flow, count(*) AS records, count(DISTINCT CASE WHEN NOT EXISTS (SELECT 1 FROM ledger WHERE key = operation_key) " +
      "AND NOT EXISTS (SELECT 1 FROM retry WHERE key = operation_key) THEN coalesce(operation_key, key) END) AS operations " +
      "FROM parked WHERE flow IS NOT NULL GROUP BY flow",
  );
  const counts = new Map(rows.map(({ flow, operations }) => [flow, operations]));
  const others = countParked(sql, {}) - rows.reduce((sum, { operations }) => sum + operations, 0);
  return others === 0 ? counts : counts.set("", others);
}

function parkedWhere({ flow, topic, reason, tenant }: ParkedFilter): { where: string; params: SqlValue[] } {
  const parts: [string, SqlValue[]][] = [["1 = 1", []]];
  if (flow !== undefined) parts.push(["flow = ?", [flow]]);
  if (topic !== undefined) parts.push(["topic = ?", [topic]]);
  if (reason !== undefined) parts.push(["reason = ?", [reason]]);
  if (tenant !== undefined) {
    const prefix = `${encodeURIComponent(tenant)}/`;
    parts.push(["substr(operation_key, 1, ?) = ?", [prefix.length, prefix]]);
  }
  return { where: parts.map(([text]) => text).join(" AND "), params: parts.flatMap(([, values]) => values) };
}

/** Purges ledger rows and kept answers; see the port. */
export function purgeLedger(sql: Sql, limits: PurgeLimits, rowsMax: number, nowMs: number) {
  const oldest = sql.get<{ at: number | null }>(
    "SELECT min(at) AS at FROM (SELECT min(at_ms) AS at FROM outbox UNION ALL SELECT min(at_ms) FROM retry UNION ALL SELECT min(at_ms) FROM parked)",
  )!.at;
  const ledger = sql.change(
    "DELETE FROM ledger WHERE key IN (SELECT key FROM ledger WHERE at_ms < ? AND flow || '.' || type NOT IN (SELECT value FROM json_each(?)) ORDER BY at_ms LIMIT ?)",
    Math.min(limits.ledgerBeforeMs, oldest ?? Number.MAX_SAFE_INTEGER),
    JSON.stringify(limits.keepTypes),
    rowsMax,
  );
  const answers = sql.change(
    "DELETE FROM query_answer WHERE key IN (SELECT key FROM query_answer WHERE expires_ms <= ? LIMIT ?)",
    nowMs,
    rowsMax,
  );
  return { ledger, answers };
}

/** Notes that a consumer lives; see the port. */
export function announce(
  sql: Sql,
  { name, flows }: Omit<ConsumerRow, "untilMs">,
  keepMs: number,
  nowMs: number,
): ConsumerRow[] {
  sql.run("DELETE FROM consumer WHERE until_ms <= ? OR name = ?", nowMs, name);
  if (keepMs > 0) {
    const values = "INSERT INTO consumer (name, flows, until_ms) VALUES (?, ?, ?)";
    sql.run(values, name, JSON.stringify(flows), nowMs + keepMs);
  }
  return sql
    .all<{ name: string; flows: string; untilMs: number }>(
      "SELECT name, flows, until_ms AS untilMs FROM consumer ORDER BY name",
    )
    .map((row) => ({ ...row, flows: JSON.parse(row.flows) }));
}
