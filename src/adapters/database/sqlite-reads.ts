// What the service reads outside `transact`.

import { positionPrefixes } from "../../domain/accounting.ts";
import type { LedgerRow } from "../../domain/outcome.ts";
import type { Edge, StoredEntity } from "../../domain/projection.ts";
import { decodeState } from "../../domain/state.ts";
import type {
  Agenda,
  Database,
  DumpEntity,
  Listed,
  MembersQuery,
  OutboxRow,
  Page,
  PositionRow,
  SweepRow,
} from "../../ports/database.ts";
import { LAST, type Sql, type SqlValue } from "../../sql/sql.ts";
import { readPlace, tenantCursor } from "./place.ts";
import { LEDGER, type LedgerColumns, readEntity, readLedger, shownRows, toCounts, toLedger } from "./sqlite-rows.ts";
import { search } from "./sqlite-search.ts";
import {
  countParked,
  dueDecisions,
  listParked,
  parkedCounts,
  parkedNamed,
  parkedReasons,
  readRetry,
} from "./sqlite-tasks.ts";

type Using = <Result>(work: (sql: Sql) => Result) => Promise<Result>;

type Reads = Omit<
  Database,
  | "transact"
  | "reserveKeys"
  | "releaseKeys"
  | "settleOutbox"
  | "leaseRetries"
  | "leaseRetry"
  | "rescheduleRetry"
  | "announce"
  | "noteReplay"
  | "queryAnswer"
  | "purge"
  | "nowMs"
  | "close"
>;

const FATAL_MAX = 10;

export function sqliteReads(using: Using, nowMs: (sql: Sql) => number): Reads {
  return {
    positions: (keys) =>
      using((sql) => readPositions(sql, "WHERE key IN (SELECT value FROM json_each(?))", JSON.stringify(keys))),
    agenda: (cluster, flows, now) => using((sql) => readAgenda(sql, nowMs(sql), cluster, flows, now)),
    allPositions: () => using((sql) => readPositions(sql, "ORDER BY key")),
    dueOutbox: (nowMs, limit, bytesMax) => using((sql) => dueOutbox(sql, nowMs, limit, bytesMax)),
    dueSweeps: (limit) =>
      using((sql) => sql.all<SweepRow>("SELECT key, cursor, revision FROM sweep ORDER BY key LIMIT ?", limit)),
    referrers: (target, cursor, limit) => using((sql) => referrers(sql, target, cursor, limit)),
    members: (query) => using((sql) => members(sql, query)),
    edgesAt: (key, limit) => using((sql) => edgesAt(sql, key, limit)),
    search: (query, cursor, limit) => using((sql) => search(sql, query, cursor, limit)),
    listLedger: (filter, cursor, limit) => using((sql) => listLedger(sql, filter, cursor, limit)),
    ledgerAfter: (tenant, cursor, limit) => using((sql) => ledgerAfter(sql, tenant, cursor, limit, nowMs(sql))),
    parkedNamed: (record) => using((sql) => parkedNamed(sql, record)),
    listParked: (filter, cursor, limit) => using((sql) => listParked(sql, filter, cursor, limit)),
    countParked: (filter) => using((sql) => countParked(sql, filter)),
    dueDecisions: (limit) => using((sql) => dueDecisions(sql, limit)),
    retryRows: (keys) =>
      using((sql) => new Map(keys.flatMap((key) => readRetry(sql, key) ?? []).map((row) => [row.key, row]))),
    backlog: () => using(readBacklog),
    ledgerRows: (keys) =>
      using((sql) => new Map(keys.flatMap((key) => readLedger(sql, key) ?? []).map((row) => [row.key, row]))),
    parkedReasons: (operationKeys) => using((sql) => parkedReasons(sql, operationKeys)),
    parkedCounts: () => using(parkedCounts),
    entities: (keys) => using((sql) => new Map<string, StoredEntity>(keys.map((key) => [key, readEntity(sql, key)]))),
    dumpEntities: (after, limit) => using((sql) => dumpEntities(sql, after, limit)),
    dumpEdges: (after, limit) => using((sql) => dumpEdges(sql, after, limit)),
  };
}

function readPositions(sql: Sql, where: string, ...params: SqlValue[]): PositionRow[] {
  return sql
    .all<{ key: string; next: number; counts: string }>(`SELECT key, next, counts FROM position ${where}`, ...params)
    .map(({ key, next, counts }) => ({ key, next, counts: toCounts(counts) }));
}

function readAgenda(sql: Sql, nowMs: number, cluster: string, flows: readonly string[], now: number): Agenda {
  const found = sql.get<{ [name: string]: number }>(
    "SELECT EXISTS (SELECT 1 FROM outbox) AS outbox, EXISTS (SELECT 1 FROM outbox WHERE due_ms <= ?1) AS due, EXISTS (SELECT 1 FROM sweep) AS sweeps, " +
      "EXISTS (SELECT 1 FROM parked WHERE due = 1) AS decisions, EXISTS (SELECT 1 FROM retry WHERE due_ms <= ?1 AND leased_ms <= ?1 AND flow IN (SELECT value FROM json_each(?2))) AS retries",
    now,
    JSON.stringify(flows),
  )!;
  const [log, reset] = positionPrefixes(cluster);
  const under = "WHERE (key > ? AND key < ?) OR (key > ? AND key < ?)";
  return {
    nowMs,
    outbox: found.outbox === 1,
    dueOutbox: found.due === 1,
    sweeps: found.sweeps === 1,
    decisions: found.decisions === 1,
    retries: found.retries === 1,
    positions: readPositions(sql, under, log, log + LAST, reset, reset + LAST),
  };
}

function dueOutbox(sql: Sql, nowMs: number, limit: number, bytesMax: number): OutboxRow[] {
  const due = "SELECT * FROM outbox WHERE due_ms <= ? ORDER BY due_ms, key LIMIT ?";
  const bytesBefore = "sum(length(record)) OVER (ORDER BY due_ms, key) - length(record)";
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
      `SELECT key, topic, partition_key, record, reason, fatal, attempts, due_ms FROM (SELECT *, ${bytesBefore} AS bytes_before FROM (${due})) WHERE bytes_before < ? ORDER BY due_ms, key`,
      nowMs,
      limit,
      bytesMax,
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

function members(sql: Sql, { target, kind, field, cursor, limit, newestFirst }: MembersQuery): Page {
  const start: [string, string] = newestFirst ? [LAST, LAST] : ["", ""];
  const [sort, source] = readPlace(cursor, start);
  const [side, order] = newestFirst ? ["<", "DESC"] : [">", "ASC"];
  const prefix = `${target.slice(0, target.indexOf("/"))}/${kind}/`;
  const rows = sql.all<Pick<Edge, "sort" | "source">>(
    `SELECT sort, source FROM edge WHERE target = ? AND field = ? AND (sort, source) ${side} (?, ?) AND live = 1 AND substr(source, 1, ?) = ? ORDER BY sort ${order}, source ${order} LIMIT ?`,
    target,
    field,
    sort,
    source,
    prefix.length,
    prefix,
    limit,
  );
  const shown = shownRows(sql, rows, ({ source: key }) => key);
  return pageOf(shown, shown.length < rows.length ? shown.length : limit, (last) => [last.sort, last.source]);
}

/** Each side by its own index, as far as it goes: an entity may have a million edges. */
function edgesAt(sql: Sql, key: string, limit: number): Edge[] {
  const side = (column: string, order: string): string =>
    `SELECT * FROM (SELECT source, field, target, live, sort FROM edge WHERE ${column} = ?1 AND live = 1 ORDER BY ${order} LIMIT ?2)`;
  return sql
    .all<Omit<Edge, "live"> & { live: number }>(
      `${side("source", "field")} UNION ALL ${side("target", "field, sort, source")} LIMIT ?2`,
      key,
      limit,
    )
    .map((edge) => ({ ...edge, live: edge.live === 1 }));
}

/** What began longer ago is committed, and nothing earlier can follow. */
const SETTLED_MS = 100;

function ledgerAfter(sql: Sql, tenant: string, cursor: string, limit: number, nowMs: number) {
  const [atMs, key] = readPlace(cursor, [0, ""]);
  const rows = sql.all<LedgerColumns>(
    `${LEDGER} WHERE (at_ms, key) > (?, ?) AND at_ms < ? ORDER BY at_ms, key LIMIT ?`,
    atMs,
    key,
    nowMs - SETTLED_MS,
    limit,
  );
  const last = rows.at(-1);
  const prefix = `${encodeURIComponent(tenant)}/`;
  return {
    rows: rows.filter((row) => row.key.startsWith(prefix)).map(toLedger),
    next: last === undefined ? JSON.stringify([atMs, key]) : tenantCursor(prefix, [last.at_ms, last.key], "ascending"),
    more: rows.length === limit,
  };
}

/** Rows that a filtered page looks at. */
const LOOKED_AT_MAX = 10_000;

function listLedger(
  sql: Sql,
  { tenant, flow, outcome }: { tenant?: string; flow?: string; outcome?: string },
  cursor: string,
  limit: number,
): Listed<LedgerRow> {
  const start = readPlace(cursor, [Number.MAX_SAFE_INTEGER, LAST]);
  const looked = `${LEDGER} WHERE (at_ms, key) < (?, ?) ORDER BY at_ms DESC, key DESC LIMIT ${LOOKED_AT_MAX}`;
  const prefix = tenant === undefined ? "" : `${encodeURIComponent(tenant)}/`;
  const rows = sql.all<LedgerColumns>(
    `SELECT * FROM (${looked}) WHERE substr(key, 1, ?) = ? AND (?5 IS NULL OR flow = ?5) AND (?6 IS NULL OR outcome ->> 'outcome' = ?6) LIMIT ?7`,
    ...start,
    prefix.length,
    prefix,
    flow ?? null,
    outcome ?? null,
    limit,
  );
  const last =
    rows.length === limit
      ? rows.at(-1)
      : sql.get<{ at_ms: number; key: string }>(
          `SELECT at_ms, key FROM ledger WHERE (at_ms, key) < (?, ?) ORDER BY at_ms DESC, key DESC LIMIT 1 OFFSET ${LOOKED_AT_MAX - 1}`,
          ...start,
        );
  const next = last === undefined ? null : tenantCursor(prefix, [last.at_ms, last.key], "descending");
  return { rows: rows.map(toLedger), next };
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
    retries: count("SELECT count(*) AS n FROM retry"),
    oldestRetryMs: sql.get<{ at: number | null }>("SELECT min(at_ms) AS at FROM retry")!.at,
    unseen: count("SELECT count(*) AS n FROM entity WHERE unseen = 1"),
  };
}

function dumpEntities(sql: Sql, after: string, limit: number): DumpEntity[] {
  const keys = sql.all<{ key: string }>("SELECT key FROM entity WHERE key > ? ORDER BY key LIMIT ?", after, limit);
  return sql
    .all<{ key: string; state: string; hidden: number; visible: number; touched: number }>(
      "SELECT key, state, hidden, visible, EXISTS (SELECT 1 FROM edge WHERE target = entity.key AND live = 1) AS touched " +
        "FROM entity WHERE key > ? ORDER BY key LIMIT ?",
      after,
      shownRows(sql, keys, ({ key }) => key).length,
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
