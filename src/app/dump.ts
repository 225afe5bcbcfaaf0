// The graph as canonical JSON Lines, so that two runs can be compared byte by byte.
import { canonical, type Json } from "../domain/json.ts";
import { kindOfKey } from "../domain/key.ts";
import { type GraphModel, kindIn } from "../domain/model.ts";
import type { Edge } from "../domain/projection.ts";
import type { Database, DumpEntity } from "../ports/database.ts";

const PAGE_ROWS = 1_000;

/**
 * Visible nodes with their client fields, then live edges, each sorted by key: no stamps, operation ids, service times
 * or positions, and nothing of how the service came to a value. References are shown as edges alone. With `registers`, every stored entity instead: all registers with
 * their versions, tombstones and hidden flags, then all edges.
 */
export async function* dump(model: GraphModel, database: Database, registers: boolean): AsyncGenerator<string> {
  for (let after = ""; ; ) {
    const rows = await database.dumpEntities(after, PAGE_ROWS);
    for (const row of rows) {
      if (registers) yield registerLine(row);
      else if (kindIn(model, kindOfKey(row.key)).implicit ? row.touched : row.visible) yield nodeLine(model, row);
    }
    if (rows.length === 0) break;
    after = rows.at(-1)!.key;
  }
  for (let after: Pick<Edge, "source" | "field"> = { source: "", field: "" }; ; ) {
    const rows = await database.dumpEdges(after, PAGE_ROWS);
    for (const row of rows) if (registers || row.live) yield edgeLine(model, row, registers);
    if (rows.length < PAGE_ROWS) break;
    after = rows.at(-1)!;
  }
}

function nodeLine(model: GraphModel, { key, state }: DumpEntity): string {
  const kind = kindOfKey(key);
  const { references, provenance = [] } = kindIn(model, kind);
  const fields: { [name: string]: Json } = {};
  for (const [name, [value]] of Object.entries(state.fields)) {
    if (value === null || references.some(({ field }) => field === name)) continue;
    fields[name] = without(provenance, value);
  }
  return canonical({ node: key, labels: [kind], fields });
}

/** A compound value without some of its members; any other value as it is. */
function without(names: readonly string[], value: Json): Json {
  if (names.length === 0 || value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

function registerLine({ key, state, hidden }: DumpEntity): string {
  const fields = Object.fromEntries(
    Object.entries(state.fields).map(([name, [value, version]]) => [name, [value, version]]),
  );
  return canonical({ entity: key, born: state.born, died: state.died, hidden, fields });
}

function edgeLine(model: GraphModel, { source, field, target, live }: Edge, registers: boolean): string {
  const reference = kindIn(model, kindOfKey(source)).references.find((candidate) => candidate.field === field)!;
  const [from, to] = reference.direction === "out" ? [source, target] : [target, source];
  return canonical({ edge: reference.relation, from, to, ...(registers ? { live } : {}) });
}
