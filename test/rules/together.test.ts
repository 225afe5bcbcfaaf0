// Results of prepared work that share a transaction: one that cannot be applied does not hold up the others.
import { expect, it } from "vitest";
import { type Arrival, NOTHING_APPLIED } from "../../src/app/decision.ts";
import type { Engine } from "../../src/app/engine.ts";
import { createTogether } from "../../src/app/together.ts";
import { AppError } from "../../src/domain/errors.ts";

/** Applies ten results together; which were refused, and in how many transactions. */
async function applyTen(fails: (ids: readonly string[]) => Error | undefined) {
  let transactions = 0;
  const engine: Engine = {
    arrival: () => {
      throw new Error("not asked for");
    },
    async apply({ arrivals }) {
      transactions += 1;
      const failure = fails(arrivals.map(({ operation }) => operation.id));
      if (failure !== undefined) throw failure;
      return NOTHING_APPLIED;
    },
  };
  const together = createTogether({ engine, delay: () => new Promise(() => undefined), expectsMore: () => true });
  const all = Array.from({ length: 10 }, (_, i) => together.apply({ operation: { id: `op${i}` } } as Arrival));
  together.flush();
  const outcomes = await Promise.allSettled(all);
  return { refused: outcomes.flatMap(({ status }, i) => (status === "rejected" ? [i] : [])), transactions };
}

const failure = (how: { ambiguous?: boolean; divisible?: boolean }) => () =>
  new AppError("graph_unavailable", "no answer", how);
const EVERY = Array.from({ length: 10 }, (_, i) => i);

it("one that cannot be stored fails alone", async () => {
  const { refused } = await applyTen((ids) => (ids.includes("op6") ? new TypeError("cannot be stored") : undefined));
  expect(refused).toEqual([6]);
});

it("what is too much at a time is applied in parts", async () => {
  const { refused } = await applyTen((ids) => (ids.length > 3 ? failure({ divisible: true })() : undefined));
  expect(refused).toEqual([]);
});

it("what may stand, or cannot be reached, is tried once", async () => {
  for (const fails of [failure({ divisible: true, ambiguous: true }), failure({})]) {
    expect(await applyTen(fails)).toEqual({ refused: EVERY, transactions: 1 });
  }
});
