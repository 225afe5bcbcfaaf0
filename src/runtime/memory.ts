// What a process comes to know while it runs, apart from what it does with it: a Worker composes its service anew for each
// request and hands this on. Nothing in it waits for anything or belongs to a request: such things end with theirs.
import { type Breaker, createBreaker } from "../adapters/broker/breaker.ts";
import type { LagMemory } from "../app/lag.ts";
import { createMeters, type Meters } from "../app/meters.ts";
import type { Config } from "../config.ts";
import { createStampClock, type StampClock } from "../domain/stamp.ts";
import type { Flow } from "../flows/define.ts";
import type { Clock, Entropy } from "../ports/clock.ts";

/** See above. */
export interface Memory {
  readonly breaker: Breaker;
  readonly stampClock: StampClock;
  /** How far this clock was ahead of the database's when they were last compared; null before. */
  readonly clock: { skewMs: number | null };
  readonly meters: Meters;
  readonly lag: LagMemory;
}

/** The memory of a process that knows nothing yet. */
export function createMemory(
  config: Config,
  { flows, clock, entropy }: { flows: readonly Flow[]; clock: Clock; entropy: Pick<Entropy, "hex"> },
): Memory {
  return {
    breaker: createBreaker({
      failuresMax: config.KAFKA_BREAKER_FAILURES,
      openMs: config.KAFKA_BREAKER_OPEN_MS,
      // Every call has one of these deadlines.
      tryMsMax: config.KAFKA_PRODUCE_DEADLINE_MS + config.KAFKA_READ_DEADLINE_MS,
    }),
    stampClock: createStampClock(() => clock.nowMs(), entropy.hex(16)),
    clock: { skewMs: null },
    meters: createMeters(flows),
    lag: { seen: new Map() },
  };
}
