// The broker on Node: the embedded log, or a remote proxy with what its operator asks of us.
import { readFileSync } from "node:fs";
import { complaintOf, diagnoseProxy } from "../adapters/broker/diagnose.ts";
import type { Fetch } from "../adapters/broker/proxy-call.ts";
import type { Config } from "../config.ts";
import type { Flow } from "../flows/define.ts";
import type { Broker } from "../ports/broker.ts";
import { dialectOptions, type TellBroker } from "./broker-options.ts";
import { dialects } from "./dialects.ts";
import { openLog } from "./embedded.ts";
import { EMBEDDED_CLUSTER } from "./embedded-cluster.ts";
import { logBroker } from "./log-broker.ts";
import { nodeFetch } from "./node-fetch.ts";

/** A broker and how to let go of it. */
export interface OpenBroker {
  readonly broker: Broker;
  /** What is wrong with the proxy, in one line that says what to do; null when all is well. It never throws. */
  diagnose(): Promise<string | null>;
  close(): Promise<void>;
}

/** The broker of a configuration; the embedded one is the gateway's log itself. `tell` gets what does not show in a call. */
export async function openBroker(config: Config, tell: TellBroker, flows?: readonly Flow[]): Promise<OpenBroker> {
  if (config.kafka !== undefined) {
    const { fetch, close } = proxyFetch(config);
    const options = dialectOptions(config, config.kafka, fetch, tell);
    const { dialect } = config.kafka;
    return {
      broker: dialects[dialect](options),
      diagnose: async () => complaintOf(await diagnoseProxy({ ...options, dialect })),
      close,
    };
  }
  const onError = (error: unknown): void => tell("The embedded log failed", error);
  const { log, stop } = await openLog(config, onError, flows);
  const broker = logBroker(log, { cluster: config.KAFKA_CLUSTER ?? EMBEDDED_CLUSTER, onError });
  return { broker, diagnose: async () => null, close: stop };
}

/**
 * A fetch for the proxy, with the configured certificates where there are any. Throws an Error that names a file that
 * cannot be read.
 */
export function proxyFetch(config: Config): { readonly fetch: Fetch; close(): Promise<void> } {
  const { KAFKA_TLS_CERT, KAFKA_TLS_KEY, KAFKA_TLS_CA } = config;
  // Their own fetch costs them little.
  const isNative = "Bun" in globalThis || "Deno" in globalThis;
  if (isNative && KAFKA_TLS_CERT === undefined && KAFKA_TLS_CA === undefined) {
    return { fetch, close: async () => undefined };
  }
  return nodeFetch({
    cert: pem("KAFKA_TLS_CERT", KAFKA_TLS_CERT),
    key: pem("KAFKA_TLS_KEY", KAFKA_TLS_KEY),
    ca: pem("KAFKA_TLS_CA", KAFKA_TLS_CA),
  });
}

function pem(name: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Error(`Cannot read ${name}: ${(cause as Error).message}`, { cause });
  }
}
