// Where six processes meet: one database, opened by each of them, and what a look from outside tells of it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../../src/ports/database.ts";
import type { Core } from "../property/core.ts";
import { naiveSql } from "./naive-sql.ts";

/** `naive` loads without a lock and compares nothing: the control. */
export type Mode = "locked" | "naive";

/** A move of a position, in the order of the moves of its key. */
export interface Move {
  readonly key: string;
  readonly was: number;
  readonly now: number;
}

/** What is told beside the port. */
export interface Seen {
  /** Operations with an outcome, by their entity. */
  effects(): Promise<ReadonlyMap<string, number>>;
  moves(): Promise<readonly Move[]>;
}

export interface Place extends Seen {
  readonly database: Database;
  /** How other processes find it: an argument of {@link openPlace}. */
  readonly name: string;
  /** Removes it. */
  close(): Promise<void>;
}

/** Opens a place by its name, as one of the processes. */
export async function openPlace(core: Core, name: string, mode: Mode): Promise<Database> {
  if (name.startsWith("neo4j:")) {
    const { joinNeo4j } = await import("../e2e/neo4j-place.ts");
    return joinNeo4j(name, mode);
  }
  const open = () => {
    const sql = core.sql.openFileSql(name);
    return mode === "naive" ? naiveSql(sql) : sql;
  };
  return core.sqlite.sqliteDatabase({ open, migrations: core.migrations, model: core.flows.model, name });
}

/** Notes each move of a position as the database sees it, whoever made it. */
const WITNESS = `
  CREATE TABLE witness (number INTEGER PRIMARY KEY, key TEXT NOT NULL, was INTEGER NOT NULL, now INTEGER NOT NULL) STRICT;
  CREATE TRIGGER position_made AFTER INSERT ON position
    BEGIN INSERT INTO witness (key, was, now) VALUES (new.key, 0, new.next); END;
  CREATE TRIGGER position_moved AFTER UPDATE ON position
    BEGIN INSERT INTO witness (key, was, now) VALUES (new.key, old.next, new.next); END;
`;

/** A new SQLite file. */
export async function sqlitePlace(core: Core): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-concurrency-"));
  const name = join(folder, "graph.db");
  const sql = core.sql.openFileSql(name);
  const database = core.sqlite.sqliteDatabase({
    open: () => sql,
    migrations: core.migrations,
    model: core.flows.model,
    name,
  });
  await database.nowMs();
  sql.script(WITNESS);
  return {
    name,
    database,
    effects: async () =>
      new Map(
        sql
          .all<{ entity: string; n: number }>("SELECT entity, count(*) AS n FROM ledger GROUP BY entity")
          .map(({ entity, n }) => [entity, n]),
      ),
    moves: async () => sql.all<Move>("SELECT key, was, now FROM witness ORDER BY number"),
    async close() {
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
