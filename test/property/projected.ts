// Recomputes from the registers alone who is hidden and which edges there are, recursively and from scratch, and
// compares with what saves and sweeps left in the database.
import type { DumpEntity } from "../../src/ports/database.ts";
import { expectSame, expectSameLines } from "./expect.ts";
import { lineOf } from "./oracle.ts";
import type { World } from "./world.ts";

const ROWS_MAX = 10_000;

export async function expectProjected({ core, database }: World): Promise<void> {
  const { model } = core.flows;
  const rows = new Map((await database.dumpEntities("", ROWS_MAX)).map((row) => [row.key, row]));
  const edges = await database.dumpEdges({ source: "", field: "" }, ROWS_MAX);
  const kindOf = (key: string) => model.get(key.split("/")[1]!)!;
  const lives = ({ state: { born, died } }: DumpEntity): boolean => born !== null && (died === null || born > died);
  const references = (row: DumpEntity) =>
    kindOf(row.key).references.flatMap((reference) => {
      const register = row.state.fields[reference.field];
      if (register === undefined || typeof register[0] !== "string") return [];
      const target = rows.get(register[0]);
      const died = target?.state.died ?? null;
      return [{ ...reference, target: register[0], row: target, cut: died !== null && register[1] < died }];
    });
  const hides = (row: DumpEntity): boolean =>
    references(row).some(({ owner, cut, row: target }) => {
      return owner && (cut || (target !== undefined && lives(target) && hides(target)));
    });
  const shows = (key: string): boolean => {
    const row = rows.get(key);
    return kindOf(key).implicit || (row !== undefined && lives(row) && !hides(row));
  };

  const expected: string[] = [];
  const touched = new Set<string>();
  for (const row of rows.values()) {
    expectSame(`hidden flag of ${row.key}`, row.hidden, hides(row));
    if (!kindOf(row.key).implicit) expectSame(`visible flag of ${row.key}`, row.visible, shows(row.key));
    const sort = core.projection.sortOf(kindOf(row.key), row.state);
    for (const { field, target, cut } of references(row)) {
      const live = shows(row.key) && shows(target) && !cut;
      if (live) touched.add(target);
      expected.push(lineOf({ source: row.key, field, target, live, sort }));
    }
  }
  const actual = edges.map(({ source, field, target, live, sort }) => lineOf({ source, field, target, live, sort }));
  expectSameLines("the edges are not those of the registers", actual, expected);
  for (const row of rows.values()) expectSame(`touched flag of ${row.key}`, row.touched, touched.has(row.key));
}
