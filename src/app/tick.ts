// One bounded pass of the consumer. Cron calls it on Workers, a loop on Node, `POST /v1/tick` for any other scheduler.
// When the database fails, the tick stops and has moved nothing.
import { asAppError } from "../domain/errors.ts";
import { type ConsumeDeps, type Consumed, createConsume, NOTHING_CONSUMED, type TickBudget } from "./consume.ts";
import { relay } from "./relay.ts";
import { type SweepDeps, sweep } from "./sweep.ts";

/** What a tick did. `more` means that another tick at once would find work. */
export interface TickReport extends Consumed {
  readonly relayed: number;
  readonly swept: number;
  readonly more: boolean;
  /** What could not be done, in words; the rest was. */
  readonly failures: readonly string[];
}

export interface TickDeps extends ConsumeDeps, SweepDeps {
  /** Uniform in [0, 1), for jitter. */
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
