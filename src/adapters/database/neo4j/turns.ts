// Turns within one process: whoever wants what another has in hand waits for it, instead of reading what will have changed.

/** Runs work that has a key in common with earlier work after it, in the order of asking. */
export type TakeTurns = <Result>(keys: readonly string[], work: () => Promise<Result>) => Promise<Result>;

/** Everything is taken at once, so that nobody can wait for each other. */
export function createTurns(): TakeTurns {
  const last = new Map<string, Promise<unknown>>();
  return async (keys, work) => {
    const before = keys.flatMap((key) => last.get(key) ?? []);
    const mine = Promise.allSettled(before).then(work);
    for (const key of keys) last.set(key, mine);
    try {
      return await mine;
    } finally {
      for (const key of keys) if (last.get(key) === mine) last.delete(key);
    }
  };
}
