// One synchronous SQL seam over node:sqlite, bun:sqlite and Durable Object storage. The gateway's log and the database
// adapter both stand on it; neither knows which engine is below.

/** What a statement binds. Blobs are avoided: engines disagree about their type. */
export type SqlValue = string | number | null;

/** A synchronous SQLite. Statements are prepared once per text and kept. */
export interface Sql {
  /** All rows of a query. */
  all<Row>(sql: string, ...params: SqlValue[]): Row[];
  /** The first row, or undefined. */
  get<Row>(sql: string, ...params: SqlValue[]): Row | undefined;
  /** Runs a statement for its effect and answers how many rows it changed. */
  run(sql: string, ...params: SqlValue[]): number;
  /** Runs a script of several statements. */
  script(sql: string): void;
  /** Sets how the file is written; called once it is known to be ours, and changes the file. */
  tune(): void;
  /** Runs `work` in one write transaction (BEGIN IMMEDIATE); a throw rolls back. No awaiting inside. */
  transaction<Result>(work: () => Result): Result;
  close(): void;
}

/** A numbered step of a schema. Versions count from 1 without holes. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/** The file is not ours, or a newer release wrote it. Starting over it would lose data. */
export class SchemaError extends Error {
  override name = "SchemaError";
}

/**
 * Brings a database file to the newest schema. `applicationId` marks whose file it is (PRAGMA application_id).
 * Throws SchemaError for a file of another application or of a newer release.
 */
export function migrate(sql: Sql, name: string, applicationId: number, migrations: readonly Migration[]): void {
  const newest = migrations.length;
  const look = (): number => {
    const id = sql.get<{ application_id: number }>("PRAGMA application_id")?.application_id ?? 0;
    const version = sql.get<{ user_version: number }>("PRAGMA user_version")?.user_version ?? 0;
    const tables = sql.get<{ n: number }>("SELECT count(*) AS n FROM sqlite_schema")?.n ?? 0;
    if (id !== applicationId && (id !== 0 || version !== 0 || tables !== 0)) {
      throw new SchemaError(`Cannot open ${name}: it is a SQLite file of another application; choose another DATA_DIR`);
    }
    if (version > newest) {
      throw new SchemaError(
        `Cannot open ${name}: it has schema ${version}, this release knows schemas up to ${newest}; run a newer release`,
      );
    }
    return version;
  };
  const held = look();
  sql.tune();
  if (held === newest) return;
  sql.transaction(() => {
    for (const migration of migrations.slice(look())) sql.script(migration.sql);
    sql.script(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${newest};`);
  });
}
