// Bounds many waits of one length by a single timer: most end long before, and a timer for each costs more than the wait.

/** Begins a wait; calls `onLate` once it has lasted too long, unless the answered function has ended it before. */
export type BeginWait = (onLate: () => void) => () => void;

interface Wait {
  readonly dueMs: number;
  readonly onLate: () => void;
}

/** Waits of `ms` milliseconds. No timer runs while none is under way. */
export function sharedTimer(ms: number): BeginWait {
  // In the order they began, which is the order in which they are due.
  const waits = new Set<Wait>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const arm = (): void => {
    for (const { dueMs } of waits) {
      timer = setTimeout(ring, Math.max(1, Math.ceil(dueMs - performance.now())));
      return;
    }
  };
  const ring = (): void => {
    timer = undefined;
    const nowMs = performance.now();
    for (const wait of waits) {
      if (wait.dueMs > nowMs) break;
      waits.delete(wait);
      wait.onLate();
    }
    if (timer === undefined) arm();
  };
  return (onLate) => {
    const wait = { dueMs: performance.now() + ms, onLate };
    waits.add(wait);
    if (timer === undefined) arm();
    return () => {
      waits.delete(wait);
      if (waits.size > 0) return;
      clearTimeout(timer);
      timer = undefined;
    };
  };
}
