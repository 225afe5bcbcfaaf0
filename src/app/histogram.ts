// Durations by size. Noting one costs a few steps through a small array, so that it may stand in the hottest path.

/** Upper bounds of the buckets, in seconds; one more bucket takes what is longer. */
export const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** What a histogram holds: how many in each bucket (not in those below it), and the sum of all in seconds. */
export interface Counted {
  readonly buckets: readonly number[];
  readonly seconds: number;
}

export interface Histogram {
  /** Notes one duration, in milliseconds. */
  note(ms: number): void;
  /** Adds what another histogram counted. */
  add(counted: Counted): void;
  /** What it holds. */
  counted(): Counted;
  /** What it holds, and holds no longer; null when that is nothing. */
  take(): Counted | null;
}

export function createHistogram(): Histogram {
  const buckets: number[] = new Array(BOUNDS.length + 1).fill(0);
  let seconds = 0;
  const counted = (): Counted => ({ buckets: [...buckets], seconds });
  return {
    note(ms) {
      const noted = ms / 1_000;
      let bucket = 0;
      while (bucket < BOUNDS.length && noted > BOUNDS[bucket]!) bucket++;
      buckets[bucket]!++;
      seconds += noted;
    },
    add(more) {
      for (let bucket = 0; bucket < buckets.length; bucket++) buckets[bucket]! += more.buckets[bucket] ?? 0;
      seconds += more.seconds;
    },
    counted,
    take() {
      if (buckets.every((count) => count === 0)) return null;
      const taken = counted();
      buckets.fill(0);
      seconds = 0;
      return taken;
    },
  };
}

/** How many durations were counted. */
export function countOf({ buckets }: Counted): number {
  return buckets.reduce((sum, count) => sum + count, 0);
}
