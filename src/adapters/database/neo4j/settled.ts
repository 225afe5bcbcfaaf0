// When a time is past, so that no older row can still come: a transaction's rows bear the time at which it loaded.
import { GraphFailure } from "./failure.ts";

/** A transaction that has not written everything this long after it loaded is rolled back, and loads again. */
const WRITTEN_WITHIN_MS = 1_500;
/** Beyond that, the time that a commit takes. */
export const SETTLED_MS = 2_000;

const CHECK = "1 / CASE WHEN datetime.realtime().epochMillis <= toInteger($until) THEN 1 ELSE 0 END";

/** The end of what a transaction writes: fails it, as a guard does, when it is later than `$until`. */
export const IN_TIME = `RETURN ${CHECK}`;

/**
 * The same once a statement has its locks: one that waited too long for them would otherwise do all its work in vain,
 * and hold them all that time, though its client gave it up.
 */
export const STILL_IN_TIME = `WITH ${CHECK} AS inTime WHERE inTime = 1`;

/** Whether a transaction that took so long was rolled back because it was too late. */
export function isLate(error: unknown, tookMs: number): boolean {
  return error instanceof GraphFailure && error.kind === "guard" && tookMs >= WRITTEN_WITHIN_MS;
}

/** A batch that was too late will be so again: what fails a guard after that long is too much at a time. */
export function divided(error: unknown, tookMs: number): unknown {
  if (!isLate(error, tookMs)) return error;
  return new GraphFailure("too_large", `not written within ${WRITTEN_WITHIN_MS} ms`, error);
}

/** A write that nobody ends but its client: where it had no answer in time, it was too much at a time, and may stand. */
export function tooMuch(error: unknown): unknown {
  if (!(error instanceof GraphFailure) || error.kind !== "late") return error;
  return new GraphFailure("too_large", error.message, error);
}

/** Until when a transaction has to have written everything, in the database's milliseconds. */
export function untilOf(loadedAtMs: number): number {
  return loadedAtMs + WRITTEN_WITHIN_MS;
}
