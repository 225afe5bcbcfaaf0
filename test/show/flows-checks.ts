// What has to hold of every route of the show of all flows, beside equal dumps.
import { readFileSync } from "node:fs";
import type { Accepted } from "./flows-client.ts";
import { answerTo, type Notification, type Webhook } from "./flows-webhook.ts";
import type { LogContent } from "./gateway-log.ts";
import type { Checked } from "./stage.ts";

/** Requests whose results are operations of their own. */
const ASKING = new Set(["generate", "analyze", "evaluate", "execute"]);

/** The log holds every operation of the flows whose Kafka is on, and every result; a query only when it went by kafka. */
export function logHolds(accepted: readonly Accepted[], flowsOn: readonly string[], { ids }: LogContent) {
  const on = accepted.filter(({ flow }) => flowsOn.includes(flow));
  const wanted = on.filter(({ type, path }) => type !== "query" || path === "kafka").map(({ id }) => id);
  const results = on.filter(({ type }) => ASKING.has(type)).length;
  return {
    "the log holds each operation": wanted.every((id) => ids.has(id)),
    "beside them the log holds the results and nothing else": ids.size === wanted.length + results,
  };
}

/** Each execution had one effect, under its operation's id, and no call came that was not due. */
export function effectsHold(accepted: readonly Accepted[], { effects, received }: Webhook) {
  const executions = accepted.filter(({ type }) => type === "execute");
  const failing = executions.filter(({ id }) => {
    const call = received.find((one) => one.id === id);
    return call !== undefined && answerTo((call.body as { input: Notification }).input).failsFirst;
  });
  return {
    "each execution had its effect once": executions.every(({ id, entity }) => effects.get(id) === entity.id),
    "nothing else had an effect": effects.size === executions.length,
    "first attempts failed, and the next ones did not": failing.length > 0,
    "no execution was called again after its answer": received.length === executions.length + failing.length,
  };
}

/** Each flow's counts by path are those that the answers said. */
export function pathsAgree({ flows: checked }: Checked, accepted: readonly Accepted[]): boolean {
  return Object.entries(checked).every(([name, { byPath }]) =>
    Object.entries(byPath).every(
      ([path, count]) => accepted.filter((one) => one.flow === name && one.path === path).length === count,
    ),
  );
}

/** Registers that models and webhooks fill, and what clients say beside them. */
const SAID = [
  ["Summary", "summary"],
  ["Thought", "analysis"],
  ["Evaluation", "evaluation"],
  ["Action", "response"],
  ["Action", "completion"],
] as const;

/** Their members in a plain dump, as one text. */
export function heldMembers(path: string): string {
  const members = new Map(SAID.map(([kind, field]) => [`${kind}.${field}`, new Set<string>()]));
  for (const line of readFileSync(path, "utf8").trimEnd().split("\n")) {
    const { labels, fields } = JSON.parse(line) as { labels?: string[]; fields?: { [name: string]: object } };
    for (const [kind, field] of SAID) {
      if (labels?.[0] !== kind) continue;
      for (const name of Object.keys(fields?.[field] ?? {})) members.get(`${kind}.${field}`)!.add(name);
    }
  }
  return [...members].map(([name, set]) => `${name} {${[...set].sort().join(", ")}}`).join("; ");
}

/** Adds what does not hold to the failures. */
export function expecting<Found extends { readonly failures: readonly string[] }>(
  found: Found,
  holds: { readonly [statement: string]: boolean },
): Found {
  const failed = Object.entries(holds).flatMap(([statement, held]) => (held ? [] : [`not so: ${statement}`]));
  return { ...found, failures: [...found.failures, ...failed] };
}
