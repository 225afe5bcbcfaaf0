// One bounded pass of the consumer. Cron calls it on Workers, a loop on Node, `POST /v1/tick` for any other scheduler.
// When the database fails, the tick stops and has moved nothing.
import { asAppError } from "../domain/errors.ts";
import type { Agenda } from "../ports/database.ts";
import { type Allowance, affordable, NEEDS } from "./allowance.ts";
import { type ConsumeDeps, type Consumed, createConsume, NOTHING_CONSUMED, type TickBudget } from "./consume.ts";
import { type SettleDeps, settleDecisions } from "./parked.ts";
import type { Prepare } from "./prepare.ts";
import { createPurge, type PurgeDeps } from "./purge.ts";
import { relay } from "./relay.ts";
import { type SweepDeps, sweep } from "./sweep.ts";

/** What a tick did. `more` means that another tick at once would find work. */
export interface TickReport extends Consumed {
  readonly relayed: number;
  readonly swept: number;
  /** Attempts at prepared work that were taken up since the last tick. */
  readonly prepared: number;
  /** Parked records that were replayed or discarded. */
  readonly decided: number;
  readonly more: boolean;
  /** What could not be done, in words; the rest was. */
  readonly failures: readonly string[];
}

export interface TickDeps extends ConsumeDeps, SweepDeps, SettleDeps, PurgeDeps {
  /** Undefined in a rebuild, which calls nobody. */
  readonly prepare?: Prepare | undefined;
  /** Tells a consumer group where we are; undefined in a rebuild. */
  readonly report?: ((allowance: Allowance) => Promise<void>) | undefined;
  /** Uniform in [0, 1), for jitter. */
  readonly random: () => number;
}

export type Tick = (budget: TickBudget) => Promise<TickReport>;

export const NOTHING_ELSE = { relayed: 0, swept: 0, prepared: 0, decided: 0, more: false };
const SWEEP_PASSES_MAX = 50;

export function createTick(deps: TickDeps): Tick {
  const consume = createConsume(deps);
  const purge = createPurge(deps);
  return async (budget) => {
    const { requests, signal, purges = true } = budget;
    const isStopped = (): boolean => signal?.aborted === true;
    const failures: string[] = [];
    const attempt = async <Result>(part: string, work: () => Promise<Result>, otherwise: Result): Promise<Result> => {
      try {
        return await work();
      } catch (error) {
        if (!isStopped()) deps.log.tickFailed(part, error);
        failures.push(`Cannot ${part}: ${asAppError(error).message}`);
        return otherwise;
      }
    };
    const agenda = await attempt("look what there is to do", () => look(deps), undefined);
    // Without the database nothing below can move; without the broker everything but reading and relaying can.
    if (agenda === undefined) return { ...NOTHING_CONSUMED, ...NOTHING_ELSE, failures };
    /** A part, if there is something for it to do and enough requests to do it with. */
    const part = (isDue: boolean, needs: number, name: string, work: () => Promise<number>): Promise<number> =>
      isDue && !isStopped() && affordable(requests, needs, 1) > 0 ? attempt(name, work, 0) : Promise.resolve(0);
    const leads = deps.sharing.leads();
    const relayed = await part(agenda.dueOutbox && leads, NEEDS.relay, "relay the outbox", () => relay(deps));
    const swept = await part(agenda.sweeps, NEEDS.sweepRow, "sweep", () => sweepAll(deps, requests, signal));
    const settle = (): Promise<number> => settleDecisions(deps, requests);
    const decided = await part(agenda.decisions, NEEDS.decision, "carry out decisions", settle);
    const waitMs = relayed + swept + decided > 0 ? 0 : budget.waitMs;
    const consumed = await attempt("consume", () => consume({ ...budget, waitMs }, agenda), NOTHING_CONSUMED);
    // What was just applied may wait for the outside world, and may change what readers see.
    const hasMoved = consumed.first + consumed.parked + decided > 0;
    const mayLease = (agenda.retries || hasMoved) && affordable(requests, NEEDS.attempt, 1) > 0;
    const prepared = await attempt("prepare", async () => (await deps.prepare?.pump(mayLease)) ?? 0, 0);
    const after = await part(hasMoved || prepared > 0, NEEDS.sweepRow, "sweep", () => sweepAll(deps, requests, signal));
    if (purges && deps.vitals.isPunctual() && affordable(requests, NEEDS.purge, 1) > 0)
      await attempt("purge", purge, undefined);
    if (leads) await deps.report?.(requests);
    return { ...consumed, relayed, swept: swept + after, prepared, decided, failures };
  };
}

/** What there is to do, and how far this clock is from the database's. */
async function look({ broker, database, flows, vitals, clock }: TickDeps): Promise<Agenda> {
  const beforeMs = clock.nowMs();
  const names = flows.map(({ name }) => name);
  const agenda = await database.agenda(broker.cluster, names, beforeMs);
  vitals.noteDatabaseTime(beforeMs, agenda.nowMs);
  return agenda;
}

async function sweepAll(deps: SweepDeps, allowance: Allowance, signal: AbortSignal | undefined): Promise<number> {
  let total = 0;
  for (let pass = 0; pass < SWEEP_PASSES_MAX; pass++) {
    const done = await sweep(deps, allowance, signal);
    total += done;
    if (done === 0) break;
  }
  return total;
}
