// What the service reads outside `transact`.
import type { Edge, StoredEntity } from "../../domain/projection.ts";
import { decodeState } from "../../domain/state.ts";
import type { Database, DumpEntity, OutboxRow, Page, ParkedRow, PositionRow, SweepRow } from "../../ports/database.ts";
import type { Sql, SqlValue } from "../../sql/sql.ts";
import { readEntity, readLedger } from "./sqlite-transact.ts";

type Using = <Result>(work: (sql: Sql) => Result) => Promise<Result>;

type Reads = Omit<Database, "transact" | "reserveKeys" | "markQueued" | "settleOutbox" | "nowMs" | "close">;

const FATAL_MAX = 10;

export function sqliteReads(using: Using): Reads {
  return {
    positions: (keys) =>
      using((sql) => readPositions(sql, "WHERE key IN (SELECT value FROM json_each(?))", JSON.stringify(keys))),
    allPositions: () => using((sql) => readPositions(sql, "ORDER BY key")),
    dueOutbox: (nowMs, limit) => using((sql) => dueOutbox(sql, nowMs, limit)),
    dueSweeps: (limit) =>
      using((sql) => sql.all<SweepRow>("SELECT key, cursor, revision FROM sweep ORDER BY key LIMIT ?", limit)),
    referrers: (target, cursor, limit) => using((sql) => referrers(sql, target, cursor, limit)),
    members: (target, field, cursor, limit) => using((sql) => members(sql, target, field, cursor, limit)),
    backlog: () => using(readBacklog),
    ledgerRows: (keys) =>
      using((sql) => new Map(keys.flatMap((key) => readLedger(sql, key) ?? []).map((row) => [row.key, row]))),
    parkedByOperation: (operationKey) => using((sql) => parkedByOperation(sql, operationKey)),
    parkedCounts: () =>
      using((sql) => {
        const rows = sql.all<{ flow: string | null; n: number }>(
          "SELECT flow, count(*) AS n FROM parked GROUP BY flow",
        );
        return new Map(rows.map(({ flow, n }) => [flow ?? "", n]));
      }),
    entities: (keys) => using((sql) => new Map<string, StoredEntity>(keys.map((key) => [key, readEntity(sql, key)]))),
    dumpEntities: (after, limit) => using((sql) => dumpEntities(sql, after, limit)),
    dumpEdges: (after, limit) => using((sql) => dumpEdges(sql, after, limit)),
  };
}

function readPositions(sql: Sql, where: string, ...params: SqlValue[]): PositionRow[] {
  return sql
    .all<{ key: string; next: number; counts: string }>(`SELECT key, next, counts FROM position ${where}`, ...params)
    .map(({ key, next, counts }) => ({ key, next, counts: JSON.parse(counts) }));
}

function dueOutbox(sql: Sql, nowMs: number, limit: number): OutboxRow[] {
  return sql
    .all<{
      key: string;
      topic: string;
      partition_key: string;
      record: string;
      reason: string;
      fatal: number;
      attempts: number;
      due_ms: number;
    }>(
      "SELECT key, topic, partition_key, record, reason, fatal, attempts, due_ms FROM outbox WHERE due_ms <= ? ORDER BY due_ms, key LIMIT ?",
      nowMs,
      limit,
    )
    .map(({ partition_key: partitionKey, due_ms: dueMs, fatal, ...row }) => ({
      ...row,
      partitionKey,
      dueMs,
      fatal: fatal === 1,
    }));
}

/** Cursors are the columns of the index, so that a page costs what it returns. */
function referrers(sql: Sql, target: string, cursor: string, limit: number): Page {
  const [field, sort, source] = cursor === "" ? ["", "", ""] : (JSON.parse(cursor) as [string, string, string]);
  const rows = sql.all<Pick<Edge, "field" | "sort" | "source">>(
    "SELECT field, sort, source FROM edge WHERE target = ? AND (field, sort, source) > (?, ?, ?) ORDER BY field, sort, source LIMIT ?",
    target,
    field,
    sort,
    source,
    limit,
  );
  return pageOf(rows, limit, (last) => [last.field, last.sort, last.source]);
}

function members(sql: Sql, target: string, field: string, cursor: string, limit: number): Page {
  const [sort, source] = cursor === "" ? ["", ""] : (JSON.parse(cursor) as [string, string]);
  const rows = sql.all<Pick<Edge, "sort" | "source">>(
    "SELECT sort, source FROM edge WHERE target = ? AND field = ? AND (sort, source) > (?, ?) AND live = 1 ORDER BY sort, source LIMIT ?",
    target,
    field,
    sort,
    source,
    limit,
  );
  return pageOf(rows, limit, (last) => [last.sort, last.source]);
}

function pageOf<Row extends { source: string }>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (last: Row) => string[],
): Page {
  const sources = rows.map(({ source }) => source);
  return { sources, next: rows.length < limit ? null : JSON.stringify(cursorOf(rows.at(-1)!)) };
}

function readBacklog(sql: Sql) {
  const count = (query: string): number => sql.get<{ n: number }>(query)!.n;
  return {
    outbox: count("SELECT count(*) AS n FROM outbox"),
    fatal: sql
      .all<{ reason: string }>("SELECT DISTINCT reason FROM outbox WHERE fatal = 1 LIMIT ?", FATAL_MAX)
      .map(({ reason }) => reason),
    oldestOutboxMs: sql.get<{ at: number | null }>("SELECT min(at_ms) AS at FROM outbox")!.at,
    sweeps: count("SELECT count(*) AS n FROM sweep"),
    parked: count("SELECT count(*) AS n FROM parked"),
    unseen: count("SELECT count(*) AS n FROM entity WHERE unseen = 1"),
  };
}

function parkedByOperation(sql: Sql, operationKey: string): ParkedRow | undefined {
  const row = sql.get<Omit<ParkedRow, "operationKey" | "atMs"> & { operation_key: string; at_ms: number }>(
    'SELECT key, topic, partition, "offset", reason, detail, bytes, operation_key, flow, at_ms FROM parked WHERE operation_key = ? LIMIT 1',
    operationKey,
  );
  if (row === undefined) return undefined;
  const { operation_key, at_ms: atMs, ...rest } = row;
  return { ...rest, operationKey: operation_key, atMs };
}

function dumpEntities(sql: Sql, after: string, limit: number): DumpEntity[] {
  return sql
    .all<{ key: string; state: string; hidden: number; visible: number; touched: number }>(
      "SELECT key, state, hidden, visible, EXISTS (SELECT 1 FROM edge WHERE target = entity.key AND live = 1) AS touched " +
        "FROM entity WHERE key > ? ORDER BY key LIMIT ?",
      after,
      limit,
    )
    .map(({ key, state, hidden, visible, touched }) => ({
      key,
      state: decodeState(state),
      hidden: hidden === 1,
      visible: visible === 1,
      touched: touched === 1,
      existing: true,
    }));
}

function dumpEdges(sql: Sql, { source, field }: Pick<Edge, "source" | "field">, limit: number): Edge[] {
  return sql
    .all<Omit<Edge, "live"> & { live: number }>(
      "SELECT source, field, target, live, sort FROM edge WHERE (source, field) > (?, ?) ORDER BY source, field LIMIT ?",
      source,
      field,
      limit,
    )
    .map((edge) => ({ ...edge, live: edge.live === 1 }));
}
