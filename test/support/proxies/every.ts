// Every dialect with a proxy of the tests behind it, within this process but for the package that has a fetch of its own.
import type { Hono } from "hono";
import type { DialectOptions } from "../../../src/adapters/broker/dialect.ts";
import { fetchOf, type RequestFetch } from "../../../src/adapters/broker/proxy-call.ts";
import type { Dialect } from "../../../src/config/kafka-url.ts";
import type { Broker } from "../../../src/ports/broker.ts";
import { dialects } from "../../../src/runtime/dialects.ts";
import { confluentProxy } from "./confluent.ts";
import { confluentV3Proxy } from "./confluent-v3.ts";
import type { ProxyFaults } from "./faults.ts";
import { karapaceProxy } from "./karapace.ts";
import type { ProxyLog } from "./log.ts";
import { redpandaProxy } from "./redpanda.ts";
import { strimziProxy } from "./strimzi.ts";

/** What every proxy of the tests has. */
export interface AnyProxy {
  readonly app: Pick<Hono, "fetch">;
  readonly log: ProxyLog;
  readonly faults: ProxyFaults;
  instances(): number;
}

type Topics = Readonly<Record<string, number>>;

/** Proxies that read through instances. */
export const INSTANCE_PROXIES = {
  confluent: confluentProxy,
  "confluent-v3": confluentV3Proxy,
  karapace: karapaceProxy,
  strimzi: strimziProxy,
} as const satisfies { readonly [name in Dialect]?: (topics: Topics) => AnyProxy };

export const PROXIES = { ...INSTANCE_PROXIES, redpanda: redpandaProxy } as const;

/** A broker of a dialect in front of an app; `intercept` may lose requests and answers. */
export function brokerOf(
  dialect: Dialect,
  app: Pick<Hono, "fetch">,
  options: Partial<DialectOptions> = {},
  intercept: (request: Request, send: RequestFetch) => Promise<Response> = async (request, send) => send(request),
): Broker {
  const send: RequestFetch = (request) => app.fetch(request);
  return dialects[dialect]({
    url: "http://proxy.test",
    cluster: "test",
    fetch: fetchOf((request) => intercept(request, send)),
    partitions: 3,
    ...options,
  });
}
