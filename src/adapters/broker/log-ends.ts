// Where the partitions of a v2 proxy begin and end, one request each, remembered for a moment.
import type { ReadFrom } from "../../ports/broker.ts";
import type { EachPlace } from "./part-failures.ts";
import { nameOf } from "./place-name.ts";
import { bodyOf, fieldsOf, isCount, saysMissing, unavailable } from "./proxy-answer.ts";
import type { ProxyCall } from "./proxy-call.ts";

/** First offset still there, and the offset the next record will get. */
export interface LogEnds {
  readonly begin: number;
  readonly end: number;
}

/** How long an answer counts, so that an idle consumer does not ask for every partition in every tick. */
const FRESH_MS = 1_000;
const META = "application/vnd.kafka.v2+json";

/**
 * Ends of partitions by name; those that do not exist are left out, and null are those that failed while others did not.
 * `isWaiting` says that the caller will notice what comes after the end by itself. Throws AppError `broker_unavailable`.
 */
export type ReadEnds = (
  call: ProxyCall,
  from: readonly ReadFrom[],
  isWaiting: boolean,
  signal?: AbortSignal,
) => Promise<Map<string, LogEnds | null>>;

/** Asks a proxy for the ends of its partitions. */
export function logEnds(eachPlace: EachPlace): ReadEnds {
  const known = new Map<string, LogEnds & { readonly atMs: number }>();
  const ask = async (
    call: ProxyCall,
    { topic, partition }: ReadFrom,
    signal: AbortSignal,
  ): Promise<LogEnds | undefined> => {
    const path = `/topics/${encodeURIComponent(topic)}/partitions/${partition}/offsets`;
    const answer = await call({ method: "GET", path, accept: META, signal });
    if (saysMissing(answer)) return undefined;
    const action = `read the ends of ${topic}/${partition}`;
    const { beginning_offset: begin, end_offset: end } = fieldsOf(bodyOf(answer, action));
    if (!isCount(begin) || !isCount(end)) throw unavailable(action, "the answer has no offsets");
    return { begin, end };
  };
  return async (call, from, isWaiting, signal) => {
    const found = await eachPlace(from, signal, async (place, own) => {
      const name = nameOf(place);
      const held = known.get(name);
      const isInside = held !== undefined && (place.offset < held.end || (isWaiting && place.offset === held.end));
      if (isInside && performance.now() - held.atMs < FRESH_MS) return held;
      const atMs = performance.now();
      const ends = await ask(call, place, own);
      if (ends === undefined) known.delete(name);
      else known.set(name, { ...ends, atMs });
      return ends;
    });
    return new Map(
      from.flatMap((place, i): [string, LogEnds | null][] => {
        const ends = found[i];
        return ends === undefined ? [] : [[nameOf(place), ends && { begin: ends.begin, end: ends.end }]];
      }),
    );
  };
}
