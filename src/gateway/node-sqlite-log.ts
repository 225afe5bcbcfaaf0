// Opens a log in a SQLite file.
import { openFileSql, readMigrations } from "../sql/file.ts";
import type { SqlOptions } from "../sql/tuning.ts";
import type { Log } from "./log.ts";
import { type SqliteLogOptions, sqliteLog } from "./sqlite-log.ts";

/** A log is written at its end and mostly read there: few pages are ever needed again. */
const CACHE_KIB = 4 * 1024;

/** Opens or makes the log at `path` (or `:memory:`). Throws SchemaError when the file belongs to something else. */
export function openSqliteLog(path: string, options: SqliteLogOptions & Partial<SqlOptions> = {}): Log {
  const sql = openFileSql(path, { synchronous: options.synchronous ?? "normal", cacheKib: CACHE_KIB });
  try {
    return sqliteLog(sql, readMigrations(new URL("./migrations/", import.meta.url)), { name: path, ...options });
  } catch (error) {
    sql.close();
    throw error;
  }
}
