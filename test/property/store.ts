// Where a world keeps its graph and its books, and what properties look at beside the port.
import type { Database } from "../../src/ports/database.ts";
import type { Sql } from "../../src/sql/sql.ts";
import type { Core } from "./core.ts";

/** An empty database of its own. */
export interface Store {
  readonly database: Database;
  /** Removes every outcome, as if all of them had been purged. */
  forgetLedger(): Promise<void>;
  ledger(): Promise<readonly { readonly key: string; readonly type: string; readonly outcome: string }[]>;
  /** Keys of the questions whose answers are kept. */
  answers(): Promise<readonly string[]>;
  /** Gives the database back; what it held is gone. */
  release(): Promise<void>;
}

/** Opens a store whose clock is the test's. */
export type OpenStore = (core: Core, nowMs: () => number) => Store;

/** SQLite in memory, of which a run has a few that it uses again and again. */
export const sqliteStore: OpenStore = (core, nowMs) => {
  const sql = core.idle.pop() ?? core.sql.openFileSql(":memory:");
  const name = "the property's database";
  const { empty, ...books } = sqliteBooks(sql);
  return {
    database: core.sqlite.sqliteDatabase({
      open: () => sql,
      migrations: core.migrations,
      model: core.flows.model,
      name,
      nowMs,
    }),
    ...books,
    async release() {
      await empty();
      core.idle.push(sql);
    },
  };
};

/** A store's looks beside the port, in SQLite; `empty` removes every row. */
export function sqliteBooks(sql: Sql) {
  return {
    async forgetLedger() {
      sql.run("DELETE FROM ledger");
    },
    async ledger() {
      return sql
        .all<{ key: string; type: string; outcome: string }>("SELECT key, type, outcome FROM ledger")
        .map((row) => ({ ...row, outcome: (JSON.parse(row.outcome) as { outcome: string }).outcome }));
    },
    answers: async () => sql.all<{ key: string }>("SELECT key FROM query_answer").map(({ key }) => key),
    async empty() {
      for (const table of tablesOf(sql)) sql.run(`DELETE FROM ${table}`);
    },
  };
}

function tablesOf(sql: Sql): string[] {
  return sql
    .all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'search_text_%'")
    .map(({ name }) => name);
}
