// Ticks in a loop, for runtimes that live long. A tick that failed is followed by a pause, one that left work by none.
import { setTimeout as delay } from "node:timers/promises";
import type { TickBudget } from "../app/consume.ts";
import type { Tick, TickReport } from "../app/tick.ts";
import { backoffMs } from "../domain/backoff.ts";

const PAUSE_BASE_MS = 100;
const PAUSE_MAX_MS = 5_000;
/** After a tick that found a few records: the next finds more of them for the same fixed cost. */
const GATHER_MS = 100;
/** A tick that had nothing to do and nothing to wait for is followed by the rest of this: no loop runs hot. */
const IDLE_MS = 100;

/** Runs ticks until the signal aborts; resolves when the last one has ended. */
export async function runLoop(tick: Tick, budget: TickBudget, signal: AbortSignal): Promise<void> {
  let failed = 0;
  while (!signal.aborted) {
    const begunMs = performance.now();
    const report = await tick({ ...budget, signal });
    failed = report.failures.length > 0 ? failed + 1 : 0;
    if (signal.aborted) return;
    const gatherMs = report.records > 0 && !report.more ? GATHER_MS : 0;
    const restMs = isIdle(report) ? Math.max(0, IDLE_MS - (performance.now() - begunMs)) : gatherMs;
    const pauseMs = failed > 0 ? backoffMs(failed - 1, PAUSE_BASE_MS, PAUSE_MAX_MS, Math.random) : restMs;
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

function isIdle({ more, records, gap, relayed, swept, prepared, decided }: TickReport): boolean {
  return !more && records + gap + relayed + swept + prepared + decided === 0;
}
