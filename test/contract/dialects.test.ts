// Every dialect, held to the one contract: in front of servers that answer as transcripts of the real ones do, or as
// their sources say. A missing ability is declared here, and skipped aloud.
import type { Hono } from "hono";
import type { DialectOptions } from "../../src/adapters/broker/dialect.ts";
import type { Dialect } from "../../src/config/kafka-url.ts";
import { dialects } from "../../src/runtime/dialects.ts";
import { nodeFetch } from "../../src/runtime/node-fetch.ts";
import { loopback } from "../support/gateway-bundle.ts";
import { confluentProxy } from "../support/proxies/confluent.ts";
import { confluentV3Proxy } from "../support/proxies/confluent-v3.ts";
import { karapaceProxy } from "../support/proxies/karapace.ts";
import { redpandaProxy } from "../support/proxies/redpanda.ts";
import { strimziProxy } from "../support/proxies/strimzi.ts";
import { upstashProxy } from "../support/proxies/upstash.ts";
import { type BrokerAbilities, brokerContract, EVERY_ABILITY } from "./broker.ts";

const TOPICS = { orders: 3, quiet: 1 };
/** v2 has no topic ids. */
const V2: BrokerAbilities = { ...EVERY_ABILITY, generations: false };

function hold(
  name: string,
  dialect: Dialect,
  proxy: () => { readonly app: Pick<Hono, "fetch"> },
  abilities: BrokerAbilities,
  more: Partial<DialectOptions> = {},
): void {
  brokerContract(
    name,
    async () => {
      const server = await loopback(proxy().app);
      return {
        broker: dialects[dialect]({
          url: server.url,
          cluster: "test",
          fetch: nodeFetch().fetch,
          partitions: 3,
          ...more,
        }),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
    abilities,
  );
}

hold("confluent (read in source)", "confluent", () => confluentProxy(TOPICS), V2);
// A body of more than 1 MiB is refused, which base64 of a megabyte is.
hold("karapace (transcript)", "karapace", () => karapaceProxy(TOPICS), { ...V2, megabytes: false });
hold("strimzi (transcript)", "strimzi", () => strimziProxy(TOPICS), V2);
hold("confluent-v3 with batches (read in source)", "confluent-v3", () => confluentV3Proxy(TOPICS), V2);
hold("confluent-v3 without (read in source)", "confluent-v3", () => confluentV3Proxy(TOPICS, { hasBatch: false }), V2);
// No ends and no list of partitions; a missing partition shows when it is read. Produced records are told of by partition.
hold("redpanda (read in source)", "redpanda", () => redpandaProxy({ orders: 3, quiet: 1 }), {
  ...V2,
  ends: false,
  partitions: false,
  places: false,
});
// The package tries a refused record again for 15.5 s: what is given up before is unknown.
hold(
  "upstash (its package, run)",
  "upstash",
  () => upstashProxy(TOPICS),
  { ...V2, refusesLarge: false },
  {
    basic: { username: "user", password: "secret" },
  },
);
