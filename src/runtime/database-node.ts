// The database of a configuration on Node, Deno and Bun: files in a folder, or Neo4j by either protocol.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { boltTransport } from "../adapters/database/neo4j/bolt.ts";
import { lookAtSchema } from "../adapters/database/neo4j/migrate.ts";
import { MIGRATIONS } from "../adapters/database/neo4j/migrations.ts";
import { neo4jDatabase } from "../adapters/database/neo4j/neo4j.ts";
import { queryApiTransport } from "../adapters/database/neo4j/query-api.ts";
import { type Retrying, retrying } from "../adapters/database/neo4j/retry.ts";
import type { Transport } from "../adapters/database/neo4j/transport.ts";
import type { Neo4jServer } from "../config/neo4j-url.ts";
import type { Config } from "../config.ts";
import type { Flow } from "../flows/define.ts";
import { flows as defined, modelOf } from "../flows/index.ts";
import type { Database } from "../ports/database.ts";
import { GRAPH_FILE, KEYS_FILE, openDatabase, openToLook } from "./embedded.ts";

type DatabaseConfig = Pick<Config, "DATA_DIR" | "SQLITE_SYNCHRONOUS" | "neo4j">;

/**
 * The database of a configuration; nothing is opened before the first use. `keys` says that idempotency keys are reserved
 * by it, which files keep apart.
 */
export function openConfigured(config: DatabaseConfig, { keys = false, flows = defined } = {}): Database {
  if (config.neo4j !== undefined) return openNeo4j(config.neo4j, flows);
  const file = (name: string): string => join(config.DATA_DIR, name);
  return openDatabase(file(GRAPH_FILE), config, keys ? file(KEYS_FILE) : undefined, flows);
}

/** A Neo4j database; its schema is made on first use, unless it is only looked at. */
export function openNeo4j(server: Neo4jServer, flows: readonly Flow[] = defined, { looksOnly = false } = {}): Database {
  return neo4jDatabase({ transport: transportOf(server), model: modelOf(flows), looksOnly, ...retryingOf(server) });
}

/** The database of a configuration to be looked at: a first use throws SchemaError unless its schema is this release's. */
export function openConfiguredToLook({ neo4j, DATA_DIR }: Pick<Config, "DATA_DIR" | "neo4j">): Database {
  return neo4j === undefined ? openToLook(join(DATA_DIR, GRAPH_FILE)) : openNeo4j(neo4j, defined, { looksOnly: true });
}

function retryingOf(server: Neo4jServer): Retrying {
  return { name: nameOf(server), delay: (ms) => delay(ms), random: Math.random };
}

/** Who is asked for what, as messages name it. */
export function nameOf({ url, database, user }: Neo4jServer): string {
  return `${url} (database "${database}", user "${user}")`;
}

/** The schema of a Neo4j database and the newest one there is; changes nothing. Throws SchemaError, or why it failed. */
export async function neo4jSchema(server: Neo4jServer): Promise<{ held: number; newest: number }> {
  const transport = transportOf(server);
  try {
    const held = await retrying(retryingOf(server), () => lookAtSchema(transport, nameOf(server)));
    return { held, newest: MIGRATIONS.length };
  } finally {
    await transport.close();
  }
}

function transportOf({ protocol, ...server }: Neo4jServer): Transport {
  if (protocol === "bolt") return boltTransport(server);
  return queryApiTransport({ ...server, fetch });
}
