// Databases on the stack's Neo4j, over either transport. Community Edition has one database, so tests take turns and each
// begins with an empty one.
import { boltTransport } from "../../src/adapters/database/neo4j/bolt.ts";
import { neo4jDatabase } from "../../src/adapters/database/neo4j/neo4j.ts";
import { queryApiTransport } from "../../src/adapters/database/neo4j/query-api.ts";
import type { Transport } from "../../src/adapters/database/neo4j/transport.ts";
import type { GraphModel } from "../../src/domain/model.ts";
import { model } from "../../src/flows/index.ts";
import type { Database } from "../../src/ports/database.ts";
import { readStack } from "../stack/read-stack.ts";

export const TRANSPORTS = ["bolt", "Query API"] as const;
export type TransportName = (typeof TRANSPORTS)[number];

const TIMEOUT_MS = 10_000;

export function openTransport(name: TransportName, timeoutMs = TIMEOUT_MS): Transport {
  const { bolt, http, user, password } = readStack().neo4j;
  const common = { user, password, database: "neo4j", timeoutMs };
  return name === "bolt" ? boltTransport({ url: bolt, ...common }) : queryApiTransport({ url: http, fetch, ...common });
}

export function openNeo4j(name: TransportName, graph: GraphModel = model, transport = openTransport(name)): Database {
  return neo4jDatabase({
    transport,
    model: graph,
    name: `the stack's Neo4j over ${name}`,
    delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random: Math.random,
  });
}

/** Removes every node; the schema's mark and indexes stay. */
export async function emptyNeo4j(transport: Transport): Promise<void> {
  await transport.run("MATCH (n) WHERE NOT n:Tidegate DETACH DELETE n", {});
}

/** Removes the schema too: what a server holds that was never used. */
export async function emptySchema(transport: Transport): Promise<void> {
  await transport.run("MATCH (n) DETACH DELETE n", {});
  for (const [what, shown] of [
    ["CONSTRAINT", "CONSTRAINTS"],
    ["INDEX", "INDEXES"],
  ]) {
    const rows = await transport.run(`SHOW ${shown} YIELD name WHERE name STARTS WITH 'tidegate_' RETURN name`, {});
    for (const [name] of rows) await transport.run(`DROP ${what} ${String(name)} IF EXISTS`, {});
  }
}

/** {@link emptyNeo4j} for whoever needs no transport otherwise. */
export async function emptyGraph(): Promise<void> {
  const transport = openTransport("bolt");
  await emptyNeo4j(transport).finally(() => transport.close());
}
