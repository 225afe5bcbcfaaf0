// Karapace's REST proxy: v2 like Confluent's, with a body limit of its own and acks=1 unless its operator says otherwise.
import { CONFLUENT_INSTANCES } from "./confluent.ts";
import type { OpenDialect } from "./dialect.ts";
import { instanceBroker } from "./instance-broker.ts";

/** Below Karapace's default limit of a request's body, 1 MiB; a single record beyond it answers 413. */
const PRODUCE_BOUNDS = { recordsMax: 1_000, bytesMax: 1_000_000 };

/** Opens the dialect `karapace`. */
export const karapace: OpenDialect = (options) =>
  instanceBroker(options, { ...CONFLUENT_INSTANCES, produceBounds: PRODUCE_BOUNDS });
