// Processes that start at once on a server that was never used: each makes what it does not find, and none fails another.
import { afterAll, describe, expect, it } from "vitest";
import { notes } from "../../examples/ninth-flow/notes.ts";
import { searchIndexes } from "../../src/adapters/database/neo4j/indexes.ts";
import { shapeOf } from "../../src/adapters/database/neo4j/shape.ts";
import { flows, modelOf } from "../../src/flows/index.ts";
import { emptyNeo4j, emptySchema, openNeo4j, openTransport, TRANSPORTS } from "./neo4j-database.ts";

const STARTS = 6;
const ROUNDS = 3;
const nine = modelOf([...flows, notes]);
const names = searchIndexes(shapeOf(nine)).map(({ name }) => name);

const direct = openTransport("bolt");
afterAll(async () => {
  await emptyNeo4j(direct);
  for (const name of names.filter((each) => each.includes("_note_"))) await direct.run(`DROP INDEX ${name}`, {});
  await direct.close();
});

describe.each(TRANSPORTS)("over %s", (via) => {
  it(`${STARTS} processes, ${ROUNDS} times: every first operation finds the whole schema`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await emptySchema(direct);
      const databases = Array.from({ length: STARTS }, () => openNeo4j(via, nine));
      try {
        await Promise.all(databases.map((database) => database.nowMs()));
      } finally {
        await Promise.all(databases.map((database) => database.close()));
      }
      const show = "SHOW INDEXES YIELD name, state WHERE name IN $names AND state = 'ONLINE' RETURN name";
      expect((await direct.run(show, { names })).flat().sort()).toEqual(names.toSorted());
      expect(await direct.run("MATCH (mark:Tidegate) RETURN count(mark)", {})).toEqual([[1]]);
    }
  });
});
