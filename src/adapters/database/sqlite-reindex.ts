// Entries of the search index that an older release wrote otherwise: made anew from what is stored, when a database is
// opened.
import { parseEntityKey } from "../../domain/key.ts";
import type { GraphModel } from "../../domain/model.ts";
import { indexEntry } from "../../domain/query.ts";
import type { Sql } from "../../sql/sql.ts";
import { readEntity } from "./sqlite-rows.ts";
import { saveText } from "./sqlite-search.ts";

/** Entries of a transaction: other processes write in between, and one that is killed goes on where it was. */
const PASS = 500;

/** Works off a list that is empty but after an upgrade, in so many passes at most; answers whether anything is left. */
export function reindex(sql: Sql, model: GraphModel, passesMax: number): boolean {
  for (let i = 0; isAnyLeft(sql); i++) {
    if (i === passesMax) return true;
    sql.transaction(() => reindexSome(sql, model));
  }
  return false;
}

function isAnyLeft(sql: Sql): boolean {
  return sql.get("SELECT 1 FROM reindex LIMIT 1") !== undefined;
}

function reindexSome(sql: Sql, model: GraphModel): void {
  const rows = sql.all<{ id: number; key: string | null }>(
    "SELECT reindex.id AS id, search.key AS key FROM reindex LEFT JOIN search ON search.id = reindex.id LIMIT ?",
    PASS,
  );
  for (const { id, key } of rows) {
    const search = key === null ? undefined : model.get(parseEntityKey(key).kind)?.search;
    if (key !== null && search !== undefined) saveText(sql, id, indexEntry(search, readEntity(sql, key).state));
    sql.run("DELETE FROM reindex WHERE id = ?", id);
  }
}
