// The SQL seam over the storage of a Durable Object.
import { tableMark } from "./mark.ts";
import type { Sql, SqlValue } from "./sql.ts";

/** What the seam uses of a Durable Object's storage. */
export interface DurableStorage {
  readonly sql: { exec(query: string, ...bindings: unknown[]): { toArray(): unknown[] } };
  transactionSync<Result>(work: () => Result): Result;
}

/** What the platform's errors end with, which carry no code. */
const CODE = /: (SQLITE_[A-Z_]+)(?: \(extended: SQLITE_[A-Z_]+\))?$/;

/** The storage as the seam. There is one writer, nothing to tune and nothing to close; several of our schemas share it. */
export function durableObjectSql(storage: DurableStorage): Sql {
  const all = <Row>(sql: string, ...params: SqlValue[]): Row[] => {
    try {
      return storage.sql.exec(sql, ...params).toArray() as Row[];
    } catch (error) {
      throw named(error);
    }
  };
  const get = <Row>(sql: string, ...params: SqlValue[]): Row | undefined => all<Row>(sql, ...params)[0];
  const script = (sql: string): void => void all(sql);
  return {
    all,
    get,
    run: (sql, ...params) => void all(sql, ...params),
    change(sql, ...params) {
      all(sql, ...params);
      // The rows that the platform counts as written are those of indexes as well.
      return get<{ n: number }>("SELECT changes() AS n")!.n;
    },
    script,
    mark: tableMark({ get, script }),
    tune: () => undefined,
    transaction: (work) => storage.transactionSync(work),
    close: () => undefined,
  };
}

/** The error with its code, as the other engines give it. */
function named(error: unknown): unknown {
  if (error instanceof Error && !("code" in error)) {
    Object.assign(error, { code: CODE.exec(error.message)?.[1] ?? "SQLITE_ERROR" });
  }
  return error;
}
