// Property 8 of core-proof (c) on Neo4j: six processes under kill -9 over bolt (locked) and over the Query API (guarded),
// and the controls, which load without a lock or compare nothing and have to fail.
import { describe, expect, it } from "vitest";
import { runControl, runScenario } from "../concurrency/scenario.ts";
import { TRANSPORTS } from "./neo4j-database.ts";
import { neo4jPlace } from "./neo4j-place.ts";

const seed = Number(process.env.CONCURRENCY_SEED ?? Date.now() % 100_000);
console.log(`concurrency on Neo4j: seed ${seed}`);
const TIMEOUT_MS = 600_000;

describe.each(TRANSPORTS)("over %s", (name) => {
  it("overlapping ticks of six processes under kill -9 lose, double and tear nothing (case 21)", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const makePlace = () => neo4jPlace(name);
    const { findings, kills } = await runScenario({ seed, mode: "locked", kills: 12, makePlace });
    expect(kills).toBe(12);
    expect(findings).toEqual({ lostRegisters: 0, wrongLines: 0, wrongCounts: 0, brokenChain: 0, missing: 0 });
  });

  it("loading without a lock, or writing without a comparison, is noticed", { timeout: TIMEOUT_MS }, async () => {
    const { findings } = await runControl(seed, () => neo4jPlace(name));
    expect(findings.lostRegisters).toBeGreaterThan(0);
  });
});
