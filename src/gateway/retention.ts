// Applies a log's retention from time to time.
import type { Log, Retention } from "./log.ts";

/** Records removed in one step: an append of another request may come in between two steps. */
const STEP_RECORDS_MAX = 2_000;

/** How retention runs. */
export interface RetentionOptions extends Retention {
  /** Wall clock in milliseconds. Default Date.now. */
  readonly nowMs?: () => number;
  /** Told when a step failed; the next round tries again. */
  readonly onError?: (error: unknown) => void;
}

/** Removes everything that the retention does not keep, in small steps, and answers how many records that were. */
export async function trimLog(
  log: Log,
  options: RetentionOptions,
  stopped: () => boolean = () => false,
): Promise<number> {
  const nowMs = (options.nowMs ?? Date.now)();
  let removed = 0;
  while (!stopped()) {
    const step = await log.trim(options, nowMs, STEP_RECORDS_MAX);
    removed += step;
    if (step < STEP_RECORDS_MAX) break;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return removed;
}

/** Trims the log every `everyMs` until the function it returns is called; without bounds it does nothing. */
export function startRetention(log: Log, options: RetentionOptions, everyMs: number): () => void {
  if (options.ageMsMax === undefined && options.partitionBytesMax === undefined) return () => {};
  let stopped = false;
  let timer: ReturnType<typeof setTimeout>;
  const arm = (): void => {
    timer = setTimeout(round, everyMs);
    // Retention alone is no reason for a process to stay.
    (timer as { unref?: () => void }).unref?.();
  };
  const round = (): void => {
    trimLog(log, options, () => stopped)
      .catch((error: unknown) => options.onError?.(error))
      .finally(() => {
        if (!stopped) arm();
      });
  };
  arm();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
