// The SQL seam over node:sqlite (Node and Deno).
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { fileMark } from "./mark.ts";
import type { Sql, SqlValue } from "./sql.ts";
import { BUSY_TIMEOUT_MS, FIRST_LOOK, firstLookError, SQL_DEFAULTS, type SqlOptions, tuning } from "./tuning.ts";

/** Opens a file, or `:memory:`. Throws SchemaError for a file that is no SQLite database. */
export function openNodeSql(path: string, options: SqlOptions = SQL_DEFAULTS): Sql {
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
    database.exec(FIRST_LOOK);
  } catch (error) {
    database.close();
    throw firstLookError(path, error);
  }
  const get = <Row>(sql: string, ...params: SqlValue[]) => prepare(sql).get(...params) as Row | undefined;
  const script = (sql: string): void => database.exec(sql);
  return {
    all: <Row>(sql: string, ...params: SqlValue[]) => prepare(sql).all(...params) as Row[],
    get,
    run: (sql, ...params) => void prepare(sql).run(...params),
    change: (sql, ...params) => Number(prepare(sql).run(...params).changes),
    script,
    mark: fileMark({ get, script }),
    tune: () => script(tuning(options)),
    transaction(work) {
      prepare("BEGIN IMMEDIATE").run();
      try {
        const result = work();
        prepare("COMMIT").run();
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
