// Kafka as `topics` and `doctor` look at it: which topics the flows need, which exist, and making those that do not.
// Looking changes nothing: the embedded log is not made by being looked at.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../config.ts";
import { configureFlows, topicsOf } from "../../flows/configure.ts";
import { flows } from "../../flows/index.ts";
import { messageOf } from "../failure.ts";
import { connectionReason } from "../service.ts";

/** A topic that flows need; `partitions` is null while it does not exist. */
export interface Topic {
  readonly topic: string;
  readonly flows: readonly string[];
  readonly partitions: number | null;
}

/** What became of making a topic. */
export type Made = { readonly status: "made" } | { readonly status: "refused"; readonly reason: string };

export interface Kafka {
  /** For messages. */
  readonly name: string;
  readonly isEmbedded: boolean;
  /** Every topic that the flows need. Throws when Kafka cannot be reached. */
  topics(): Promise<Topic[]>;
  make(topic: string): Promise<Made>;
  /** What is wrong with the proxy, in one line that says what to do; null when all is well. */
  diagnose(): Promise<string | null>;
}

const DEADLINE_MS = 5_000;

/** Topics of the flows as the configuration routes them, in the order of the flows; those that are only read as well. */
function withPartitions(config: Config, partitions: ReadonlyMap<string, number>): Topic[] {
  const routed = configureFlows(flows, config);
  return topicsOf(routed).map((topic) => ({
    topic,
    flows: routed.filter(({ topics }) => topics.includes(topic)).map(({ name }) => name),
    partitions: partitions.get(topic) ?? null,
  }));
}

/** The Kafka of a configuration; nothing is opened before a method is called. */
export function openKafka(config: Config): Kafka {
  return config.kafka === undefined ? embedded(config) : proxied(config, config.kafka.url);
}

function embedded(config: Config): Kafka {
  return {
    name: `the embedded log in ${config.DATA_DIR}`,
    isEmbedded: true,
    diagnose: async () => null,
    async topics() {
      const { LOG_FILE } = await import("../../runtime/embedded.ts");
      const path = join(config.DATA_DIR, LOG_FILE);
      if (!existsSync(path)) return withPartitions(config, new Map());
      const { openSqliteLog } = await import("../../gateway/node-sqlite-log.ts");
      const log = openSqliteLog(path, { synchronous: config.SQLITE_SYNCHRONOUS });
      try {
        const found = await log.topics();
        return withPartitions(config, new Map(found.map(({ name, partitions }) => [name, partitions])));
      } finally {
        await log.close();
      }
    },
    async make() {
      // Opening the log as the service does makes every topic of the flows.
      const { openLog } = await import("../../runtime/embedded.ts");
      const { stop } = await openLog(config, () => undefined);
      await stop();
      return { status: "made" };
    },
  };
}

function proxied(config: Config, url: string): Kafka {
  return {
    name: url,
    isEmbedded: false,
    async topics() {
      const { openBroker } = await import("../../runtime/broker-node.ts");
      const { broker, close } = await openBroker(config, () => undefined);
      try {
        const found = await broker.topics(topicsOf(configureFlows(flows, config)), AbortSignal.timeout(DEADLINE_MS));
        return withPartitions(config, new Map(found.map(({ name, partitions }) => [name, partitions])));
      } finally {
        await close();
      }
    },
    async diagnose() {
      const { openBroker } = await import("../../runtime/broker-node.ts");
      const { diagnose, close } = await openBroker(config, () => undefined);
      return diagnose().finally(close);
    },
    make: (topic) => makeByProxy(config, url, topic),
  };
}

const CREATED = new Set([200, 201, 204]);
const EXISTS = 409;

/** Tidegate's gateway makes topics at `/admin/topics`, as Strimzi's bridge does; other proxies have no such resource. */
async function makeByProxy(config: Config, url: string, topic: string): Promise<Made> {
  const { proxyFetch } = await import("../../runtime/broker-node.ts");
  const { dialectOptions } = await import("../../runtime/broker-options.ts");
  const { fetch, close } = proxyFetch(config);
  try {
    const { headers } = dialectOptions(config, config.kafka!, fetch);
    const response = await fetch(`${url}/admin/topics`, {
      method: "POST",
      // The bridge takes no other type.
      headers: { ...headers, "content-type": "application/vnd.kafka.json.v2+json" },
      body: JSON.stringify({ topic_name: topic, partitions_count: config.KAFKA_TOPIC_PARTITIONS }),
      redirect: "manual",
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (CREATED.has(response.status) || response.status === EXISTS) return { status: "made" };
    return { status: "refused", reason: `it answered ${response.status} to POST /admin/topics` };
  } catch (error) {
    return { status: "refused", reason: connectionReason(error) };
  } finally {
    await close();
  }
}

/** The line that makes a topic where the proxy cannot. */
export function makeCommand(topic: string, partitions: number): string {
  return `kafka-topics.sh --bootstrap-server HOST:9092 --create --if-not-exists --topic ${topic} --partitions ${partitions}`;
}

/** Why topics could not be read. */
export function topicsReason(error: unknown): string {
  return messageOf(error).replace(/^Cannot read (\d+ )?topics?( "[^"]*")?: /, "");
}
