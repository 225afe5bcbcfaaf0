// CHIT-CHAT operations as records, for benchmarks on a real Kafka: the same for the service's side and for the floor.
import { readOperations } from "./operations.ts";

export interface BenchRecord {
  readonly key: string;
  readonly value: string;
}

/** Records of one batch, and batches under way at the same time. */
export const BATCH = 500;
export const IN_FLIGHT = 4;

/** `count` records in batches; the first operations of the file over and over when it has fewer. */
export function readBatches(path: string, count: number): BenchRecord[][] {
  const records = readOperations(path, count).map(({ flow, data }): BenchRecord => {
    const key = data.session ?? data.id;
    const type = `tidegate.${flow}.create`;
    return { key, value: JSON.stringify({ specversion: "1.0", source: "/tidegate", type, partitionkey: key, data }) };
  });
  const batches: BenchRecord[][] = [];
  for (let i = 0; batches.length * BATCH < count; i += BATCH) {
    batches.push(Array.from({ length: BATCH }, (_, k) => records[(i + k) % records.length]!));
  }
  return batches;
}

/** Runs `work` for every item, `IN_FLIGHT` at a time, and answers how many records a second that were. */
export async function measureBatches<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<number> {
  const pending = items.values();
  const began = performance.now();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const item of pending) await work(item);
    }),
  );
  return (items.length * BATCH) / ((performance.now() - began) / 1_000);
}
