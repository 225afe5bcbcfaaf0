// Opens a log in a SQLite file where node:sqlite exists (Node and Deno).
import { openNodeSql, readMigrations, type SqlOptions } from "../sql/node.ts";
import type { Log } from "./log.ts";
import { type SqliteLogOptions, sqliteLog } from "./sqlite-log.ts";

/** A log is written at its end and mostly read there: few pages are ever needed again. */
const CACHE_KIB = 4 * 1024;

/** Opens or makes the log at `path` (or `:memory:`). Throws SchemaError when the file belongs to something else. */
export function openSqliteLog(path: string, options: SqliteLogOptions & Partial<SqlOptions> = {}): Log {
  const sql = openNodeSql(path, { synchronous: options.synchronous ?? "normal", cacheKib: CACHE_KIB });
  try {
    return sqliteLog(sql, readMigrations(new URL("./migrations/", import.meta.url)), { name: path, ...options });
  } catch (error) {
    sql.close();
    throw error;
  }
}
