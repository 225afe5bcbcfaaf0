// Rebuilding on Node: a new database file beside the one in use.
import { randomUUID } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as realDelay } from "node:timers/promises";
import { check } from "../app/check.ts";
import { obstaclesIn, type Rebuilt, rebuild as rebuildFromLog } from "../app/rebuild.ts";
import { type Config, parseConfig } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import { configureFlows } from "../flows/configure.ts";
import { flows } from "../flows/index.ts";
import type { Broker } from "../ports/broker.ts";
import type { Delay } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import { openBroker } from "./broker-node.ts";
import { compose } from "./compose.ts";
import { neo4jSchema, openConfigured, openConfiguredToLook } from "./database-node.ts";
import { isDatabaseUrl } from "./database-url.ts";
import { findSecret, GRAPH_FILE, openDatabase } from "./embedded.ts";
import { nodeEntropy } from "./entropy-node.ts";
import { startLogging } from "./logging.ts";
import { outsideNode } from "./outside-node.ts";
import { PATIENCE_MS, untilQuiet } from "./until-quiet.ts";
import { VERSION } from "./version.ts";

const NO_SECRET =
  "neither ID_SECRET is set nor is its file in DATA_DIR: what the service itself wrote to the log was taken for a stranger's";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Builds the database `into` from Kafka alone: a file, or the URL of an empty Neo4j database, with the user, password and
 * name of the environment; lines of its log go to standard error. A file has its name once it is whole. Where a broker does
 * not tell how far a partition goes, it waits for more until none has come for PATIENCE_MS; the outcome names the partition.
 */
export async function rebuild(into: string, env: Env, delay: Delay = realDelay): Promise<Rebuilt> {
  if (isDatabaseUrl(into)) return build(into, env, delay);
  const part = `${into}.part`;
  // What an earlier one that was killed has left.
  removeDatabase(part);
  try {
    const rebuilt = await build(part, env, delay);
    renameSync(part, into);
    return rebuilt;
  } finally {
    removeDatabase(part);
  }
}

function removeDatabase(file: string): void {
  for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true });
}

async function build(into: string, env: Env, delay: Delay): Promise<Rebuilt> {
  // The log is read, not cut: what is beyond its retention and still there belongs to the graph.
  const kept = { KAFKA_RETENTION_MS: undefined, KAFKA_RETENTION_BYTES: undefined };
  const config = parseConfig({ ...env, CONSUME: undefined, ...kept }, flows);
  const write = startLogging(config.LOG_LEVEL, (text) => process.stderr.write(`${text}\n`));
  const database = await openTarget(into, config, env);
  const failures: string[] = [];
  const { broker, close } = await openBroker(config, (message, error) => {
    write("error", message, { error: String(error) });
    failures.push(String(error));
  });
  const clock = { nowMs: () => Date.now() };
  const secret = findSecret(config);
  const entropy = nodeEntropy(secret ?? randomUUID(), config.ID_SECRET_PREVIOUS);
  const hasFailed = (): boolean => failures.length > 0;
  const ends = untilQuiet({ broker, startMs: clock.nowMs(), stopwatch: () => performance.now(), delay, hasFailed });
  try {
    const { tick, budget } = compose(config, {
      version: VERSION,
      broker: ends.broker,
      database,
      entropy,
      clock,
      write,
      ...outsideNode(config, clock, write),
      rebuilding: true,
    });
    const { obstacles: met, ...counts } = await rebuildFromLog(ends.around(tick), budget, database);
    const strange = secret === undefined ? [NO_SECRET] : [];
    const rebuilt = { ...counts, obstacles: [...met, ...strange, ...endless(ends.untold())] };
    // A service reads on without a partition that fails; a graph without one would pass for whole.
    if (hasFailed()) throw new AppError("broker_unavailable", `Cannot rebuild: ${failures[0]}`);
    if (config.neo4j === undefined && !existsSync(join(config.DATA_DIR, GRAPH_FILE))) return rebuilt;
    if (config.neo4j?.url === into) return rebuilt;
    return { ...rebuilt, obstacles: [...rebuilt.obstacles, ...(await obstaclesInUse(config, broker))] };
  } finally {
    await close();
    await database.close();
  }
}

/** What the database in use has that the log has not. It stays as it is, and may be the very thing that is broken. */
async function obstaclesInUse(config: Config, broker: Broker): Promise<string[]> {
  const database = openConfiguredToLook(config);
  try {
    if (config.neo4j !== undefined && (await neo4jSchema(config.neo4j)).held === 0) return [];
    return obstaclesIn(await check({ flows: configureFlows(flows, config), broker, database }));
  } catch (error) {
    return [`what the database in use has beside the log is not known: ${(error as Error).message}`];
  } finally {
    await database.close();
  }
}

/** That no end was told is no proof that something is missing, and nothing else proves that all is there. */
function endless(untold: readonly string[]): string[] {
  if (untold.length === 0) return [];
  const quiet = `nothing older than this rebuild came for ${PATIENCE_MS / 1_000} s`;
  return [
    `nobody told where these partitions end, and the graph has what they gave until ${quiet}: ${untold.join(", ")}`,
  ];
}

/** The database to build; one that holds anything already is refused. */
async function openTarget(into: string, config: Config, env: Env): Promise<Database> {
  if (!isDatabaseUrl(into)) return openDatabase(into, config);
  const database = openConfigured(parseConfig({ ...env, NEO4J_URL: into, CONSUME: undefined }, flows));
  try {
    const [entities, positions] = [await database.dumpEntities("", 1), await database.allPositions()];
    if (entities.length + positions.length === 0) return database;
    throw new AppError(
      "invalid_input",
      `Cannot rebuild into ${into}: it holds a graph already; name an empty database`,
    );
  } catch (error) {
    await database.close();
    throw error;
  }
}
