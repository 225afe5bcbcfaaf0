// Ticks of one invocation: passes until nothing is left to do, or the budget of records, requests or time is spent.
import { affordable, NEEDS } from "../../app/allowance.ts";
import type { TickBudget } from "../../app/consume.ts";
import type { Prepare } from "../../app/prepare.ts";
import type { Tick, TickReport } from "../../app/tick.ts";

export interface TickThroughDeps {
  readonly tick: Tick;
  readonly prepare: Prepare;
  /** Of all passes together. */
  readonly budget: TickBudget;
  readonly nowMs: () => number;
}

/** An invocation of cron ends well before the next one begins. */
const TIME_MS_MAX = 25_000;
const PASSES_MAX = 200;

const COUNTED = ["records", "first", "duplicate", "parked", "gap", "relayed", "swept", "prepared", "decided"] as const;

/** Answers the sum of all passes; `more` is the last one's. What prepared work brought about, a further pass applies. */
export async function tickThrough({ tick, prepare, budget, nowMs }: TickThroughDeps): Promise<TickReport> {
  const untilMs = nowMs() + TIME_MS_MAX;
  let sum: TickReport | undefined;
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const recordsMax = budget.recordsMax - (sum?.records ?? 0);
    const report = await tick({ ...budget, recordsMax, waitMs: 0 });
    await prepare.idle();
    sum = sum === undefined ? report : added(sum, report);
    const isDone = (!report.more && report.prepared === 0) || affordable(budget.requests, NEEDS.look, 1) === 0;
    if (isDone || report.failures.length > 0 || sum.records >= budget.recordsMax || nowMs() >= untilMs) break;
    // A pass that moved nothing will not be followed by one that does.
    if (COUNTED.every((name) => report[name] === 0)) break;
  }
  return sum!;
}

function added(sum: TickReport, report: TickReport): TickReport {
  const counts = Object.fromEntries(COUNTED.map((name) => [name, sum[name] + report[name]]));
  return { ...report, ...counts } as TickReport;
}
