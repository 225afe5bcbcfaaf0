// The SQL seam over bun:sqlite.
import { Database, type Statement } from "bun:sqlite";
import { fileMark } from "./mark.ts";
import type { Sql, SqlValue } from "./sql.ts";
import { BUSY_TIMEOUT_MS, FIRST_LOOK, firstLookError, SQL_DEFAULTS, type SqlOptions, tuning } from "./tuning.ts";

/** Opens a file, or `:memory:`. Throws SchemaError for a file that is no SQLite database. */
export function openBunSql(path: string, options: SqlOptions = SQL_DEFAULTS): Sql {
  const database = new Database(path, { create: true, readwrite: true, strict: true });
  const statements = new Map<string, Statement>();
  const prepare = (sql: string): Statement => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    database.exec(FIRST_LOOK);
  } catch (error) {
    database.close();
    throw firstLookError(path, error);
  }
  const get = <Row>(sql: string, ...params: SqlValue[]) =>
    (prepare(sql).get(...params) ?? undefined) as Row | undefined;
  const script = (sql: string): void => void database.exec(sql);
  return {
    all: <Row>(sql: string, ...params: SqlValue[]) => prepare(sql).all(...params) as Row[],
    get,
    run: (sql, ...params) => void prepare(sql).run(...params),
    change: (sql, ...params) => prepare(sql).run(...params).changes,
    script,
    mark: fileMark({ get, script }),
    tune: () => script(tuning(options)),
    transaction(work) {
      database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        if (database.inTransaction) database.exec("ROLLBACK");
        throw error;
      }
    },
    close() {
      for (const statement of statements.values()) statement.finalize();
      statements.clear();
      database.close();
    },
  };
}
