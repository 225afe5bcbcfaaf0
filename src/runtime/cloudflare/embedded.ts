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
import { retentionOf } from "../log-retention.ts";
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

/** Records that a tick removes at most, because they are past their time. */
const TRIM_RECORDS_MAX = 2_000;

/** The log within an object. */
export interface EmbeddedLog {
  readonly broker: Broker;
  /** Removes some of what the retention does not keep. Never throws. */
  trim(): Promise<void>;
}

/** A log in the object's storage, with the flows' topics made. */
export async function embeddedLog(config: Config, storage: DurableObjectStorage, write: Write): Promise<EmbeddedLog> {
  const sql: Sql = durableObjectSql(storage);
  const log = sqliteLog(sql, LOG_MIGRATIONS, { name: "the Durable Object's storage", pollMs: 0 });
  for (const topic of topicsOf(configureFlows(flows, config))) {
    await log.createTopic(topic, config.KAFKA_TOPIC_PARTITIONS);
  }
  const onError = (error: unknown): void => write("error", "The embedded log failed", { error: String(error) });
  const retention = retentionOf(config);
  return {
    broker: logBroker(log, { cluster: config.KAFKA_CLUSTER ?? EMBEDDED_CLUSTER, onError }),
    async trim() {
      if (retention !== undefined) await log.trim(retention, Date.now(), TRIM_RECORDS_MAX).catch(onError);
    },
  };
}
