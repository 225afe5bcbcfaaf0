// The gateway on its own: `tidegate gateway`.
import { readFileSync } from "node:fs";
import { type GatewayConfig, type GatewayKafka, parseGatewayConfig } from "../config/gateway.ts";
import { type Config, ConfigError, parseConfig } from "../config.ts";
import { flows } from "../flows/index.ts";
import { createGateway } from "../gateway/app.ts";
import type { Log } from "../gateway/log.ts";
import { errorBody, REST_ERRORS } from "../gateway/rest-error.ts";
import { openLog } from "./embedded.ts";
import { listen } from "./listen.ts";
import { retentionOf } from "./log-retention.ts";
import { startLogging } from "./logging.ts";
import type { Running } from "./node.ts";
import { refuseOtherNames } from "./own-names.ts";

const STOP_DEADLINE_MS = 5_000;
/** An unreachable Kafka fails every request; it is said once in a while. */
const SAME_ERROR_MS = 5_000;

/** Where the gateway listens and what it stands on. The environment's variables of the embedded log hold as well. */
export interface GatewayNodeOptions {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  /** Brokers of a real Kafka, as KAFKA_BROKERS, which holds without them. */
  readonly brokers?: string | undefined;
}

interface Opened {
  readonly log: Log;
  stop(): Promise<void>;
}

/** The service's rules for HOST ask for its own credentials, and those for its proxy are for its KAFKA_URL. */
const NOT_SHARED = Object.fromEntries(
  [
    ...["HOST", "AUTH", "API_KEYS", "KAFKA_URL", "KAFKA_USERNAME", "KAFKA_PASSWORD", "KAFKA_TOKEN"],
    ...["KAFKA_TLS_CERT", "KAFKA_TLS_KEY", "KAFKA_TLS_CA"],
  ].map((name) => [name, undefined]),
);

/** Starts a gateway over a real Kafka, or over a log in a SQLite file with the flows' topics made. */
export async function startGateway(
  { host, port, dataDir, brokers }: GatewayNodeOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Running> {
  const own = parseGatewayConfig(env, host, brokers);
  const config = parseConfig({ ...env, ...NOT_SHARED, PORT: String(port), DATA_DIR: dataDir }, flows);
  const write = startLogging(config.LOG_LEVEL, (text) => process.stdout.write(`${text}\n`));
  const onError = sparingly((error) => write("error", "The gateway failed", { error: String(error) }));
  const { log, stop } = await openGatewayLog(own, config, onError);
  const retention = own.kafka === undefined ? retentionOf(config) : undefined;
  const asked = own.users.length > 0 || own.tokens.length > 0;
  const gateway = createGateway(log, {
    onError,
    partitionsDefault: config.KAFKA_TOPIC_PARTITIONS,
    ...(retention === undefined ? {} : { retention }),
    ...(asked ? { credentials: { users: own.users, tokens: own.tokens } } : {}),
  });
  const fetch = own.ownNamesOnly ? refuseOtherNames(gateway.fetch, [], refuse) : gateway.fetch;
  const server = await listen(fetch, { host, port });
  write("info", "The gateway is listening", { url: server.url, log: own.kafka?.brokers ?? dataDir });
  return {
    url: server.url,
    async stop() {
      await Promise.all([server.stop(STOP_DEADLINE_MS), stop()]);
    },
  };
}

function refuse(host: string): Response {
  const advice = "set GATEWAY_USERS or GATEWAY_TOKENS, or AUTH=none to answer to every name";
  const message = `A gateway on loopback without credentials does not answer to the name ${JSON.stringify(host)}: ${advice}`;
  return Response.json(errorBody("forbidden", message), { status: REST_ERRORS.forbidden.status });
}

async function openGatewayLog(own: GatewayConfig, config: Config, onError: (error: unknown) => void): Promise<Opened> {
  if (own.kafka === undefined) return openLog(config, onError);
  // Loaded here alone: the embedded default does without the client.
  const [{ kafkaLog }, { parseBrokers, SASL_MECHANISMS }] = await Promise.all([
    import("../gateway/kafka/kafka-log.ts"),
    import("../gateway/kafka/options.ts"),
  ]);
  const { brokers: text, sasl } = own.kafka;
  const brokers = parseBrokers(text);
  if (brokers === undefined) {
    throw new ConfigError([`--kafka must be brokers like host:9092,host2:9092; it is ${JSON.stringify(text)}`]);
  }
  const mechanism = SASL_MECHANISMS.find((name) => name === sasl?.mechanism);
  const log = kafkaLog({
    brokers,
    tls: readTls(own.kafka.tls),
    sasl: sasl && mechanism && { ...sasl, mechanism },
  });
  // A Kafka that is away is no reason not to start: it may come, and /health says so until then.
  log.ping().catch(onError);
  return { log, stop: () => log.close() };
}

function readTls(tls: GatewayKafka["tls"]) {
  if (tls === undefined) return undefined;
  const read = (path: string | undefined): string | undefined => {
    try {
      return path === undefined ? undefined : readFileSync(path, "utf8");
    } catch (error) {
      throw new ConfigError([`Cannot read ${path}: ${(error as Error).message}`]);
    }
  };
  return { ca: read(tls.caFile), cert: read(tls.certFile), key: read(tls.keyFile) };
}

/** Passes on an error unless the same one was passed on a moment ago. */
function sparingly(report: (error: unknown) => void): (error: unknown) => void {
  let last = "";
  let atMs = Number.NEGATIVE_INFINITY;
  return (error) => {
    const text = String(error);
    const nowMs = performance.now();
    if (text === last && nowMs - atMs < SAME_ERROR_MS) return;
    last = text;
    atMs = nowMs;
    report(error);
  };
}
