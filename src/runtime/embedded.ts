// The embedded default on Node: files in one folder, which several processes may share.
import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sqliteDatabase } from "../adapters/database/sqlite.ts";
import type { Config } from "../config.ts";
import { configureFlows, type Routing, topicsOf } from "../flows/configure.ts";
import type { Flow } from "../flows/define.ts";
import { flows as defined, modelOf } from "../flows/index.ts";
import type { Log } from "../gateway/log.ts";
import { openSqliteLog } from "../gateway/node-sqlite-log.ts";
import { startRetention } from "../gateway/retention.ts";
import type { Database } from "../ports/database.ts";
import { openFileSql, readMigrations } from "../sql/file.ts";
import { SchemaError, type Sql } from "../sql/sql.ts";
import { retentionOf } from "./log-retention.ts";

const RETENTION_EVERY_MS = 60_000;
const MIGRATIONS = new URL("../adapters/database/migrations/", import.meta.url);

/** Files of the embedded default. */
export const GRAPH_FILE = "graph.sqlite";
export const KEYS_FILE = "keys.sqlite";
export const LOG_FILE = "log.sqlite";
export const SECRET_FILE = "id-secret";

/** The database in a file of its own; nothing is opened before the first use. */
export function openDatabase(
  path: string,
  { SQLITE_SYNCHRONOUS }: Pick<Config, "SQLITE_SYNCHRONOUS">,
  keysPath?: string,
  flows: readonly Flow[] = defined,
): Database {
  const opener = (file: string) => () => openFileSql(file, { synchronous: SQLITE_SYNCHRONOUS });
  return sqliteDatabase({
    open: opener(path),
    ...(keysPath === undefined ? {} : { openKeys: opener(keysPath) }),
    migrations: readMigrations(MIGRATIONS),
    model: modelOf(flows),
    name: path,
  });
}

/** The database in a file that is only looked at; a first use throws SchemaError unless its schema is this release's. */
export function openToLook(path: string, flows: readonly Flow[] = defined): Database {
  const open = (): Sql => openFileSql(path);
  return sqliteDatabase({
    open,
    migrations: readMigrations(MIGRATIONS),
    model: modelOf(flows),
    name: path,
    looksOnly: true,
  });
}

type LogConfig = Pick<
  Config,
  | "DATA_DIR"
  | "SQLITE_SYNCHRONOUS"
  | "KAFKA_TOPIC_PARTITIONS"
  | "KAFKA_RETENTION_MS"
  | "KAFKA_RETENTION_BYTES"
  | keyof Routing
>;

/** The gateway's log in its file, with the flows' topics made and retention running. */
export async function openLog(
  config: LogConfig,
  onError: (error: unknown) => void,
  flows: readonly Flow[] = defined,
): Promise<{ log: Log; stop: () => Promise<void> }> {
  makeFolder(config.DATA_DIR);
  const log = openLogFile(join(config.DATA_DIR, LOG_FILE), config);
  const topics = topicsOf(configureFlows(flows, config));
  for (const topic of topics) await log.createTopic(topic, config.KAFKA_TOPIC_PARTITIONS);
  const retention = retentionOf(config);
  const stopRetention =
    retention === undefined ? () => undefined : startRetention(log, { ...retention, onError }, RETENTION_EVERY_MS);
  return {
    log,
    async stop() {
      stopRetention();
      await log.close();
    },
  };
}

/** Makes a folder of data and those above it. Throws an Error that says why not. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "EEXIST" || code === "ENOTDIR" ? "a file is in its place" : message;
    throw new Error(`Cannot make the folder ${path}: ${reason}; name another folder`, { cause: error });
  }
}

function openLogFile(path: string, { SQLITE_SYNCHRONOUS }: LogConfig): Log {
  try {
    return openSqliteLog(path, { synchronous: SQLITE_SYNCHRONOUS });
  } catch (error) {
    if (error instanceof SchemaError || !(error instanceof Error)) throw error;
    throw new Error(`Cannot open ${path}: ${error.message}`, { cause: error });
  }
}

export const SECRET_CHARACTERS_MIN = 16;

/** The secret of ids: from the configuration, else from its file, which the first process to come makes. */
export function readSecret(config: Pick<Config, "ID_SECRET" | "DATA_DIR">): string {
  const path = join(config.DATA_DIR, SECRET_FILE);
  if (config.ID_SECRET === undefined && !existsSync(path)) makeSecret(config.DATA_DIR, path);
  return findSecret(config)!;
}

/** Like {@link readSecret}, but makes none: undefined where there is none yet. */
export function findSecret({ ID_SECRET, DATA_DIR }: Pick<Config, "ID_SECRET" | "DATA_DIR">): string | undefined {
  if (ID_SECRET !== undefined) return ID_SECRET;
  const path = join(DATA_DIR, SECRET_FILE);
  if (!existsSync(path)) return undefined;
  const secret = readFileSync(path, "utf8").trim();
  if (secret.length >= SECRET_CHARACTERS_MIN) return secret;
  throw new Error(
    `Cannot use ${path}: it has fewer than ${SECRET_CHARACTERS_MIN} characters; restore it, or remove it`,
  );
}

/** Makes the secret's file. It gets its name only when it is whole, so that no other process reads half a secret. */
function makeSecret(folder: string, path: string): void {
  makeFolder(folder);
  const unnamed = `${path}.${randomBytes(8).toString("hex")}`;
  writeFileSync(unnamed, randomBytes(32).toString("hex"), { flag: "wx", mode: 0o600 });
  try {
    linkSync(unnamed, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(unnamed);
  }
}
