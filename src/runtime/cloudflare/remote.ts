// Kafka and Neo4j where they are somewhere else: both over fetch.
import { type Fetch, fetchOf } from "../../adapters/broker/proxy-call.ts";
import { type Neo4jMemory, neo4jDatabase } from "../../adapters/database/neo4j/neo4j.ts";
import { queryApiTransport } from "../../adapters/database/neo4j/query-api.ts";
import type { Write } from "../../app/log.ts";
import type { KafkaProxy } from "../../config/kafka-url.ts";
import type { Neo4jServer } from "../../config/neo4j-url.ts";
import type { Config } from "../../config.ts";
import { model } from "../../flows/index.ts";
import type { Broker } from "../../ports/broker.ts";
import type { Database } from "../../ports/database.ts";
import { dialectOptions } from "../broker-options.ts";
import { dialects } from "../dialects.ts";
import type { CountedFetch } from "./counted-fetch.ts";

/** A configured proxy. */
export function remoteBroker(config: Config, kafka: KafkaProxy, requests: CountedFetch, write: Write): Broker {
  const tell = (message: string, error: unknown): void => write("error", message, { error: String(error) });
  const options = dialectOptions(config, kafka, fetchOf(requests.fetch), tell);
  return dialects[kafka.dialect]({ ...options, onRequest: requests.count });
}

/** What the isolate has found of the server. */
const memory: Neo4jMemory = { isNewest: false };

/** Neo4j by its Query API; the schema is made on first use. */
export function remoteDatabase({ protocol: _, ...server }: Neo4jServer, fetch: Fetch): Database {
  return neo4jDatabase({
    transport: queryApiTransport({ ...server, fetch }),
    model,
    memory,
    name: server.url,
    delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random: Math.random,
  });
}
