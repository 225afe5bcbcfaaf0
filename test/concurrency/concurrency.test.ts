// Property 8 of core-proof (c), over SQLite files: six processes, kill -9, and a control that has to fail.
import { expect, test } from "vitest";
import { runControl, runScenario } from "./scenario.ts";

const seed = Number(process.env.CONCURRENCY_SEED ?? Date.now() % 100_000);
console.log(`concurrency: seed ${seed}`);

test("property 8: six processes under kill -9 lose, double and tear nothing (case 21)", {
  timeout: 60_000,
}, async () => {
  const { findings, kills } = await runScenario({ seed, mode: "locked", kills: 12 });
  expect(kills).toBe(12);
  expect(findings).toEqual({ lostRegisters: 0, wrongLines: 0, wrongCounts: 0, brokenChain: 0, missing: 0 });
});

test("property 8: loading without a lock is noticed", { timeout: 120_000 }, async () => {
  const { findings } = await runControl(seed);
  expect(findings.lostRegisters).toBeGreaterThan(0);
});
