// Processes that start at once on a server that was never used: each makes what it does not find, and none fails another.
import { afterAll, describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../src/adapters/database/neo4j/migrations.ts";
import { emptySchema, openNeo4j, openTransport, TRANSPORTS } from "./neo4j-database.ts";

const STARTS = 6;
const ROUNDS = 3;
const names = MIGRATIONS.flat().map((statement) => /tidegate_\w+/.exec(statement)![0]);

const direct = openTransport("bolt");
afterAll(() => direct.close());

describe.each(TRANSPORTS)("over %s", (via) => {
  it(`${STARTS} processes, ${ROUNDS} times: every first operation finds the whole schema`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await emptySchema(direct);
      const databases = Array.from({ length: STARTS }, () => openNeo4j(via));
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
