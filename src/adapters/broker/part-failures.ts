// A partition that cannot be read while others can, such as one without a leader, must not stop them; nor may it be silent.
import type { ReadFrom } from "../../ports/broker.ts";
import { inParallel } from "./in-parallel.ts";
import { nameOf } from "./place-name.ts";

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

/**
 * Runs a task for every place; null stands for one that failed while another did not. Throws the first failure when all
 * failed, or when the caller gave up.
 */
export async function eachPlace<Place extends ReadFrom, Result>(
  places: readonly Place[],
  tell: TellFailed,
  signal: AbortSignal | undefined,
  task: (place: Place) => Promise<Result>,
): Promise<(Result | null)[]> {
  const failures: { readonly at: Place; readonly error: unknown }[] = [];
  const results = await inParallel(places, (at) =>
    task(at).catch((error: unknown) => {
      failures.push({ at, error });
      return null;
    }),
  );
  if (failures.length > 0 && (failures.length === places.length || signal?.aborted === true)) throw failures[0]!.error;
  for (const { at, error } of failures) tell(at, error);
  return results;
}
