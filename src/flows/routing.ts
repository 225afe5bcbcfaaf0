// EVENT_TOPICS and PARTITION_BY as they are written: lists of pairs, read whole, with every problem said at once.
import type { TopicRoute } from "./configure.ts";
import type { Flow } from "./define.ts";
import { STRATEGIES, type Strategy } from "./partition.ts";

const ROUTES_MAX = 100;
/** What Kafka takes as a topic's name. */
const TOPIC = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/;

/** Reads `pattern=topic,…`. The pattern is what stands before the last `=`: a type may hold one, a topic cannot. */
export function readEventTopics(
  value: string | undefined,
  flows: readonly Flow[],
  problems: string[],
): readonly TopicRoute[] {
  const routes = pairs("EVENT_TOPICS", "com.example.order.*=order-events", value, problems);
  if (routes.length > ROUTES_MAX) problems.push(`EVENT_TOPICS has ${routes.length} entries, more than ${ROUTES_MAX}`);
  const seen = new Set<string>();
  for (const [pattern, topic] of routes) {
    const owner = flows.find((flow) => flow.routeBy === undefined && flow.topics.includes(topic));
    if (!TOPIC.test(topic)) {
      const allowed = "a topic has 1 to 249 letters, digits, dots, underscores and hyphens, and is not . or ..";
      problems.push(`EVENT_TOPICS names topic ${JSON.stringify(topic)}; ${allowed}`);
    } else if (owner !== undefined) {
      problems.push(`EVENT_TOPICS names topic "${topic}", which is that of ${owner.name}: a topic serves one flow`);
    }
    if (pattern !== "" && seen.has(pattern)) {
      problems.push(`EVENT_TOPICS has pattern ${JSON.stringify(pattern)} twice; the first match wins`);
    }
    seen.add(pattern);
  }
  return routes.map(([pattern, topic]) => ({ pattern, topic }));
}

/** Reads `flow=strategy,…`. */
export function readPartitionBy(
  value: string | undefined,
  flows: readonly Flow[],
  problems: string[],
): ReadonlyMap<string, Strategy> {
  const known = flows.map(({ name }) => name);
  const chosen = new Map<string, Strategy>();
  for (const [flow, strategy] of pairs("PARTITION_BY", "chat-messages=user", value, problems)) {
    if (!known.includes(flow)) {
      problems.push(`PARTITION_BY names ${JSON.stringify(flow)}; flows are ${known.join(", ")}`);
    } else if (chosen.has(flow)) problems.push(`PARTITION_BY names ${flow} twice`);
    if (!STRATEGIES.includes(strategy as Strategy)) {
      const strategies = STRATEGIES.join(", ");
      problems.push(`PARTITION_BY has strategy ${JSON.stringify(strategy)}; strategies are ${strategies}`);
    }
    chosen.set(flow, strategy as Strategy);
  }
  return chosen;
}

function pairs(name: string, example: string, value: string | undefined, problems: string[]): [string, string][] {
  const read: [string, string][] = [];
  for (const entry of value?.split(",") ?? []) {
    const at = entry.lastIndexOf("=");
    if (at === -1) problems.push(`${name} has ${JSON.stringify(entry)}; an entry is like ${example}`);
    else read.push([entry.slice(0, at).trim(), entry.slice(at + 1).trim()]);
  }
  return read;
}
