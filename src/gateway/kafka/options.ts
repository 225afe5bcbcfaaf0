// How to reach a Kafka cluster, and how patient to be with it.

/** Where a broker listens. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** SASL mechanisms that the gateway speaks. */
export const SASL_MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;

export interface KafkaSasl {
  readonly mechanism: (typeof SASL_MECHANISMS)[number];
  readonly username: string;
  readonly password: string;
}

/** PEM texts. Without `ca` the system's authorities decide; `cert` and `key` are this client's own. */
export interface KafkaTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Bounds of every exchange with the cluster, in milliseconds unless the name says otherwise. */
export interface KafkaTiming {
  /** Opening a connection, TLS and SASL included. */
  readonly connectMs: number;
  /** Metadata, offsets, topics, groups: one request. */
  readonly controlMs: number;
  /** An append, from first to last attempt; what is not known by then is unknown. */
  readonly appendMs: number;
  /** How long a definite refusal that may heal (a leader that moves, a broker that starts) is tried again. */
  readonly patienceMs: number;
  /** What a read may take beyond its wait. */
  readonly readMs: number;
  /** Age at which what is known of a topic is asked for again. */
  readonly topicAgeMs: number;
}

export const KAFKA_TIMING: KafkaTiming = {
  connectMs: 3_000,
  controlMs: 5_000,
  appendMs: 10_000,
  patienceMs: 1_500,
  readMs: 5_000,
  topicAgeMs: 5_000,
};

export interface KafkaOptions extends Partial<KafkaTiming> {
  /** Brokers to begin with; the others are learned from them. */
  readonly brokers: readonly BrokerAddress[];
  readonly sasl?: KafkaSasl | undefined;
  readonly tls?: KafkaTls | undefined;
  /** Copies of topics that are made; default -1, the cluster's own default. */
  readonly replicationFactor?: number;
}

/** Reads `host:9092,host2,[::1]:9093`. Undefined when any of it is no address. */
export function parseBrokers(text: string): BrokerAddress[] | undefined {
  const addresses = text.split(",").map((part) => /^(\[[0-9a-f:]+\]|[^:[\]\s/@]+)(?::(\d{1,5}))?$/i.exec(part.trim()));
  const brokers: BrokerAddress[] = [];
  for (const address of addresses) {
    const port = Number(address?.[2] ?? 9092);
    if (address === null || port < 1 || port > 65_535) return undefined;
    brokers.push({ host: address[1]!.replace(/^\[|\]$/g, ""), port });
  }
  return brokers;
}
