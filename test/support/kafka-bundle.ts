// A gateway of its own on the stack's Kafka for each test, with topics that nobody else sees.
import { randomBytes } from "node:crypto";
import { Admin } from "@platformatic/kafka";
import { fetchOf } from "../../src/adapters/broker/proxy-call.ts";
import { restV2Broker } from "../../src/adapters/broker/rest-v2.ts";
import { createGateway } from "../../src/gateway/app.ts";
import { kafkaLog } from "../../src/gateway/kafka/kafka-log.ts";
import { type KafkaOptions, parseBrokers } from "../../src/gateway/kafka/options.ts";
import type { Log } from "../../src/gateway/log.ts";
import type { GatewayOptions } from "../../src/gateway/options.ts";
import type { GatewayBundle } from "./gateway-bundle.ts";
import { prefixedLog } from "./prefixed-log.ts";

/** What a bundle is made with. */
export interface KafkaBundleOptions extends GatewayOptions {
  /** Topics to make, with their partitions. Default `t` with 3. */
  readonly topics?: Readonly<Record<string, number>>;
  /** Another way to the cluster than the bootstrap address, and other patience. */
  readonly kafka?: Partial<KafkaOptions>;
}

/** A gateway on Kafka; `prefix` stands before the names of its topics. */
export interface KafkaBundle extends GatewayBundle {
  readonly prefix: string;
  readonly admin: Admin;
}

/** Opens a log on a cluster, makes its topics and puts a gateway and a broker in front; removes the topics at the end. */
export async function kafkaBundle(bootstrap: string, options: KafkaBundleOptions = {}): Promise<KafkaBundle> {
  const prefix = `e2e-${randomBytes(6).toString("hex")}-`;
  const cluster = kafkaLog({ brokers: parseBrokers(bootstrap)!, ...options.kafka });
  const log: Log = prefixedLog(cluster, prefix);
  for (const [name, partitions] of Object.entries(options.topics ?? { t: 3 })) await log.createTopic(name, partitions);
  const app = createGateway(log, options);
  const broker = restV2Broker({
    url: "http://gateway.test",
    cluster: "test",
    fetch: fetchOf(app.fetch),
    read: "stateless",
  });
  const admin = new Admin({ clientId: "e2e", bootstrapBrokers: [bootstrap], retries: 3, requestTimeout: 10_000 });
  return {
    log,
    app,
    broker,
    prefix,
    admin,
    async [Symbol.asyncDispose]() {
      await log.close();
      const topics = (await admin.listTopics()).filter((name) => name.startsWith(prefix));
      if (topics.length > 0) await admin.deleteTopics({ topics });
      await admin.close();
    },
  };
}
