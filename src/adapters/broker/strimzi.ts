// Strimzi's Kafka bridge. Its committed offset is the next one to read; `max_bytes` makes a larger answer fail, with the
// position moved, so it is set as high as it goes.
import type { OpenDialect } from "./dialect.ts";
import { type InstanceDialect, instanceBroker } from "./instance-broker.ts";

const STRIMZI_INSTANCES: InstanceDialect = {
  create: (name) => ({
    name,
    format: "binary",
    "auto.offset.reset": "earliest",
    "enable.auto.commit": false,
    "isolation.level": "read_committed",
  }),
  committed: (next) => next,
  cutsAtBytes: false,
};

/** Opens the dialect `strimzi`. */
export const strimzi: OpenDialect = (options) => instanceBroker(options, STRIMZI_INSTANCES);
