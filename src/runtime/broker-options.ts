// From a configuration to what a dialect is opened with; every runtime brings its own fetch.
import type { DialectOptions } from "../adapters/broker/dialect.ts";
import type { Fetch } from "../adapters/broker/proxy-call.ts";
import type { KafkaProxy } from "../config/kafka-url.ts";
import type { Config } from "../config.ts";

/** Told what failed, in words, and how. */
export type TellBroker = (message: string, error: unknown) => void;

/** How the proxy of a configuration is spoken to. */
export function dialectOptions(
  config: Config,
  { url }: KafkaProxy,
  fetch: Fetch,
  tell: TellBroker = () => undefined,
): DialectOptions {
  const { KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = config;
  return {
    url,
    cluster: config.KAFKA_CLUSTER ?? new URL(url).host,
    fetch,
    headers: authorization(config),
    basic: username === undefined || password === undefined ? undefined : { username, password },
    partitions: config.KAFKA_TOPIC_PARTITIONS,
    reportGroup: config.KAFKA_REPORT_GROUP,
    origins: config.KAFKA_ORIGINS,
    readMs: config.KAFKA_READ_DEADLINE_MS,
    onFailed: (error) => tell("A partition cannot be read, the others are", error),
  };
}

function authorization({ KAFKA_USERNAME, KAFKA_PASSWORD, KAFKA_TOKEN }: Config): Record<string, string> {
  if (KAFKA_TOKEN !== undefined) return { authorization: `Bearer ${KAFKA_TOKEN}` };
  if (KAFKA_USERNAME === undefined) return {};
  const pair = new TextEncoder().encode(`${KAFKA_USERNAME}:${KAFKA_PASSWORD}`);
  return { authorization: `Basic ${btoa(String.fromCharCode(...pair))}` };
}
