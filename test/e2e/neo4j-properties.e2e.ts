// The promises as properties on Neo4j, over both protocols: 50 cases of each, where memory has a thousand. PROPERTY_SEED
// repeats a run, PROPERTY_RUNS makes it longer.
import { afterAll, describe, expect, it } from "vitest";
import { OWN_SOURCES } from "../property/core.ts";
import { PROPERTIES, runProperties } from "../property/run-properties.ts";
import { TRANSPORTS } from "./neo4j-database.ts";
import { createNeo4jWorlds } from "./neo4j-worlds.ts";

const runs = Number(process.env.PROPERTY_RUNS ?? 50);
const seed = Number(process.env.PROPERTY_SEED ?? Date.now() % 0x7fff_ffff);
/** Far more than a case takes, however busy the machine. */
const TIMEOUT_MS = 60_000 + runs * 10_000;

console.log(`properties on Neo4j: seed ${seed}, ${runs} cases of each`);

describe.each(TRANSPORTS)("over %s", (name) => {
  const worlds = createNeo4jWorlds(name);
  afterAll(() => worlds.close());

  it.each(PROPERTIES.map(({ number, name: what }) => [number, what] as const))(
    "property %i: %s",
    { timeout: TIMEOUT_MS },
    async (number) => {
      const { openStore } = worlds;
      const options = { src: OWN_SOURCES, openStore, properties: [number], runs, seed, shrink: true };
      const [outcome] = await runProperties(options);
      expect(outcome?.report).toBe("");
    },
  );
});
