// How an embedded file is opened and written, whichever engine opens it.
import { SchemaError } from "./sql.ts";

/** How an embedded file is opened. */
export interface SqlOptions {
  /** `normal` survives a crash of the process, `full` also a power cut, at the price of a disk flush per commit. */
  readonly synchronous: "normal" | "full";
  /** Memory for pages of the file; 6 MiB unless said otherwise. */
  readonly cacheKib?: number;
}

export const SQL_DEFAULTS: SqlOptions = { synchronous: "normal" };

/** How long a statement waits for another process's lock. */
export const BUSY_TIMEOUT_MS = 5_000;
const CACHE_KIB = 6 * 1024;
/**
 * Pages (4 KiB) the write-ahead log may hold before a writer folds it into the file itself. Where a background thread
 * does that all the time, writers hardly ever get there.
 */
const CHECKPOINT_PAGES = 32_000;
/** Size a write-ahead log is cut back to once it has been folded in. */
const WAL_BYTES_KEPT = 16 * 1_048_576;
/** What SQLite says of a file that is no database, on every engine; their numbers for it differ. */
const NO_DATABASE = "file is not a database";

/** The first statement on a file: it fails where there is no database. */
export const FIRST_LOOK = "SELECT count(*) FROM sqlite_schema";

/** The statements that set how a file of ours is written. */
export function tuning({ synchronous, cacheKib = CACHE_KIB }: SqlOptions): string {
  return `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
    PRAGMA cache_size = -${cacheKib};
    PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${WAL_BYTES_KEPT};`;
}

/** What to throw for an error of the first look. */
export function firstLookError(path: string, error: unknown): unknown {
  if (!(error instanceof Error && error.message.includes(NO_DATABASE))) return error;
  return new SchemaError(`Cannot open ${path}: it is not a SQLite file; choose another DATA_DIR`);
}
