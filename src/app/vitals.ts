// What this process knows of its own fitness: its clock against the database's, and which flows have no backlog.
import { AppError } from "../domain/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Log } from "./log.ts";

/** How far this clock may be from the database's before minting stops (core-proof #27). */
export const CLOCK_SKEW_MS_MAX = 30_000;

export interface Vitals {
  /** Compares the clocks; a database that cannot be reached leaves the last verdict standing. */
  compareClocks(): Promise<void>;
  /** The same with a time that the database has just given; `beforeMs` was this clock when it was asked. */
  noteDatabaseTime(beforeMs: number, theirMs: number): void;
  /** Whether this clock is near enough to the database's for ids, stamps, leases and ages. */
  isPunctual(): boolean;
  /** Throws AppError `clock_skew` while this process must not mint. */
  assertMinting(): void;
  /** Milliseconds this clock is ahead of the database's at the last comparison; null before the first. */
  skewMs(): number | null;
  /** Notes whether a tick found a flow's topics read to their ends with nothing left to relay. */
  noteDrained(flow: string, drained: boolean): void;
  /** Whether a flow is known to have no backlog (core-proof #22). */
  isDrained(flow: string): boolean;
}

export interface VitalsDeps {
  readonly clock: Clock;
  readonly database: Database;
  readonly log: Log;
  /** Told of each change of a flow's backlog. */
  readonly onDrained?: ((flow: string, isDrained: boolean) => void) | undefined;
}

/**
 * `known` is the last comparison, to be handed on where vitals live for a request only. Backlogs are not handed on: ticks
 * come elsewhere too, and what was drained here may long have filled up.
 */
export function createVitals(deps: VitalsDeps, known: { skewMs: number | null } = { skewMs: null }): Vitals {
  const drained = new Set<string>();
  const isSkewed = (): boolean => Math.abs(known.skewMs ?? 0) > CLOCK_SKEW_MS_MAX;
  const noteDatabaseTime = (beforeMs: number, theirMs: number): void => {
    // The answer was made between the two readings; halfway is the best guess.
    known.skewMs = Math.round((beforeMs + deps.clock.nowMs()) / 2 - theirMs);
    if (isSkewed()) deps.log.clockSkew(known.skewMs);
  };
  return {
    noteDatabaseTime,
    async compareClocks() {
      const before = deps.clock.nowMs();
      noteDatabaseTime(before, await deps.database.nowMs());
    },
    isPunctual: () => !isSkewed(),
    assertMinting() {
      if (!isSkewed()) return;
      throw new AppError("clock_skew", `Nothing was accepted: this clock is ${known.skewMs} ms from the database's`, {
        retryAfterMs: CLOCK_SKEW_MS_MAX,
      });
    },
    skewMs: () => known.skewMs,
    noteDrained(flow, isNow) {
      if (isNow === drained.has(flow)) return;
      if (isNow) drained.add(flow);
      else drained.delete(flow);
      deps.onDrained?.(flow, isNow);
    },
    isDrained: (flow) => drained.has(flow),
  };
}
