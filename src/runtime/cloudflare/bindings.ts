// What a Worker is given: bindings, and variables and secrets; and the configuration that follows from them.
import type { DurableObjectNamespace, Fetcher, Rpc } from "@cloudflare/workers-types";
import type { TickReport } from "../../app/tick.ts";
import { isOn, variables } from "../../config/variables.ts";
import { type Config, ConfigError, parseConfig } from "../../config.ts";
import { flows } from "../../flows/index.ts";

/** The methods of the service's Durable Object that Workers call. */
export interface ObjectMethods extends Rpc.DurableObjectBranded {
  tick(first: number): Promise<TickReport>;
}

/** The bindings of `wrangler.toml`. Everything else is a variable or a secret by its name in the configuration. */
export interface Bindings {
  readonly TIDEGATE?: DurableObjectNamespace<ObjectMethods>;
  /** Scripts and styles of the pages; without it they are plain. */
  readonly ASSETS?: Fetcher;
  readonly [name: string]: unknown;
}

/** A Worker's own name for what a long-lived process keeps in a file. */
const NO_SECRET = "ID_SECRET must be set: npx wrangler secret put ID_SECRET, or a line in .dev.vars";
const NO_OBJECT = "the binding TIDEGATE is missing: see [[durable_objects.bindings]] in wrangler.toml";
const NO_BOLT = "NEO4J_URL must be http(s): Workers speak the Query API of Neo4j";

/** What a Worker cannot do, which nobody is to believe in: variables that only count elsewhere. */
const ELSEWHERE: { readonly [variable: string]: string } = {
  KAFKA_TLS_CERT: "a Worker has no files: bind the certificate in front of the proxy, or use KAFKA_TOKEN",
  KAFKA_TLS_KEY: "a Worker has no files: bind the certificate in front of the proxy, or use KAFKA_TOKEN",
  KAFKA_TLS_CA: "a Worker has no files: the proxy needs a certificate that browsers trust",
  SCHEMA_REGISTRY_URL: "a Worker has no start at which it could compare: use tidegate schemas check",
  CANARY: "a Worker lives too short to watch what it sent: post an operation from outside",
};

/**
 * The configuration of a Worker, which everybody can reach: without API_KEYS nobody is let in unless AUTH is "none".
 * Throws ConfigError with every problem, a missing secret or binding among them.
 */
export function workerConfig(bindings: Bindings): Config {
  const texts = textsOf(bindings);
  const problems: string[] = [];
  if ((texts.ID_SECRET ?? "").trim() === "") problems.push(NO_SECRET);
  if (bindings.TIDEGATE === undefined) problems.push(NO_OBJECT);
  for (const [name, why] of Object.entries(ELSEWHERE)) {
    const value = (texts[name] ?? "").trim();
    if (value !== "" && (name !== "CANARY" || isOn(value))) problems.push(`${name} must be unset on Workers: ${why}`);
  }
  let config: Config | undefined;
  try {
    // The rule about HOST is for processes that listen; here there are others.
    config = parseConfig({ ...texts, HOST: undefined }, flows);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  if (config?.neo4j?.protocol === "bolt") problems.push(NO_BOLT);
  if (config === undefined || problems.length > 0) throw new ConfigError(problems);
  return config.AUTH === "none" ? config : { ...config, keys: config.keys ?? new Map() };
}

/** Names that the configuration reads: anything else that is no text is a binding of somebody's own. */
const NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(variables),
  ...flows.map(({ switch: { variable } }) => variable),
]);

/** The variables as a process would have them in its environment: `[vars]` also takes numbers, booleans and tables. */
function textsOf(bindings: Bindings): Record<string, string> {
  const entries = Object.entries(bindings).flatMap(([name, value]): [string, string][] => {
    if (typeof value === "string") return [[name, value]];
    if (!NAMES.has(name) || value === null || value === undefined) return [];
    return [[name, typeof value === "object" ? JSON.stringify(value) : String(value)]];
  });
  return Object.fromEntries(entries);
}
