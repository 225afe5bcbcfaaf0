// One synchronous SQL seam over node:sqlite, bun:sqlite and Durable Object storage. The gateway's log and the database
// adapter both stand on it; neither knows which engine is below.

/** What a statement binds. Blobs are avoided: engines disagree about their type. */
export type SqlValue = string | number | null;

/** Sorts after every text that is ever compared. */
export const LAST = "\u{10ffff}";

/** Whose database it is, and which schema of it. */
export interface SchemaMark {
  /** The schema's version, 0 where there is none yet; undefined when the database is another application's. */
  read(applicationId: number): number | undefined;
  write(applicationId: number, version: number): void;
}

/** A synchronous SQLite. Statements are prepared once per text and kept. Its own errors are those that isSqlError knows. */
export interface Sql {
  /** All rows of a query. */
  all<Row>(sql: string, ...params: SqlValue[]): Row[];
  /** The first row, or undefined. */
  get<Row>(sql: string, ...params: SqlValue[]): Row | undefined;
  /** Runs a statement for its effect. */
  run(sql: string, ...params: SqlValue[]): void;
  /** Runs a statement and answers how many rows it changed, which some engines have to be asked for. */
  change(sql: string, ...params: SqlValue[]): number;
  /** Runs a script of several statements. */
  script(sql: string): void;
  readonly mark: SchemaMark;
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

/** Whether an error is the engine's own; anything else came from the code that was run within. */
export function isSqlError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && /^(ERR_)?SQLITE/.test(String(error.code));
}

/** SQLITE_TOOBIG, SQLITE_CONSTRAINT and SQLITE_MISMATCH, without what extends them. */
const UNSTORABLE: readonly unknown[] = [18, 19, 20];
const UNSTORABLE_NAME = /^SQLITE_(TOOBIG|CONSTRAINT|MISMATCH)/;

/** Whether an engine's error is the fault of what was to be stored: it will be so however often that is tried. */
export function isUnstorable(error: Error): boolean {
  // The engines agree neither on the member nor on whether it has a name or a number.
  const { code, errcode, errno } = error as { code?: unknown; errcode?: unknown; errno?: unknown };
  const number = errcode ?? errno;
  if (typeof number === "number") return UNSTORABLE.includes(number & 0xff);
  return UNSTORABLE_NAME.test(String(code));
}

/** The schema that a database holds, 0 for none yet. Throws SchemaError for that of another application or newer release. */
function lookAtSchema(sql: Sql, name: string, applicationId: number, newest: number): number {
  const version = sql.mark.read(applicationId);
  if (version === undefined) {
    throw new SchemaError(`Cannot open ${name}: it is a SQLite file of another application; choose another DATA_DIR`);
  }
  if (version > newest) {
    throw new SchemaError(
      `Cannot open ${name}: it has schema ${version}, this release knows schemas up to ${newest}; run a newer release`,
    );
  }
  return version;
}

/**
 * Brings a database to the newest schema. `applicationId` marks whose it is. Throws SchemaError for a database of another
 * application or of a newer release.
 */
export function migrate(sql: Sql, name: string, applicationId: number, migrations: readonly Migration[]): void {
  const newest = migrations.length;
  const look = (): number => lookAtSchema(sql, name, applicationId, newest);
  const held = look();
  sql.tune();
  if (held === newest) return;
  sql.transaction(() => {
    for (const migration of migrations.slice(look())) sql.script(migration.sql);
    sql.mark.write(applicationId, newest);
  });
}

/** In place of {@link migrate} for what only looks: throws SchemaError for any schema but the newest, and changes nothing. */
export function assertNewest(sql: Sql, name: string, applicationId: number, newest: number): void {
  const held = lookAtSchema(sql, name, applicationId, newest);
  if (held < newest) throw new SchemaError(behind(name, held, newest));
}

/** What is said of a database whose schema is older than this release's where nothing is to be changed. */
export function behind(name: string, held: number, newest: number): string {
  if (held === 0) return `Cannot read ${name}: it is empty, without a schema`;
  return `Cannot read ${name}: it has schema ${held} of ${newest}; "tidegate start" brings it up to date`;
}
