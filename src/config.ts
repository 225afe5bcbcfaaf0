// From an environment record to a frozen configuration. Pure: nothing else in the house reads the environment, and all
// problems are reported at once.
import * as z from "zod";
import { credentialProblems, type KafkaProxy, readKafkaUrl } from "./config/kafka-url.ts";
import { isLoopback } from "./config/loopback.ts";
import { type Neo4jServer, neo4jUrlProblems, readNeo4jUrl } from "./config/neo4j-url.ts";
import { flag, isOn, variables } from "./config/variables.ts";
import { parseKeyEntries } from "./domain/key-entry.ts";
import type { Principal } from "./domain/principal.ts";
import { configureFlows, type Routing } from "./flows/configure.ts";
import { readConsume } from "./flows/consumption.ts";
import type { Flow } from "./flows/define.ts";
import { readEventTopics, readPartitionBy } from "./flows/routing.ts";

const schema = z.object(variables);

/** Partitions that are read together: as many as the gateway answers for in one request. */
const READ_PARTITIONS_MAX = 1_000;

/** Variables that a configuration holds in another form. */
type Translated =
  | "ENABLE_KAFKA"
  | "CONSUME"
  | "KAFKA_URL"
  | "EVENT_TOPICS"
  | "PARTITION_BY"
  | "WEBHOOK_ALLOW_INSECURE"
  | "CANARY"
  | "SCHEMA_REGISTRY_PUSH"
  | "API_KEYS"
  | "NEO4J_URL"
  | "NEO4J_USER"
  | "NEO4J_PASSWORD"
  | "NEO4J_DATABASE"
  | "NEO4J_TIMEOUT_MS"
  | "TICK_RECORDS"
  | "TICK_BYTES";

/** The service's configuration. */
export interface Config extends Readonly<Omit<z.infer<typeof schema>, Translated>>, Routing {
  /** Names of flows whose Kafka is on. */
  readonly flowsOn: ReadonlySet<string>;
  /** What this process consumes: names of flows, and `flow/topic` where it takes a part of one. */
  readonly consume: readonly string[];
  /** Principals by the hash of their key; undefined asks nobody for one. */
  readonly keys: ReadonlyMap<string, Principal> | undefined;
  readonly webhooksInsecure: boolean;
  readonly canary: boolean;
  /** Registers the schemas that are missing at the registry. */
  readonly pushesSchemas: boolean;
  /** The proxy without its dialect; undefined is the embedded log. */
  readonly kafka: KafkaProxy | undefined;
  /** Undefined is the embedded SQLite. */
  readonly neo4j: Neo4jServer | undefined;
  /** Bounds of what a tick reads. */
  readonly tick: { readonly records: number; readonly bytes: number };
}

/** What a tick reads unless it is said: a transaction on files; on Neo4j, beyond a network, several side by side. */
const TICK = { records: 1_000, bytes: 1_048_576 };
const TICK_NEO4J = { records: 3_000, bytes: 3_145_728 };

/** All problems of a configuration, one line each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      problems.length === 1
        ? `The configuration has a problem: ${problems[0]}`
        : `The configuration has ${problems.length} problems:\n  ${problems.join("\n  ")}`,
    );
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** Reads the configuration; unset and empty are the same. Throws ConfigError with every problem. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>, flows: readonly Flow[]): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ""),
  );
  const problems: string[] = [];
  const parsed = schema.safeParse(given);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]);
    problems.push(SECRETS.has(name) ? `${name} ${issue.message}` : said(name, issue.message, given[name]));
  }
  const flowsOn = readSwitches(given, flows, problems);
  const kafka = readKafkaUrl(given.KAFKA_URL, problems);
  problems.push(...credentialProblems(given, kafka));
  const keys = readKeys(given, flows, problems);
  const eventTopics = readEventTopics(given.EVENT_TOPICS, flows, problems);
  const partitionBy = readPartitionBy(given.PARTITION_BY, flows, problems);
  const configured = configureFlows(flows, { eventTopics, partitionBy });
  const consume = readConsume(given.CONSUME, configured, problems);
  const topics = new Set([...flows, ...eventTopics].map(({ topic }) => topic));
  const partitions = topics.size * (parsed.data?.KAFKA_TOPIC_PARTITIONS ?? 0);
  if (kafka === undefined && partitions > READ_PARTITIONS_MAX) {
    problems.push(`EVENT_TOPICS and KAFKA_TOPIC_PARTITIONS make more than ${READ_PARTITIONS_MAX} partitions to read`);
  }
  problems.push(...bindingProblems(given));
  problems.push(...modelProblems(given));
  problems.push(...neo4jUrlProblems(given));
  problems.push(...registryProblems(given));
  if (parsed.data === undefined || problems.length > 0) throw new ConfigError(problems);
  const {
    ENABLE_KAFKA: _,
    CONSUME: __,
    KAFKA_URL: ___,
    EVENT_TOPICS: ____,
    PARTITION_BY: _____,
    API_KEYS: ______,
    WEBHOOK_ALLOW_INSECURE,
    CANARY,
    NEO4J_URL,
    NEO4J_USER,
    NEO4J_PASSWORD,
    NEO4J_DATABASE,
    NEO4J_TIMEOUT_MS,
    SCHEMA_REGISTRY_PUSH,
    TICK_RECORDS,
    TICK_BYTES,
    ...rest
  } = parsed.data;
  const tick = NEO4J_URL === undefined ? TICK : TICK_NEO4J;
  return Object.freeze({
    ...rest,
    flowsOn,
    consume,
    keys,
    kafka,
    neo4j: readNeo4jUrl({ NEO4J_URL, NEO4J_USER, NEO4J_PASSWORD, NEO4J_DATABASE, NEO4J_TIMEOUT_MS }),
    tick: { records: TICK_RECORDS ?? tick.records, bytes: TICK_BYTES ?? tick.bytes },
    eventTopics,
    partitionBy,
    webhooksInsecure: isOn(WEBHOOK_ALLOW_INSECURE),
    canary: isOn(CANARY),
    pushesSchemas: isOn(SCHEMA_REGISTRY_PUSH),
  });
}

/** Variables whose values are nobody's business. */
const SECRETS: ReadonlySet<string> = new Set([
  "ID_SECRET",
  "ID_SECRET_PREVIOUS",
  "KAFKA_USERNAME",
  "KAFKA_PASSWORD",
  "KAFKA_TOKEN",
  "MODEL_URL",
  "MODEL_API_KEY",
  "WEBHOOKS",
  "NEO4J_URL",
  "NEO4J_PASSWORD",
  "SCHEMA_REGISTRY_URL",
  "SCHEMA_REGISTRY_PASSWORD",
]);

function said(name: string, what: string, value: string | undefined): string {
  return `${name} ${what}; it is ${JSON.stringify(value)}`;
}

/** The truth table of the switches. */
function readSwitches(
  given: Record<string, string | undefined>,
  flows: readonly Flow[],
  problems: string[],
): Set<string> {
  const global = flag.safeParse(given.ENABLE_KAFKA ?? "true");
  const on = new Set<string>();
  for (const flow of flows) {
    const { variable, followsGlobal } = flow.switch;
    const own = given[variable];
    const parsed = flag.safeParse(own ?? (followsGlobal ? (global.data ?? "true") : "false"));
    if (!parsed.success) problems.push(said(variable, parsed.error.issues[0]!.message, own));
    else if (isOn(parsed.data)) on.add(flow.name);
  }
  return on;
}

function readKeys(
  { API_KEYS, AUTH }: Record<string, string | undefined>,
  flows: readonly Flow[],
  problems: string[],
): Config["keys"] {
  if (API_KEYS === undefined) return undefined;
  if (AUTH === "none") problems.push("API_KEYS and AUTH=none contradict each other: unset one of them");
  const { principals, faults } = parseKeyEntries(API_KEYS, flows);
  problems.push(...faults.map((fault) => `API_KEYS ${fault}`));
  return principals;
}

function registryProblems(given: Record<string, string | undefined>): string[] {
  const { SCHEMA_REGISTRY_URL: address, SCHEMA_REGISTRY_USER: user, SCHEMA_REGISTRY_PASSWORD: password } = given;
  const url = address === undefined ? null : URL.parse(address);
  return [
    ...(url !== null && (url.username !== "" || url.password !== "")
      ? ["SCHEMA_REGISTRY_URL must hold no user and password: use SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD"]
      : []),
    ...((user === undefined) === (password === undefined)
      ? []
      : ["SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD go together: set both or none"]),
  ];
}

function modelProblems({ MODEL_URL, MODEL_NAME }: Record<string, string | undefined>): string[] {
  const url = MODEL_URL === undefined ? null : URL.parse(MODEL_URL);
  return [
    ...(url !== null && (url.username !== "" || url.password !== "")
      ? ["MODEL_URL must hold no user and password"]
      : []),
    ...(MODEL_URL !== undefined && MODEL_NAME === undefined ? ["MODEL_NAME must be set when MODEL_URL is"] : []),
  ];
}

/** Beyond loopback somebody else can reach the service. */
function bindingProblems({ HOST, AUTH, API_KEYS, ID_SECRET }: Record<string, string | undefined>): string[] {
  if (HOST === undefined || isLoopback(HOST)) return [];
  const problems: string[] = [];
  if (AUTH !== "none" && API_KEYS === undefined) {
    const advice = "set API_KEYS (tidegate keys create makes a key), or AUTH=none to allow that";
    problems.push(`HOST is "${HOST}", beyond loopback, and there are no credentials: ${advice}`);
  }
  if (ID_SECRET === undefined) problems.push(`ID_SECRET must be set when HOST ("${HOST}") is beyond loopback`);
  return problems;
}
