// Results of prepared work that come at nearly the same time are applied in one transaction: it costs about as much for
// many as for one, and nobody is called any slower for it.
import type { Delay } from "../ports/clock.ts";
import type { Arrival } from "./decision.ts";
import type { Engine } from "./engine.ts";
import { inHalves } from "./in-halves.ts";

export interface TogetherDeps {
  readonly engine: Engine;
  readonly delay: Delay;
  /** Whether another result may come soon; the last one does not wait for company. */
  readonly expectsMore: () => boolean;
}

export interface Together {
  /** Applies an arrival with those that come soon after it; rejects with why it could not be. */
  apply(arrival: Arrival): Promise<void>;
  /** Applies those that wait for company, now. */
  flush(): void;
}

/** How long a result waits for others. */
const GATHER_MS = 5;
/** Results in one transaction. */
const RESULTS_MAX = 64;

interface Waiting extends Pick<PromiseWithResolvers<void>, "resolve" | "reject"> {
  readonly arrival: Arrival;
}

export function createTogether({ engine, delay, expectsMore }: TogetherDeps): Together {
  let waiting: Waiting[] = [];
  const flush = (): void => {
    const group = waiting;
    waiting = [];
    if (group.length > 0) void applyGroup(engine, group);
  };
  return {
    flush,
    apply(arrival) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.push({ arrival, resolve, reject });
      if (waiting.length >= RESULTS_MAX || !expectsMore()) flush();
      else if (waiting.length === 1) delay(GATHER_MS).then(flush, flush);
      return promise;
    },
  };
}

/** Settles every member; never rejects. */
function applyGroup(engine: Engine, waiting: readonly Waiting[]): Promise<void> {
  return inHalves(waiting, async (group) => {
    await engine.apply({ arrivals: group.map(({ arrival }) => arrival), advances: [], parked: [] });
    for (const { resolve } of group) resolve();
  });
}
