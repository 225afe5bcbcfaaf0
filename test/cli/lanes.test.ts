import fc from "fast-check";
import { expect, test } from "vitest";
import type { Item } from "../../src/cli/import/item.ts";
import { createLanes } from "../../src/cli/import/lanes.ts";

const itemOf = (ordinal: number): Item => ({
  text: "x".repeat(10),
  ordinal,
  origin: { line: ordinal },
  original: () => "",
});

test("createLanes() keeps the order of a group, bounds batches and loses nothing, whatever the pace", async () => {
  const plan = fc.record({
    groups: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 }),
    count: fc.integer({ min: 1, max: 4 }),
    batchItemsMax: fc.integer({ min: 1, max: 12 }),
    batchCharactersMax: fc.integer({ min: 1, max: 100 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, fc.scheduler(), async ({ groups, ...sizes }, scheduler) => {
      const sent: number[] = [];
      const inFlight = new Set<number>();
      let flightsMax = 0;
      const lanes = createLanes({
        ...sizes,
        async send(batch) {
          expect(batch.length).toBeLessThanOrEqual(sizes.batchItemsMax);
          for (const { ordinal } of batch) inFlight.add(ordinal);
          flightsMax = Math.max(flightsMax, ++flights);
          await scheduler.schedule(Promise.resolve());
          flights--;
          for (const { ordinal } of batch) inFlight.delete(ordinal);
          sent.push(...batch.map(({ ordinal }) => ordinal));
        },
      });
      let flights = 0;
      let ordinal = 0;
      const groupOf = new Map<number, number>();
      const feed = async (): Promise<void> => {
        for (const [group, size] of groups.entries()) {
          const items = Array.from({ length: size }, () => itemOf(ordinal++));
          for (const item of items) groupOf.set(item.ordinal, group);
          await lanes.put(items);
          const open = lanes.leastOpen(ordinal);
          expect([...groupOf.keys()].filter((key) => key < open && !sent.includes(key))).toEqual([]);
        }
        await lanes.finish();
      };
      await scheduler.waitFor(feed());
      expect([...sent].sort((a, b) => a - b)).toEqual(Array.from({ length: ordinal }, (_, i) => i));
      for (const group of groups.keys()) {
        const members = sent.filter((key) => groupOf.get(key) === group);
        expect(members).toEqual([...members].sort((a, b) => a - b));
      }
      expect(flightsMax).toBeLessThanOrEqual(sizes.count);
      expect(lanes.leastOpen(ordinal)).toBe(ordinal);
    }),
    { numRuns: 200 },
  );
});

test("createLanes() hands on the first failure, and sends nothing more", async () => {
  let sends = 0;
  const lanes = createLanes({
    count: 2,
    batchItemsMax: 2,
    batchCharactersMax: 100,
    async send() {
      sends++;
      throw new Error("refused");
    },
  });
  const feed = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) await lanes.put([itemOf(i)]);
    await lanes.finish();
  };
  await expect(feed()).rejects.toThrow("refused");
  expect(sends).toBeLessThanOrEqual(2);
  expect(lanes.leastOpen(100)).toBe(0);
});
