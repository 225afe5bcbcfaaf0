// A service inside a Durable Object: whatever is not configured to be elsewhere lies in the object's storage.
import type { DurableObjectStorage } from "@cloudflare/workers-types";
import { sqliteDatabase } from "../../adapters/database/sqlite.ts";
import type { Write } from "../../app/log.ts";
import type { Config } from "../../config.ts";
import { configureFlows, topicsOf } from "../../flows/configure.ts";
import { flows, model } from "../../flows/index.ts";
import { sqliteLog } from "../../gateway/sqlite-log.ts";
import type { Broker } from "../../ports/broker.ts";
import type { Database } from "../../ports/database.ts";
import { durableObjectSql } from "../../sql/durable-object.ts";
import type { Sql } from "../../sql/sql.ts";
import { EMBEDDED_CLUSTER } from "../embedded-cluster.ts";
import { logBroker } from "../log-broker.ts";
import { GRAPH_MIGRATIONS, LOG_MIGRATIONS } from "./migrations.ts";

/** Graph and ledger in the object's storage. */
export function embeddedDatabase(storage: DurableObjectStorage): Database {
  return sqliteDatabase({
    open: () => durableObjectSql(storage),
    migrations: GRAPH_MIGRATIONS,
    model,
    name: "the Durable Object's storage",
  });
}

/** A log in the object's storage, with the flows' topics made. */
export async function embeddedBroker(config: Config, storage: DurableObjectStorage, write: Write): Promise<Broker> {
  const sql: Sql = durableObjectSql(storage);
  const log = sqliteLog(sql, LOG_MIGRATIONS, { name: "the Durable Object's storage", pollMs: 0 });
  for (const topic of topicsOf(configureFlows(flows, config))) {
    await log.createTopic(topic, config.KAFKA_TOPIC_PARTITIONS);
  }
  return logBroker(log, {
    cluster: config.KAFKA_CLUSTER ?? EMBEDDED_CLUSTER,
    onError: (error) => write("error", "The embedded log failed", { error: String(error) }),
  });
}
