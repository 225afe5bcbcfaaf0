// Every dialect there is, by the name that `?dialect=` gives it (src/config/kafka-url.ts lists the names).
import { confluent } from "../adapters/broker/confluent.ts";
import { confluentV3 } from "../adapters/broker/confluent-v3.ts";
import type { OpenDialect } from "../adapters/broker/dialect.ts";
import { karapace } from "../adapters/broker/karapace.ts";
import { redpanda } from "../adapters/broker/redpanda.ts";
import { strimzi } from "../adapters/broker/strimzi.ts";
import { tidegate } from "../adapters/broker/tidegate.ts";
import { upstash } from "../adapters/broker/upstash.ts";
import type { Dialect } from "../config/kafka-url.ts";

export const dialects: Readonly<Record<Dialect, OpenDialect>> = {
  tidegate,
  confluent,
  "confluent-v3": confluentV3,
  karapace,
  strimzi,
  redpanda,
  upstash,
};
