// What a consumer takes, as CONSUME names it: whole flows, or topics of a flow. Everybody who asks asks here.
import { topicsOf } from "./configure.ts";
import type { Flow } from "./define.ts";

/** The name of one topic of a flow, which neither a flow nor a topic can have: they hold no slash. */
const partOf = (flow: string, topic: string): string => `${flow}/${topic}`;

/**
 * Reads names of flows and topics, separated by commas; undefined is every flow. A name that a flow and a topic have is the
 * flow's, so that nobody gets less than was asked for; `flow/topic` is always the topic. Answers each thing once, in the order
 * of the flows: `flow` where all of its topics are named, else `flow/topic`.
 */
export function readConsume(value: string | undefined, flows: readonly Flow[], problems: string[]): readonly string[] {
  if (value === undefined) return flows.map(({ name }) => name);
  const known = new Set(flows.map(({ name }) => name));
  const names = new Set(value.split(",").map((name) => name.trim()));
  const isNamed = (flow: Flow, topic: string): boolean =>
    names.has(flow.name) || names.has(partOf(flow.name, topic)) || (names.has(topic) && !known.has(topic));
  const all = new Set([...known, ...topicsOf(flows), ...flows.flatMap(partsOf)]);
  const unknown = [...names].filter((name) => !all.has(name));
  if (unknown.length > 0) {
    const strangers = unknown.map((name) => JSON.stringify(name)).join(", ");
    const topics = flows.flatMap((flow) =>
      flow.topics.map((topic) => (known.has(topic) ? partOf(flow.name, topic) : topic)),
    );
    problems.push(`CONSUME names ${strangers}; flows are ${[...known].join(", ")}; topics are ${topics.join(", ")}`);
  }
  return flows.flatMap((flow) => {
    const topics = flow.topics.filter((topic) => isNamed(flow, topic));
    return topics.length === flow.topics.length ? [flow.name] : topics.map((topic) => partOf(flow.name, topic));
  });
}

const partsOf = ({ name, topics }: Flow): string[] => topics.map((topic) => partOf(name, topic));

/** Whether a consumer of these names, as {@link readConsume} answers them, takes a topic of a flow. */
export function takesTopic(names: readonly string[], flow: string, topic: string): boolean {
  return names.includes(flow) || names.includes(partOf(flow, topic));
}

/** Whether it takes a flow or some of its topics. */
export function takesSome(names: readonly string[], flow: string): boolean {
  return names.some((name) => name === flow || name.startsWith(partOf(flow, "")));
}

/** The topics that it takes of these flows. */
export function topicsTaken(names: readonly string[], flows: readonly Flow[]): string[] {
  return flows.flatMap(({ name, topics }) => topics.filter((topic) => takesTopic(names, name, topic)));
}
