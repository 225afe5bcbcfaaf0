// A partition that cannot be read while others can, such as one without a leader, must not stop them; nor may it be silent.
import type { ReadFrom } from "../../ports/broker.ts";
import { LATE, within } from "./deadline.ts";
import { inParallel } from "./in-parallel.ts";
import { nameOf } from "./place-name.ts";
import { unavailable } from "./proxy-answer.ts";

/** Told of a partition that failed while others did not. */
export type TellFailed = (at: Pick<ReadFrom, "topic" | "partition">, error: unknown) => void;

/** How long a partition is not spoken of again: every tick meets it. */
const QUIET_MS = 60_000;

/** Speaks of each partition once a while. */
export function createTellFailed(onFailed: ((error: unknown) => void) | undefined): TellFailed {
  const quietUntilMs = new Map<string, number>();
  return (at, error) => {
    const nowMs = performance.now();
    if (nowMs < (quietUntilMs.get(nameOf(at)) ?? 0)) return;
    quietUntilMs.set(nameOf(at), nowMs + QUIET_MS);
    onFailed?.(error);
  };
}

/** Runs a task for every place. See createEachPlace. */
export type EachPlace = <Place extends ReadFrom, Result>(
  places: readonly Place[],
  signal: AbortSignal | undefined,
  task: (place: Place, signal: AbortSignal) => Promise<Result>,
) => Promise<(Result | null)[]>;

/** How long a partition that was late is left alone: each time it is asked, the others wait for it. */
const LEFT_ALONE_MS = 15_000;

/**
 * Makes what runs a task for every place; null stands for one that failed, or was late, while another did not. It throws
 * the first failure when all failed, or when the caller gave up. A place is late after `placeMs`, which has to be well below
 * the deadline of the whole read: Java's proxies are silent for a minute about a partition without a leader.
 */
export function createEachPlace(tell: TellFailed, placeMs: number): EachPlace {
  const late = new Map<string, { readonly untilMs: number; readonly error: unknown }>();
  const beforeDeadline = async <Result>(at: ReadFrom, work: Promise<Result | typeof LATE>): Promise<Result> => {
    const name = nameOf(at);
    const result = await work;
    if (result !== LATE) {
      late.delete(name);
      return result;
    }
    const error = unavailable(`read ${name}`, `no answer within ${placeMs} ms`);
    late.set(name, { untilMs: performance.now() + LEFT_ALONE_MS, error });
    throw error;
  };
  return async (places, signal, task) => {
    const nowMs = performance.now();
    const leftAlone = places.map((at) => {
      const held = late.get(nameOf(at));
      return held !== undefined && nowMs < held.untilMs ? held : undefined;
    });
    // Where all were late it may have been the proxy, which nobody would see come back.
    const areAllLate = leftAlone.every((held) => held !== undefined);
    const failures: { readonly at: ReadFrom; readonly error: unknown }[] = [];
    const results = await inParallel([...places.entries()], async ([i, at]) => {
      try {
        if (!areAllLate && leftAlone[i] !== undefined) throw leftAlone[i].error;
        const work = within(placeMs, signal, (own) => task(at, own));
        return await beforeDeadline(at, work);
      } catch (error) {
        failures.push({ at, error });
        return null;
      }
    });
    const hasEnded = failures.length === places.length || signal?.aborted === true;
    if (failures.length > 0 && hasEnded) throw failures[0]!.error;
    for (const { at, error } of failures) tell(at, error);
    return results;
  };
}
