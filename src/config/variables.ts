// The variables of the environment, each with its default and what it is for. `.env.example`, the README and the
// deployment files are held to this list.
import * as z from "zod";
import { STRATEGIES } from "../flows/partition.ts";
import { NEO4J_SCHEME } from "./neo4j-url.ts";

/** A switch. */
export const flag = z.enum(["true", "false", "1", "0", "on", "off"], {
  error: "must be true, false, 1, 0, on or off",
});

/** Whether a switch's text means on. */
export const isOn = (value: string): boolean => value === "true" || value === "1" || value === "on";

const whole = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  const isWithin = (value: number): boolean => Number.isSafeInteger(value) && value >= min && value <= max;
  return z.coerce.number({ error }).refine(isWithin, { error });
};

const count = (fallback: number, min: number, max: number) => whole(min, max).default(fallback);

const DAY_MS = 86_400_000;
const ROLES = ["all", "api", "consumer"] as const;

const secret = z.string().min(16, { error: "must have at least 16 characters" });

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

/** Origins as browsers send them, or `*` alone. */
function areOrigins(origins: readonly string[]): boolean {
  return (origins.length === 1 && origins[0] === "*") || origins.every(isOrigin);
}

/** A text for a header: anything else could not be sent. */
const headerText = z.string().regex(/^[\x21-\x7e]+$/, { error: "must be visible ASCII characters" });

/** Every variable but the flows' switches, with its default. */
export const variables = {
  HOST: z
    .string()
    .default("127.0.0.1")
    .describe("Address to listen on; beyond loopback only with API_KEYS or AUTH=none"),
  PORT: count(8787, 0, 65_535).describe("Port to listen on; 0 takes a free one"),
  AUTH: z
    .enum(["none"], { error: 'must be "none" or unset' })
    .optional()
    .describe('"none" allows listening beyond loopback without API_KEYS, and being called by any name on it'),
  API_KEYS: z
    .string()
    .optional()
    .describe("Keys that may use the service, <hash>:<tenant>:<scope>+<scope>,… as tidegate keys create prints them"),
  ROLE: z
    .enum(ROLES, { error: `must be one of ${ROLES.join(", ")}` })
    .default("all")
    .describe("What this process does: all, api (takes operations) or consumer (applies them)"),
  CONSUME: z
    .string()
    .optional()
    .describe("Flows and topics this consumer reads, separated by commas, like memory,order-events; unset reads all"),
  DATA_DIR: z.string().min(1).default("./data").describe("Folder of the embedded files"),
  SQLITE_SYNCHRONOUS: z
    .enum(["normal", "full"], { error: "must be normal or full" })
    .default("normal")
    .describe("normal survives a crash of the process, full also a power cut"),
  ID_SECRET: secret.optional().describe("Makes operation ids; needed beyond loopback, else kept in DATA_DIR"),
  ID_SECRET_PREVIOUS: secret.optional().describe("The secret before, still honoured"),
  ENABLE_KAFKA: flag.default("true").describe("Kafka for every flow that has no switch of its own"),
  KAFKA_URL: z
    .url({ protocol: /^https?$/, error: "must be an http(s) URL, for example http://127.0.0.1:8082?dialect=tidegate" })
    .optional()
    .describe("Kafka's HTTP proxy, with ?dialect=; unset uses the embedded log"),
  KAFKA_CLUSTER: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe("Names the cluster in positions; default is the URL's host"),
  KAFKA_USERNAME: z.string().min(1).optional().describe("User for Kafka's HTTP proxy (Basic)"),
  KAFKA_PASSWORD: z.string().min(1).optional().describe("Password for Kafka's HTTP proxy"),
  KAFKA_TOKEN: headerText.optional().describe("Token for Kafka's HTTP proxy (Bearer), in place of user and password"),
  KAFKA_TLS_CERT: z.string().min(1).optional().describe("File of the client certificate for Kafka's HTTP proxy, PEM"),
  KAFKA_TLS_KEY: z.string().min(1).optional().describe("File of the client certificate's key, PEM"),
  KAFKA_TLS_CA: z.string().min(1).optional().describe("File of the authority that signed the proxy's certificate, PEM"),
  KAFKA_ORIGINS: z
    .string()
    .default("")
    .transform((text) => (text === "" ? [] : text.split(",").map((origin) => origin.trim())))
    .refine((origins) => origins.every(isOrigin), {
      error: "must be origins such as https://rest-1.example:8082, separated by commas",
    })
    .describe("Origins beside KAFKA_URL's own that the proxy's base_uri may lead to, separated by commas"),
  KAFKA_REPORT_GROUP: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,200}$/, { error: "must be a group's name of letters, digits, dots, dashes" })
    .optional()
    .describe("Consumer group whose committed offsets follow our positions, for lag dashboards; unset reports none"),
  KAFKA_TOPIC_PARTITIONS: count(3, 1, 100).describe(
    "Partitions of topics of the embedded log; with Redpanda, which lists none, of every topic",
  ),
  EVENT_TOPICS: z
    .string()
    .optional()
    .describe(
      "Topics of events by their own type, like com.example.order.*=order-events,*.audit=audits; others: events",
    ),
  PARTITION_BY: z
    .string()
    .optional()
    .describe(`What flows are partitioned by, like memory=tenant; one of ${STRATEGIES.join(", ")}`),
  KAFKA_RETENTION_MS: count(0, 0, Number.MAX_SAFE_INTEGER).describe(
    "Age at which the embedded log drops records; 0 keeps them",
  ),
  KAFKA_RETENTION_BYTES: count(0, 0, Number.MAX_SAFE_INTEGER).describe(
    "Size per partition the embedded log keeps; 0 keeps all",
  ),
  KAFKA_PRODUCE_DEADLINE_MS: count(2_000, 10, 60_000).describe("How long a produce may take before the fallback runs"),
  KAFKA_READ_DEADLINE_MS: count(10_000, 10, 120_000).describe("How long a read may take beyond its wait"),
  KAFKA_BREAKER_FAILURES: count(5, 1, 1_000).describe("Failures in a row that open the breaker"),
  KAFKA_BREAKER_OPEN_MS: count(10_000, 10, 600_000).describe("How long the breaker stays open"),
  KAFKA_COALESCE_RECORDS: count(64, 1, 1_000).describe(
    "Single operations produced together at most; 1 sends each by itself",
  ),
  KAFKA_COALESCE_MS: count(2, 0, 100).describe("How long a produce waits for company at most"),
  NEO4J_URL: z
    .url({
      protocol: NEO4J_SCHEME,
      error: "must be a bolt://, neo4j:// or http(s):// URL, for example bolt://127.0.0.1:7687",
    })
    .optional()
    .describe("Neo4j by bolt:// or neo4j:// (also +s, +ssc), or http(s):// for its Query API; unset runs SQLite"),
  NEO4J_USER: z.string().min(1).default("neo4j").describe("User at Neo4j"),
  NEO4J_PASSWORD: z.string().optional().describe("Password at Neo4j"),
  NEO4J_DATABASE: z.string().min(1).default("neo4j").describe("Name of the database at Neo4j"),
  NEO4J_TIMEOUT_MS: count(10_000, 100, 120_000).describe(
    "How long a transaction, a lock or a request may take at Neo4j",
  ),
  TICK_RECORDS: whole(1, 10_000).optional().describe("Records a tick reads at most; unset 1000, with Neo4j 3000"),
  TICK_BYTES: whole(1_024, 16_777_216)
    .optional()
    .describe("Bytes a tick reads at a time; unset 1048576, with Neo4j 3145728"),
  TICK_WAIT_MS: count(200, 0, 30_000).describe("How long an idle tick waits for a record"),
  TICK_REQUESTS: count(45, 20, 10_000).describe(
    "On Workers: outside requests a tick makes at most; the free plan allows 50 in all, the paid one 10000",
  ),
  TICK_ALARM_MS: count(0, 0, 60_000).describe(
    "On Workers: how soon after a produce the Durable Object's alarm ticks; 0 leaves ticks to cron",
  ),
  CONSUMER_KEEP_MS: count(10_000, 1_000, 600_000).describe(
    "How long a silent consumer keeps its share of the partitions before the others take it over",
  ),
  PREPARE_AT_ONCE: count(32, 1, 1_000).describe("Calls of webhooks and text models under way together"),
  PREPARE_ATTEMPTS: count(8, 1, 100).describe("Attempts at prepared work before its failure is the result"),
  MODEL_URL: z
    .url({ protocol: /^https?$/, error: "must be an http(s) URL, for example https://api.openai.com/v1" })
    .optional()
    .describe("OpenAI-compatible endpoint of the text model; unset uses the local one"),
  MODEL_NAME: z.string().min(1).optional().describe("Model to ask for; needed with MODEL_URL"),
  MODEL_API_KEY: headerText.optional().describe("Key of the text model's endpoint"),
  // An attempt at prepared work ends after 60 s, and the local model must have its turn within it.
  MODEL_TIMEOUT_MS: count(30_000, 100, 45_000).describe(
    "How long the endpoint may take before the local model answers",
  ),
  WEBHOOKS: z
    .string()
    .optional()
    .describe('Webhooks that actions call: {"name": {"url": "https://…", "secret": "whsec_…"}}'),
  WEBHOOK_TIMEOUT_MS: count(10_000, 100, 60_000).describe("How long a webhook may take to answer"),
  WEBHOOK_ANSWER_BYTES_MAX: count(65_536, 0, 262_144).describe("Size of a webhook's answer"),
  WEBHOOK_ALLOW_INSECURE: flag
    .default("false")
    .describe("Allows webhooks over http and at addresses that are not public"),
  SCHEMA_REGISTRY_URL: z
    .url({ protocol: /^https?$/, error: "must be an http(s) URL, for example http://127.0.0.1:8081" })
    .optional()
    .describe(
      "Schema registry (Confluent's API) that the records' schemas are compared with at start; unset asks none",
    ),
  SCHEMA_REGISTRY_USER: z.string().min(1).optional().describe("User at the schema registry"),
  SCHEMA_REGISTRY_PASSWORD: z.string().min(1).optional().describe("Password or API secret of that user"),
  SCHEMA_REGISTRY_PUSH: flag.default("false").describe("Registers schemas that are missing and compatible at start"),
  LEDGER_RETENTION_MS: count(30 * DAY_MS, 0, Number.MAX_SAFE_INTEGER).describe(
    "How long outcomes are kept; 0 keeps them for ever",
  ),
  KEYS_RETENTION_MS: count(7 * DAY_MS, 0, Number.MAX_SAFE_INTEGER).describe(
    "How long idempotency keys are kept; 0 keeps them for ever",
  ),
  CANARY: flag.default("false").describe("Sends one operation per flow and minute, and watches that it arrives"),
  UNAPPLIED_AGE_MS_MAX: count(300_000, 0, 604_800_000).describe(
    "Age of a flow's oldest unapplied operation beyond which /readyz is red; 0 switches that off",
  ),
  BODY_BYTES_MAX: count(524_288, 1_024, 900_000).describe(
    "Size of one operation; stays below the topic's record limit",
  ),
  BATCH_BYTES_MAX: count(16_777_216, 1_024, 134_217_728).describe(
    "Size of a batch request; as a JSON array 4194304 at most",
  ),
  BATCH_ITEMS_MAX: count(10_000, 1, 100_000).describe("Operations in a batch request"),
  CORS_ORIGINS: z
    .string()
    .default("")
    .transform((text) => (text === "" ? [] : text.split(",").map((origin) => origin.trim())))
    .refine(areOrigins, { error: "must be * or origins such as https://app.example, separated by commas" })
    .describe("Origins whose pages may call the service, separated by commas, or *; unset allows none"),
  SHUTDOWN_DEADLINE_MS: count(10_000, 100, 120_000).describe("How long a shutdown waits for requests and the tick"),
  LOG_LEVEL: z
    .enum(["debug", "info", "warning", "error"], { error: "must be debug, info, warning or error" })
    .default("info")
    .describe("Least level of the log lines: debug, info, warning or error"),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Where traces go, OTLP over HTTP; unset records none"),
};
