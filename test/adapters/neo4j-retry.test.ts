// What the Neo4j adapter does with failures that another attempt may heal. Numbers are those of the failure cases in
// `npm run cases`.
import { expect, it } from "vitest";
import { failureOf } from "../../src/adapters/database/neo4j/failure.ts";
import { retrying } from "../../src/adapters/database/neo4j/retry.ts";

/** Fails with the codes in turn, then succeeds; answers how it ended and how long it waited each time. */
async function run(codes: readonly string[]) {
  const waits: number[] = [];
  let attempts = 0;
  const result = await retrying(
    { name: "graph", delay: async (ms) => void waits.push(ms), random: () => 0.5 },
    async () => {
      const code = codes[attempts++];
      if (code !== undefined) throw failureOf(code, "it failed");
      return "done";
    },
  ).catch((error: unknown) => error);
  return { result, attempts, waits };
}

const DEADLOCK = "Neo.TransientError.Transaction.DeadlockDetected";

it.each([DEADLOCK, "Neo.TransientError.Network.CommunicationError"])(
  "%s is tried again after a growing pause, until it succeeds (case 25)",
  async (code) => {
    const { result, attempts, waits } = await run([code, code, code]);
    expect([result, attempts]).toEqual(["done", 4]);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits[2]).toBeGreaterThan(waits[0]!);
  },
);

it.each(["Neo.TransientError.Transaction.LockClientStopped", "Neo.ClientError.Transaction.LockAcquisitionTimeout"])(
  "%s is handed back to be tried with less at a time (case 25)",
  async (code) => {
    const { result, attempts } = await run([code]);
    expect(result).toMatchObject({ code: "graph_unavailable", divisible: true });
    expect(attempts).toBe(1);
  },
);

it("a deadlock that does not end is an error, not an endless retry (case 25)", async () => {
  const { result, attempts } = await run(Array(100).fill(DEADLOCK));
  expect(result).toMatchObject({ code: "graph_unavailable" });
  expect(attempts).toBe(6);
});

it("what no attempt can heal is tried once (case 25)", async () => {
  for (const code of ["Neo.ClientError.Security.Unauthorized", "Neo.ClientError.Statement.SyntaxError"]) {
    expect((await run([code])).attempts).toBe(1);
  }
});
