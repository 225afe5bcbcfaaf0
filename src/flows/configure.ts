// The flows as a configuration routes them: which topic an operation goes to, and by what it is partitioned there.
import type { Flow } from "./define.ts";
import { partitionKeys, type Strategy } from "./partition.ts";

/** Operations whose route matches the pattern go to the topic; `*` stands for any characters. */
export interface TopicRoute {
  readonly pattern: string;
  readonly topic: string;
}

/** What of a configuration concerns the log. */
export interface Routing {
  /** The first match wins. An empty pattern matches nothing: its topic is still read. */
  readonly eventTopics: readonly TopicRoute[];
  /** Strategies by the name of the flow; the others keep their own choice. */
  readonly partitionBy: ReadonlyMap<string, Strategy>;
}

/** The flows with the topics and partition keys of a configuration; nothing else about them changes. */
export function configureFlows(flows: readonly Flow[], { eventTopics, partitionBy }: Routing): readonly Flow[] {
  return flows.map((flow) => {
    const keyed = { ...flow, partitionKeyOf: partitionKeys(flow, partitionBy.get(flow.name)) };
    const { routeBy } = flow;
    if (routeBy === undefined || eventTopics.length === 0) return keyed;
    const matchers = eventTopics.map(({ pattern, topic }) => ({ matches: matcher(pattern), topic }));
    return {
      ...keyed,
      topics: [...new Set([flow.topic, ...eventTopics.map(({ topic }) => topic)])],
      topicOf: ({ data }) => {
        const route = routeBy(data);
        if (route === undefined) return flow.topic;
        return matchers.find(({ matches }) => matches(route))?.topic ?? flow.topic;
      },
    };
  });
}

/** Every topic of these flows, once. */
export function topicsOf(flows: readonly Flow[]): string[] {
  return [...new Set(flows.flatMap(({ topics }) => topics))];
}

/** Whether a text matches a pattern, in time that grows with the text and not with the number of its wildcards. */
function matcher(pattern: string): (text: string) => boolean {
  const [head, ...rest] = pattern.split("*") as [string, ...string[]];
  const tail = rest.pop();
  if (tail === undefined) return (text) => text === head;
  return (text) => {
    if (!text.startsWith(head)) return false;
    let at = head.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return text.length - tail.length >= at && text.endsWith(tail);
  };
}
