// Another attempt where one was rolled back by chance: deadlocks, failed guards, a connection that had gone stale.
import { backoffMs } from "../../../domain/backoff.ts";
import { type FailureKind, GraphFailure, maybeDone, toAppError } from "./failure.ts";

export interface Retrying {
  /** For messages. */
  readonly name: string;
  readonly delay: (ms: number) => Promise<void>;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
}

/** Attempts by what ended the one before. Guards: 3 readings, then the caller takes less at a time (core-proof b2) ... */
const ATTEMPTS: { readonly [Kind in FailureKind]: number } = {
  transient: 6,
  guard: 3,
  // A pooled connection that died unnoticed fails at its first use. Everything is guarded, so that twice does no harm.
  broken: 2,
  lost: 2,
  late: 1,
  unsent: 1,
  refused: 1,
  stranger: 1,
  too_large: 1,
  exists: 1,
  statement: 1,
};
/** ... and many where it cannot take less. */
const GUARD_ATTEMPTS_ALONE = 16;
const BACKOFF_BASE_MS = 20;
const BACKOFF_MAX_MS = 500;

/**
 * Runs `work` until it succeeds or its attempts are used up; throws AppError, or what `work` throws of its own. Where any
 * attempt may have been committed, the error is ambiguous, whatever the last one ended with.
 */
export async function retrying<Result>(
  { name, delay, random }: Retrying,
  work: () => Promise<Result>,
  { divisible = true } = {},
): Promise<Result> {
  const attemptsMax = { ...ATTEMPTS, ...(divisible ? {} : { guard: GUARD_ATTEMPTS_ALONE }) };
  let mayStand = false;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GraphFailure)) throw error;
      mayStand ||= maybeDone(error);
      if (attempt >= attemptsMax[error.kind]) throw toAppError(error, name, mayStand);
      await delay(backoffMs(attempt - 1, BACKOFF_BASE_MS, BACKOFF_MAX_MS, random));
    }
  }
}
