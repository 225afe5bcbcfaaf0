// Who answers at an address: told from what each proxy alone answers to harmless GETs, and likewise for what people take
// for a proxy by mistake.
import { complaint, fieldsOf } from "./proxy-answer.ts";
import type { ProxyAnswer, ProxyCall } from "./proxy-call.ts";

/** What was recognised; `v2` speaks the family's common tongue and nothing more. */
export type Identity =
  | { readonly kind: "proxy"; readonly speaks: readonly string[]; readonly name: string }
  | { readonly kind: "stranger"; readonly name: string }
  | { readonly kind: "locked"; readonly status: number }
  /** It answers, and cannot serve: what is behind it may be down. */
  | { readonly kind: "ailing"; readonly status: number; readonly complaint: string }
  | { readonly kind: "no_answer"; readonly answer: ProxyAnswer };

const META = "application/vnd.kafka.v2+json";

/** An answer's body as text and, where it is JSON, as its value. */
interface Page {
  readonly status: number;
  readonly text: string;
  readonly json: unknown;
}

/** Asks who answers. `signal` bounds the whole of it. */
export async function identify(call: ProxyCall, signal: AbortSignal): Promise<Identity> {
  const get = async (path: string, accept = "*/*"): Promise<Page | ProxyAnswer> => {
    const answer = await call({ method: "GET", path, accept, signal, parse: (text) => text });
    return answer.kind === "answered" ? page(answer.status, String(answer.body)) : answer;
  };
  const topics = await get("/topics", META);
  if ("kind" in topics) return { kind: "no_answer", answer: topics };
  const root = await get("/");
  const home = "kind" in root ? page(0, "") : root;
  const bridge = fieldsOf(home.json).bridge_version;
  if (typeof bridge === "string") return proxy(["strimzi"], `Strimzi's bridge ${bridge}`);
  const neo4j = neo4jOf(home) ?? neo4jOf(topics);
  if (neo4j !== undefined) return { kind: "stranger", name: neo4j };
  if (topics.status === 401 || topics.status === 403) return { kind: "locked", status: topics.status };
  if (topics.status >= 500) return { kind: "ailing", status: topics.status, complaint: complaint(topics.json) };
  // Whoever lists topics is a proxy, whatever stands before its other paths.
  if (topics.json === undefined && (isWebPage(home) || isWebPage(topics)))
    return { kind: "stranger", name: "a web page" };
  const json = async (path: string): Promise<Page> => {
    const answer = await get(path);
    return "kind" in answer ? page(0, "") : answer;
  };
  const health = await json("/health");
  if (fieldsOf(health.json).name === "tidegate")
    return { kind: "stranger", name: "a Tidegate service, not its gateway" };
  if (topics.status !== 200) {
    const subjects = await json("/subjects");
    if (Array.isArray(subjects.json)) return { kind: "stranger", name: "a schema registry" };
    return { kind: "stranger", name: `something that answers ${topics.status} to GET /topics` };
  }
  if (!Array.isArray(topics.json)) {
    const isCounts = Object.values(fieldsOf(topics.json)).every((count) => typeof count === "number");
    if (isCounts && typeof topics.json === "object" && topics.json !== null) {
      return proxy(["upstash"], "the Upstash REST API");
    }
    return { kind: "stranger", name: "something whose GET /topics is no list of topics" };
  }
  if (fieldsOf(health.json).status === "ok") {
    return proxy(["tidegate", "confluent", "karapace", "upstash"], "Tidegate's gateway");
  }
  if ((await json("/_health")).status === 200) {
    return proxy(["karapace", "confluent"], "Karapace");
  }
  if (Array.isArray(fieldsOf((await json("/v3/clusters")).json).data)) {
    return proxy(["confluent", "confluent-v3"], "Confluent's REST Proxy with v3");
  }
  if ((await json("/status/ready")).status === 200) return proxy(["redpanda"], "Redpanda's HTTP proxy");
  return proxy(["confluent", "karapace"], "a REST proxy of the v2 family");
}

function proxy(speaks: readonly string[], name: string): Identity {
  return { kind: "proxy", speaks, name };
}

function page(status: number, text: string): Page {
  try {
    return { status, text, json: JSON.parse(text) };
  } catch {
    return { status, text, json: undefined };
  }
}

/** Which of Neo4j's ports was taken for a proxy by mistake. */
function neo4jOf({ text, json }: Page): string | undefined {
  const { neo4j_version, bolt_direct } = fieldsOf(json);
  if (neo4j_version !== undefined || bolt_direct !== undefined) return "Neo4j's HTTP port";
  return /WS handshake|websocket handshake/i.test(text) ? "Neo4j's bolt port" : undefined;
}

function isWebPage({ text }: Page): boolean {
  return /^\s*(<!doctype html|<html)/i.test(text);
}
