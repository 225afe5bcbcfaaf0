// A Worker's clock against the database's, before requests mint anything (core-proof #27): there is no loop to compare them, and
// ticks come to other isolates as well.
import type { Vitals } from "../../app/vitals.ts";
import type { Clock, Delay } from "../../ports/clock.ts";

const EVERY_MS = 10_000;
/** How long a request waits for a comparison, when a database does not answer. */
const WAIT_MS = 1_000;

export interface ClocksDeps {
  readonly vitals: Pick<Vitals, "compareClocks" | "skewMs">;
  readonly clock: Clock;
  readonly delay: Delay;
  /** When the next comparison is due. Outlives the composition, as what is known of the clock does. */
  readonly due: { atMs: number };
}

/** Comparisons by the requests that come. */
export interface Clocks {
  /** Compares where that is due. Waits for it only as long as nothing is known of the clock. Never throws. */
  beforeRequest(): Promise<void>;
  /** Resolves when none is under way. */
  idle(): Promise<void>;
}

export function createClocks({ vitals, clock, delay, due }: ClocksDeps): Clocks {
  let comparing = Promise.resolve();
  const postpone = (): void => {
    due.atMs = clock.nowMs() + EVERY_MS;
  };
  return {
    async beforeRequest() {
      if (clock.nowMs() < due.atMs) return;
      const isKnown = vitals.skewMs() !== null;
      // The first requests of an isolate compare each for itself: none may wait for a promise of another's.
      if (isKnown) postpone();
      comparing = Promise.race([vitals.compareClocks(), delay(WAIT_MS)]).then(postpone, postpone);
      if (!isKnown) await comparing;
    },
    idle: () => comparing,
  };
}
