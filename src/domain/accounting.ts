// The counts that prove nothing was lost. They live on position rows and rise in the same transaction as the effects
// they count (core-proof #39).
import { keyPart } from "./key.ts";

/** What a position or a stripe has counted so far. */
export interface Counts {
  /** Records met (on a partition) or operations carried out (on a stripe). */
  readonly records: number;
  /** Operations met for the first time: each has its ledger row from here. */
  readonly first: number;
  readonly duplicate: number;
  readonly parked: number;
  /** Offsets that retention removed before they were read. */
  readonly gap: number;
  /** Of `first`: by outcome. `waiting` ones have a retry row instead. */
  readonly applied: number;
  readonly superseded: number;
  readonly discarded: number;
  readonly waiting: number;
  /** Of `first`: minted by nobody who holds our secret. */
  readonly foreign: number;
  /** Of `first`: made by the service itself, not by a client: results of prepared work, decisions. */
  readonly derived: number;
}

/** All zero. */
export const NO_COUNTS: Counts = {
  records: 0,
  first: 0,
  duplicate: 0,
  parked: 0,
  gap: 0,
  applied: 0,
  superseded: 0,
  discarded: 0,
  waiting: 0,
  foreign: 0,
  derived: 0,
};

/** Adds member by member. */
export function addCounts(a: Counts, b: Partial<Counts>): Counts {
  const sum = { ...a };
  for (const name of Object.keys(b) as (keyof Counts)[]) sum[name] += b[name] ?? 0;
  return sum;
}

/** Whether every record has its place: records = first + duplicate + parked + gap, and first = its outcomes. */
export function isClosed(counts: Counts): boolean {
  return difference(counts) === 0;
}

/** How many records lack a place or have one too many, and how many first ones an outcome; 0 when all is closed. */
export function difference(counts: Counts): number {
  const places = counts.first + counts.duplicate + counts.parked + counts.gap;
  const outcomes = counts.applied + counts.superseded + counts.discarded + counts.waiting;
  return Math.abs(counts.records - places) + Math.abs(counts.first - outcomes);
}

/** Key of a partition's position: cluster, topic, partition and log generation (core-proof #29). */
export function positionKey(cluster: string, topic: string, partition: number, generation: string): string {
  return `log/${keyPart(cluster)}/${keyPart(topic)}/${partition}/${keyPart(generation)}`;
}

/** What the keys of a cluster's positions and resets begin with. */
export function positionPrefixes(cluster: string): readonly [log: string, reset: string] {
  const log = `log/${keyPart(cluster)}/`;
  return [log, `reset/${log}`];
}

/** Key of the row whose `next` counts how often a log of that generation was found shorter than its position. */
export function resetKey(cluster: string, topic: string, partition: number, generation: string): string {
  return `reset/${positionKey(cluster, topic, partition, generation)}`;
}

/** The generation that positions belong to after so many resets. */
export function generationAfter(generation: string, resets: number): string {
  return resets === 0 ? generation : `${generation}+${resets}`;
}

/** Stripes spread the counts of synchronous operations over rows, so that they do not queue for one lock. */
const STRIPES = 16;

/**
 * What a stripe counts: operations of a synchronous path; `prepared` the ends of requests that waited, and their results;
 * `decided` parked operations that a person replayed or discarded.
 */
export type StripeSort = "direct" | "fallback" | "prepared" | "decided";

/** Key of the stripe that counts an operation which no partition counts. */
export function stripeKey(sort: StripeSort, flow: string, operationId: string): string {
  // An id of a foreign producer may end in anything.
  const number = Number.parseInt(operationId.slice(-2), 16);
  return `sync/${flow}/${sort}/${Number.isNaN(number) ? 0 : number % STRIPES}`;
}

/** The generation of a topic where nobody can tell one log of it from the next. */
export const UNTOLD_GENERATION = "0";

/**
 * Names a record among all that were ever set aside: its coordinates and, where the log has an id, a mark of the log, because
 * another one may come to bear the topic (core-proof #29). Whoever reads the same log gives it the same name, a rebuild
 * too: neither addresses nor how often a database has seen the log shortened count. `position` is the key of the
 * partition's position.
 */
export function recordName(
  { topic, partition, offset }: { readonly topic: string; readonly partition: number; readonly offset: number },
  position: string,
): string {
  const coordinates = `${topic}/${partition}/${offset}`;
  const place = parsePositionKey(position);
  if (place.path !== "kafka") return coordinates;
  const [log = UNTOLD_GENERATION] = place.generation.split("+");
  return log === UNTOLD_GENERATION ? coordinates : `${coordinates}@${mark(log)}`;
}

/** FNV-1a in 32 bits, as eight hexadecimal digits. */
function mark(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** Reads a key of {@link stripeKey} or {@link positionKey}. */
export function parsePositionKey(
  key: string,
):
  | { path: "kafka"; topic: string; cluster: string; partition: number; generation: string }
  | { path: StripeSort; flow: string } {
  const [sort, a = "", b = "", c = "", d = ""] = key.split("/").map(decodeURIComponent);
  if (sort === "sync") return { path: b as StripeSort, flow: a };
  return { path: "kafka", cluster: a, topic: b, partition: Number(c), generation: d };
}
