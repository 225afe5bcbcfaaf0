// Confluent REST Proxy, v2 for both ways. Its committed offset is the last one processed: it stores the next.
import type { OpenDialect } from "./dialect.ts";
import { type InstanceDialect, instanceBroker } from "./instance-broker.ts";

/** What Confluent's instances are made with; Karapace takes the same. */
export const CONFLUENT_INSTANCES: InstanceDialect = {
  create: (name, waitMs) => ({
    name,
    format: "binary",
    "auto.offset.reset": "earliest",
    // A text: anything else leaves Kafka's own default, which commits.
    "auto.commit.enable": "false",
    // The proxy waits no longer than this, whatever a read asks for.
    "consumer.request.timeout.ms": Math.max(1, Math.floor(waitMs)),
  }),
  committed: (next) => next - 1,
  cutsAtBytes: true,
};

/** Opens the dialect `confluent`. */
export const confluent: OpenDialect = (options) => instanceBroker(options, CONFLUENT_INSTANCES);
