// One bounded pass of the consumer. Cron calls it on Workers, a loop on Node, `POST /v1/tick` for any other scheduler.
// When the database fails, the tick stops and has moved nothing.
import { asAppError } from "../domain/errors.ts";
import type { Flow } from "../flows/define.ts";
import type { Broker } from "../ports/broker.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import { type Consumed, createConsume, NOTHING_CONSUMED } from "./consume.ts";
import type { Engine } from "./engine.ts";
import type { Log } from "./log.ts";
import type { createReceive } from "./receive.ts";
import { relay } from "./relay.ts";
import { type SweepDeps, sweep } from "./sweep.ts";
import type { Vitals } from "./vitals.ts";

/** Bounds of one tick. */
export interface TickBudget {
  /** Records to read, over all partitions. */
  readonly recordsMax: number;
  /** Bytes to read at a time. */
  readonly bytesMax: number;
  /** How long to wait for a first record when there is nothing else to do. */
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}

/** What a tick did. `more` means that another tick at once would find work. */
export interface TickReport extends Consumed {
  readonly relayed: number;
  readonly swept: number;
  readonly more: boolean;
  /** What could not be done, in words; the rest was. */
  readonly failures: readonly string[];
}

export interface TickDeps extends SweepDeps {
  /** The flows this consumer reads. */
  readonly flows: readonly Flow[];
  readonly broker: Broker;
  readonly database: Database;
  readonly engine: Engine;
  readonly receive: ReturnType<typeof createReceive>;
  readonly clock: Clock;
  readonly vitals: Vitals;
  readonly log: Log;
  readonly random: () => number;
}

export type Tick = (budget: TickBudget) => Promise<TickReport>;

const SWEEP_PASSES_MAX = 50;

export function createTick(deps: TickDeps): Tick {
  const consume = createConsume(deps);
  return async (budget) => {
    const failures: string[] = [];
    const attempt = async <Result>(part: string, work: () => Promise<Result>, otherwise: Result): Promise<Result> => {
      try {
        return await work();
      } catch (error) {
        if (budget.signal?.aborted !== true) deps.log.tickFailed(part, error);
        failures.push(`Cannot ${part}: ${asAppError(error).message}`);
        return otherwise;
      }
    };
    await attempt("compare clocks", () => deps.vitals.compareClocks(), undefined);
    // Without the database nothing below can move; without the broker everything but reading and relaying can.
    if (failures.length > 0) return { ...NOTHING_CONSUMED, relayed: 0, swept: 0, more: false, failures };
    const relayed = await attempt("relay the outbox", () => relay(deps), 0);
    const swept = await attempt("sweep", () => sweepAll(deps), 0);
    const waitMs = relayed + swept > 0 ? 0 : budget.waitMs;
    const consumed = await attempt("consume", () => consume({ ...budget, waitMs }), NOTHING_CONSUMED);
    const after = await attempt("sweep", () => sweepAll(deps), 0);
    return { ...consumed, relayed, swept: swept + after, failures };
  };
}

async function sweepAll(deps: SweepDeps): Promise<number> {
  let total = 0;
  for (let pass = 0; pass < SWEEP_PASSES_MAX; pass++) {
    const done = await sweep(deps);
    total += done;
    if (done === 0) break;
  }
  return total;
}
