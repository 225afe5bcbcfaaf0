// The SQL seam over node:sqlite (Node and Deno).
import { readdirSync, readFileSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Migration, SchemaError, type Sql, type SqlValue } from "./sql.ts";

/** How an embedded file is opened. */
export interface SqlOptions {
  /** `normal` survives a crash of the process, `full` also a power cut, at the price of a disk flush per commit. */
  readonly synchronous: "normal" | "full";
  /** Memory for pages of the file; 16 MiB unless said otherwise. */
  readonly cacheKib?: number;
}

/** How long a statement waits for another process's lock. */
const BUSY_TIMEOUT_MS = 5_000;
const CACHE_KIB = 16 * 1024;
/**
 * Pages (4 KiB) the write-ahead log may hold before a writer folds it into the file itself. Where a background thread
 * does that all the time, writers hardly ever get there.
 */
const CHECKPOINT_PAGES = 32_000;
/** Size a write-ahead log is cut back to once it has been folded in. */
const WAL_BYTES_KEPT = 16 * 1_048_576;
/** SQLite's code for a file that is no database. */
const SQLITE_NOTADB = 26;

/** Opens a file, or `:memory:`. Throws SchemaError for a file that is no SQLite database. */
export function openNodeSql(path: string, options: SqlOptions = { synchronous: "normal" }): Sql {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  try {
    database.exec("SELECT count(*) FROM sqlite_schema");
  } catch (error) {
    database.close();
    const isNone = error instanceof Error && "errcode" in error && error.errcode === SQLITE_NOTADB;
    throw isNone ? new SchemaError(`Cannot open ${path}: it is not a SQLite file; choose another DATA_DIR`) : error;
  }
  return {
    all: <Row>(sql: string, ...params: SqlValue[]) => prepare(sql).all(...params) as Row[],
    get: <Row>(sql: string, ...params: SqlValue[]) => prepare(sql).get(...params) as Row | undefined,
    run: (sql, ...params) => Number(prepare(sql).run(...params).changes),
    script: (sql) => database.exec(sql),
    tune() {
      database.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${options.synchronous};
        PRAGMA cache_size = -${options.cacheKib ?? CACHE_KIB};
        PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${WAL_BYTES_KEPT};`,
      );
    },
    transaction(work) {
      database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
    },
    close() {
      statements.clear();
      database.close();
    },
  };
}

/** Reads the numbered `.sql` files of a folder, in order. */
export function readMigrations(folder: URL): Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name, index) => {
      if (Number.parseInt(name, 10) !== index + 1)
        throw new Error(`Cannot use migration ${name}: expected number ${index + 1}`);
      return { version: index + 1, sql: readFileSync(new URL(name, folder), "utf8") };
    });
}
