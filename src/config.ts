// From an environment record to a frozen configuration. Pure: nothing else in the house reads the environment, and all
// problems are reported at once.
import * as z from "zod";
import type { Flow } from "./flows/define.ts";

const flag = z.enum(["true", "false", "1", "0", "on", "off"], {
  error: "must be true, false, 1, 0, on or off",
});

const isOn = (value: string): boolean => value === "true" || value === "1" || value === "on";

const count = (fallback: number, min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  const isWithin = (value: number): boolean => Number.isSafeInteger(value) && value >= min && value <= max;
  return z.coerce.number({ error }).refine(isWithin, { error }).default(fallback);
};

const ROLES = ["all", "api", "consumer"] as const;
const DIALECTS = ["tidegate"] as const;

const secret = z.string().min(16, { error: "must have at least 16 characters" });

/** Every variable but the flows' switches, with its default. */
export const variables = {
  HOST: z.string().default("127.0.0.1").describe("Address to listen on; beyond loopback only with AUTH=none"),
  PORT: count(8787, 0, 65_535).describe("Port to listen on; 0 takes a free one"),
  AUTH: z
    .enum(["none"], { error: 'must be "none" or unset' })
    .optional()
    .describe('"none" allows listening beyond loopback'),
  ROLE: z
    .enum(ROLES, { error: `must be one of ${ROLES.join(", ")}` })
    .default("all")
    .describe("What this process does: all, api (takes operations) or consumer (applies them)"),
  CONSUME: z.string().optional().describe("Flows this consumer reads, separated by commas; unset reads all"),
  DATA_DIR: z.string().min(1).default("./data").describe("Folder of the embedded files"),
  SQLITE_SYNCHRONOUS: z
    .enum(["normal", "full"], { error: "must be normal or full" })
    .default("normal")
    .describe("normal survives a crash of the process, full also a power cut"),
  ID_SECRET: secret.optional().describe("Makes operation ids; embedded it is kept in DATA_DIR"),
  ID_SECRET_PREVIOUS: secret.optional().describe("The secret before, still honoured"),
  ENABLE_KAFKA: flag.default("true").describe("Kafka for every flow that has no switch of its own"),
  KAFKA_URL: z
    .url({ protocol: /^https?$/, error: "must be an http(s) URL, for example http://127.0.0.1:8082?dialect=tidegate" })
    .optional()
    .describe("Kafka's HTTP proxy, with ?dialect=; unset runs the embedded one"),
  KAFKA_CLUSTER: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe("Names the cluster in positions; default is the URL's host"),
  KAFKA_TOPIC_PARTITIONS: count(3, 1, 100).describe("Partitions of topics that the embedded gateway makes"),
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
  KAFKA_COALESCE_RECORDS: count(64, 1, 1_000).describe("Single operations produced together at most"),
  KAFKA_COALESCE_MS: count(2, 0, 100).describe("How long a produce waits for company at most"),
  TICK_RECORDS: count(1_000, 1, 10_000).describe("Records a tick reads at most"),
  TICK_BYTES: count(1_048_576, 1_024, 16_777_216).describe("Bytes a tick reads at a time"),
  TICK_WAIT_MS: count(200, 0, 30_000).describe("How long an idle tick waits for a record"),
  BODY_BYTES_MAX: count(524_288, 1_024, 900_000).describe(
    "Size of one operation; stays below the topic's record limit",
  ),
  BATCH_BYTES_MAX: count(16_777_216, 1_024, 134_217_728).describe("Size of a batch request"),
  BATCH_ITEMS_MAX: count(10_000, 1, 100_000).describe("Operations in a batch request"),
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

const schema = z.object(variables);

/** The service's configuration. */
export interface Config extends Readonly<Omit<z.infer<typeof schema>, "ENABLE_KAFKA" | "CONSUME" | "KAFKA_URL">> {
  /** Names of flows whose Kafka is on. */
  readonly flowsOn: ReadonlySet<string>;
  /** Flows this process consumes. */
  readonly consume: readonly string[];
  /** The proxy without its dialect; undefined is the embedded gateway. */
  readonly kafka: { readonly url: string; readonly dialect: (typeof DIALECTS)[number] } | undefined;
}

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
  const consume = readConsume(given.CONSUME, flows, problems);
  const kafka = readKafkaUrl(given.KAFKA_URL, problems);
  problems.push(...bindingProblems(given));
  if (parsed.data === undefined || problems.length > 0) throw new ConfigError(problems);
  const { ENABLE_KAFKA: _, CONSUME: __, KAFKA_URL: ___, ...rest } = parsed.data;
  return Object.freeze({ ...rest, flowsOn, consume, kafka });
}

/** Variables whose values are nobody's business. */
const SECRETS: ReadonlySet<string> = new Set(["ID_SECRET", "ID_SECRET_PREVIOUS"]);

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

function readConsume(value: string | undefined, flows: readonly Flow[], problems: string[]): string[] {
  const known = flows.map(({ name }) => name);
  if (value === undefined) return known;
  const names = value.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const strangers = unknown.map((name) => JSON.stringify(name)).join(", ");
    problems.push(`CONSUME names ${strangers}; flows are ${known.join(", ")}`);
  }
  return [...new Set(names)];
}

function readKafkaUrl(value: string | undefined, problems: string[]): Config["kafka"] {
  if (value === undefined || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  if (url.username !== "" || url.password !== "") problems.push("KAFKA_URL must hold no user and password");
  const dialect = url.searchParams.get("dialect") ?? "tidegate";
  if (!DIALECTS.includes(dialect as (typeof DIALECTS)[number])) {
    problems.push(`KAFKA_URL has dialect "${dialect}"; this release speaks ${DIALECTS.join(", ")}`);
  }
  url.search = "";
  url.hash = "";
  return { url: url.href.replace(/\/$/, ""), dialect: dialect as (typeof DIALECTS)[number] };
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

/** Beyond loopback somebody else can reach the service. */
function bindingProblems({ HOST, AUTH, ID_SECRET }: Record<string, string | undefined>): string[] {
  if (HOST === undefined || LOOPBACK.test(HOST)) return [];
  const problems: string[] = [];
  if (AUTH !== "none")
    problems.push(`HOST is "${HOST}", beyond loopback, and there are no credentials: set AUTH=none to allow that`);
  if (ID_SECRET === undefined) problems.push(`ID_SECRET must be set when HOST ("${HOST}") is beyond loopback`);
  return problems;
}
