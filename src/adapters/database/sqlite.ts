// Graph and ledger on SQLite: one writer at a time, so every transaction is locked from its first statement
// (core-proof b3). Reads see the last commit.
import { AppError } from "../../domain/errors.ts";
import type { GraphModel } from "../../domain/model.ts";
import type { Database } from "../../ports/database.ts";
import {
  assertNewest,
  isSqlError,
  isUnstorable,
  type Migration,
  migrate,
  SchemaError,
  type Sql,
} from "../../sql/sql.ts";
import { purgeKeys, releaseKeys, reserveKeys } from "./sqlite-keys.ts";
import { sqliteReads } from "./sqlite-reads.ts";
import { reindex } from "./sqlite-reindex.ts";
import { readAnswer } from "./sqlite-search.ts";
import { announce, leaseRetries, leaseRetry, noteReplay, purgeLedger, rescheduleRetry } from "./sqlite-tasks.ts";
import { sqliteTransact } from "./sqlite-transact.ts";

/** Marks our files: "TdGr". */
const APPLICATION_ID = 0x54644772;

/**
 * Passes over what an upgrade leaves to be indexed anew before the file is used, enough for most; the rest goes along with
 * later uses, because a Durable Object has half a minute for a request and what it wrote by then is gone when that is over.
 */
const PASSES_AT_OPEN = 400;

export interface SqliteOptions {
  /** Opens the file; called on first use and again after a failure. */
  readonly open: () => Sql;
  readonly migrations: readonly Migration[];
  readonly model: GraphModel;
  /** For messages. */
  readonly name: string;
  /**
   * Opens another file of the same schema for idempotency keys. Keys are reserved before any attempt and never in the
   * transaction of an effect, so in a file of their own they do not wait for the consumer's transactions.
   */
  readonly openKeys?: () => Sql;
  /** The file is only looked at: nothing is migrated or set in it, a write fails, and an older schema is a SchemaError. */
  readonly looksOnly?: boolean;
  /** The database's clock, milliseconds; SQLite's own unless a test says otherwise. */
  readonly nowMs?: (sql: Sql) => number;
}

/**
 * The database port over SQLite. Throws SchemaError, also on first use, for a file that is not ours or newer, and the
 * engine's own error for what it can never store; every other failure is AppError `graph_unavailable`. What failed was
 * rolled back.
 */
export function sqliteDatabase({
  open,
  openKeys,
  migrations,
  model,
  name,
  looksOnly = false,
  nowMs = readClock,
}: SqliteOptions): Database {
  const start = (sql: Sql, file: string): boolean => {
    if (looksOnly) {
      sql.script("PRAGMA query_only = 1");
      assertNewest(sql, file, APPLICATION_ID, migrations.length);
      return false;
    }
    migrate(sql, file, APPLICATION_ID, migrations);
    return reindex(sql, model, PASSES_AT_OPEN);
  };
  const graph = connection(open, name, start, model);
  const keys = openKeys === undefined ? graph : connection(openKeys, `${name} (keys)`, start, model);
  const { using } = graph;
  return {
    transact: (request, decide) => using((sql) => sqliteTransact(sql, nowMs, request, decide)),
    reserveKeys: (rows) => keys.using((sql) => sql.transaction(() => reserveKeys(sql, rows, nowMs(sql)))),
    releaseKeys: (rows) => keys.using((sql) => sql.transaction(() => releaseKeys(sql, rows))),
    settleOutbox: (done, later) =>
      using((sql) =>
        sql.transaction(() => {
          for (const key of done) sql.run("DELETE FROM outbox WHERE key = ?", key);
          for (const { key, reason, fatal, attempts, dueMs } of later) {
            sql.run(
              "UPDATE outbox SET reason = ?, fatal = ?, attempts = ?, due_ms = ? WHERE key = ?",
              reason,
              Number(fatal),
              attempts,
              dueMs,
              key,
            );
          }
        }),
      ),
    leaseRetries: (flows, now, untilMs, limit) =>
      using((sql) => sql.transaction(() => leaseRetries(sql, flows, now, untilMs, limit))),
    leaseRetry: (key, now, untilMs) => using((sql) => sql.transaction(() => leaseRetry(sql, key, now, untilMs))),
    rescheduleRetry: (key, attempts, dueMs, reason) =>
      using((sql) => rescheduleRetry(sql, key, attempts, dueMs, reason)),
    noteReplay: (key, version, reason, detail) =>
      using((sql) => sql.transaction(() => noteReplay(sql, key, version, reason, detail))),
    announce: (consumer, keepMs) => using((sql) => sql.transaction(() => announce(sql, consumer, keepMs, nowMs(sql)))),
    queryAnswer: (key) => using((sql) => readAnswer(sql, key, nowMs(sql))),
    async purge(limits, rowsMax) {
      const gone = await using((sql) => sql.transaction(() => purgeLedger(sql, limits, rowsMax, nowMs(sql))));
      return { ...gone, keys: await keys.using((sql) => purgeKeys(sql, limits.keysBeforeMs, rowsMax)) };
    },
    nowMs: () => using(nowMs),
    async close() {
      graph.close();
      keys.close();
    },
    ...sqliteReads(using, nowMs),
  };
}

/** A file that is opened on first use, and again after it could not be; `start` answers whether reindexing is to go on. */
function connection(open: () => Sql, name: string, start: (sql: Sql, name: string) => boolean, model: GraphModel) {
  let opened: Sql | undefined;
  let isBehind = false;
  const connect = (): Sql => {
    if (opened !== undefined) {
      if (isBehind) isBehind = reindex(opened, model, 1);
      return opened;
    }
    const sql = open();
    try {
      isBehind = start(sql, name);
    } catch (error) {
      sql.close();
      throw error;
    }
    opened = sql;
    return sql;
  };
  return {
    async using<Result>(work: (sql: Sql) => Result): Promise<Result> {
      try {
        return work(connect());
      } catch (error) {
        if (error instanceof SchemaError || error instanceof AppError) throw error;
        // What can never be stored is the fault of one operation, which ticks then find by halving.
        if (!isSqlError(error) || isUnstorable(error)) throw error;
        throw new AppError("graph_unavailable", `Cannot use the database ${name}: ${error.message}`, { cause: error });
      }
    },
    close(): void {
      opened?.close();
      opened = undefined;
    },
  };
}

function readClock(sql: Sql): number {
  return sql.get<{ now: number }>("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now")!.now;
}
