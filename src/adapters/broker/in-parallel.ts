// Several requests of one call under way together, a bounded number at a time.

/** Requests of one call that are under way together: what a Worker may have open. */
const REQUESTS_MAX = 6;

/** Runs a task for every item, a bounded number at a time, and answers in order. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  task: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const pending = items.entries();
  const work = async (): Promise<void> => {
    for (const [i, item] of pending) results[i] = await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(REQUESTS_MAX, items.length) }, work));
  return results;
}
