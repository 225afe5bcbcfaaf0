// What the position rows say: sums by flow, and what lies between our positions and the ends of the logs.
import {
  addCounts,
  type Counts,
  generationAfter,
  NO_COUNTS,
  parsePositionKey,
  positionKey,
  resetKey,
  type StripeSort,
} from "../domain/accounting.ts";
import { topicsOf } from "../flows/configure.ts";
import type { Flow } from "../flows/define.ts";
import { type Broker, ENDS_ONLY, type ReadFrom, type TopicInfo } from "../ports/broker.ts";
import type { PositionRow } from "../ports/database.ts";

/** Counts of one flow, by the path its operations took. */
export type PathCounts = Readonly<Record<StripeSort | "kafka", Counts>>;

/** Sums of the rows of each flow; every flow has its entry. */
export function countsByFlow(flows: readonly Flow[], rows: readonly PositionRow[]): Map<string, PathCounts> {
  const sums = new Map(
    flows.map((flow): [string, Record<StripeSort | "kafka", Counts>] => [
      flow.name,
      { kafka: NO_COUNTS, direct: NO_COUNTS, fallback: NO_COUNTS, prepared: NO_COUNTS, decided: NO_COUNTS },
    ]),
  );
  for (const { key, counts } of rows) {
    const at = countedAt(flows, key);
    const held = sums.get(at?.flow ?? "");
    if (at !== null && held !== undefined) held[at.path] = addCounts(held[at.path], counts);
  }
  return sums;
}

/** The flow and the path that a row counts; null for a row that counts resets, or a topic of no flow. */
export function countedAt(flows: readonly Flow[], key: string): { flow: string; path: StripeSort | "kafka" } | null {
  if (isReset(key)) return null;
  const place = parsePositionKey(key);
  const flow = place.path === "kafka" ? flows.find(({ topics }) => topics.includes(place.topic))?.name : place.flow;
  return flow === undefined ? null : { flow, path: place.path };
}

/** Whether a row counts resets of a log, not records. */
export function isReset(key: string): boolean {
  return key.startsWith("reset/");
}

/** One partition, the key of its position, and the position as the offset to read from. */
export interface Place extends ReadFrom {
  readonly key: string;
}

/** Every partition of these topics with our position in it. */
export function placesIn(topics: readonly TopicInfo[], cluster: string, rows: readonly PositionRow[]): Place[] {
  const held = new Map(rows.map(({ key, next }) => [key, next]));
  return topics.flatMap(({ name, partitions, generation }) =>
    Array.from({ length: partitions }, (_, partition) => {
      const resets = held.get(resetKey(cluster, name, partition, generation)) ?? 0;
      const key = positionKey(cluster, name, partition, generationAfter(generation, resets));
      return { key, topic: name, partition, offset: held.get(key) ?? 0 };
    }),
  );
}

/**
 * Where each partition of the flows' topics ends, by the key of its position; null when the broker does not answer, and
 * an `end` of null when its dialect does not tell.
 */
export type Ends = ReadonlyMap<string, { readonly topic: string; readonly end: number | null }> | null;

/** Asks the broker where the flows' topics end. */
export async function readEnds(
  { flows, broker }: { readonly flows: readonly Flow[]; readonly broker: Broker },
  rows: readonly PositionRow[],
): Promise<Ends> {
  try {
    const places = placesIn(await broker.topics(topicsOf(flows)), broker.cluster, rows);
    if (places.length === 0) return new Map();
    const from = places.map(({ topic, partition }) => ({ topic, partition, offset: ENDS_ONLY }));
    const read = await broker.read(from, { waitMs: 0, bytesMax: 1, recordsMax: 1 });
    const keys = new Map(places.map(({ topic, partition, key }) => [`${topic}/${partition}`, key]));
    return new Map(read.map(({ topic, partition, end }) => [keys.get(`${topic}/${partition}`)!, { topic, end }]));
  } catch {
    return null;
  }
}

/** Records from a position to the end of its log; a log shorter than its position is read again from its start. */
export function unread(position: number, end: number): number {
  return position <= end ? end - position : end;
}
