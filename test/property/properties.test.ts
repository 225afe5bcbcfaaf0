// The promises as properties, a thousand cases of each. PROPERTY_SEED repeats a run, PROPERTY_RUNS makes it longer.
import { expect, test } from "vitest";
import { OWN_SOURCES } from "./core.ts";
import { PROPERTIES, runProperties } from "./run-properties.ts";

const runs = Number(process.env.PROPERTY_RUNS ?? 1_000);
const seed = Number(process.env.PROPERTY_SEED ?? Date.now() % 0x7fff_ffff);
/** Far more than a case takes, however busy the machine. */
const TIMEOUT_MS = runs * 100;

console.log(`properties: seed ${seed}, ${runs} cases of each`);

for (const { number, name } of PROPERTIES) {
  test(`property ${number}: ${name}`, { timeout: TIMEOUT_MS }, async () => {
    const [outcome] = await runProperties({ src: OWN_SOURCES, properties: [number], runs, seed, shrink: true });
    expect(outcome?.report).toBe("");
  });
}
