// The promises as properties, a thousand cases of each, in shares that run side by side. PROPERTY_SEED repeats a run,
// PROPERTY_RUNS makes it longer.
import { expect, test } from "vitest";
import { OWN_SOURCES } from "./core.ts";
import { PROPERTIES, runProperties } from "./run-properties.ts";

const SHARES = 3;
const runs = Number(process.env.PROPERTY_RUNS ?? 1_000);
const seed = Number(process.env.PROPERTY_SEED ?? Date.now() % 0x7fff_ffff);
/** Far more than a property takes, however busy the machine: a case that hangs fails by itself. */
const TIMEOUT_MS = Math.max(600_000, runs * 600);

/** Tests every third property, beginning with this one. */
export function testShare(share: number): void {
  console.log(`properties: seed ${seed}, ${runs} cases of each`);
  for (const { number, name } of PROPERTIES.filter((_, index) => index % SHARES === share)) {
    test(`property ${number}: ${name}`, { timeout: TIMEOUT_MS }, async () => {
      const [outcome] = await runProperties({ src: OWN_SOURCES, properties: [number], runs, seed, shrink: true });
      expect(outcome?.report).toBe("");
    });
  }
}
