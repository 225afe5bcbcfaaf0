// The place where processes meet, in the stack's Neo4j. Each notes the moves of positions in the transaction that makes
// them; in the control they load without a lock, or compare nothing.
import type { OpenTransaction, Params, Row, Transport } from "../../src/adapters/database/neo4j/transport.ts";
import type { Database } from "../../src/ports/database.ts";
import type { Mode, Move, Place } from "../concurrency/place.ts";
import { emptyNeo4j, openNeo4j, openTransport, type TransportName } from "./neo4j-database.ts";

const POSITIONS = "MERGE (p:Position {key: r.key}) SET p += r";
const WITNESSED =
  "MERGE (p:Position {key: r.key}) WITH p, r CREATE (:Witness {key: r.key, was: coalesce(p.next, 0), now: r.next, v: r._v}) SET p += r";

/** Locks of entities and comparisons of theirs, as the statements have them. */
const ENTITY_LOCK = "MERGE (n:Entity {key: k}) ON MATCH SET n._lock = 0";
const ENTITY_COMPARISON =
  "MERGE (n:Entity {key: r.k}) SET n._lock = 0 SET n._v = toInteger(r.to) / CASE WHEN coalesce(n._v, 0) = toInteger(r.v) THEN 1 ELSE 0 END";

/** Opens the place as one of the processes: `neo4j:` and the transport. */
export function joinNeo4j(name: string, mode: Mode): Database {
  const via = name.slice("neo4j:".length) as TransportName;
  const inner = openTransport(via);
  const text = (statement: string): string => {
    const witnessed = statement.replace(POSITIONS, WITNESSED);
    if (mode !== "naive") return witnessed;
    return witnessed
      .replace(ENTITY_LOCK, "MERGE (n:Entity {key: k})")
      .replace(ENTITY_COMPARISON, "MERGE (n:Entity {key: r.k})");
  };
  const { begin } = inner;
  const transport: Transport = {
    ...inner,
    run: (statement: string, params: Params): Promise<readonly Row[]> => inner.run(text(statement), params),
    begin:
      begin &&
      ((): OpenTransaction => {
        const open = begin();
        return {
          ...open,
          run: (statement, params) => open.run(text(statement), params),
          runAll: (statements) => open.runAll(statements.map((each) => ({ ...each, text: text(each.text) }))),
        };
      }),
  };
  return openNeo4j(via, undefined, transport);
}

/** An empty place. */
export async function neo4jPlace(via: TransportName): Promise<Place> {
  const transport = openTransport("bolt");
  await emptyNeo4j(transport);
  const database = openNeo4j(via);
  await database.nowMs();
  return {
    name: `neo4j:${via}`,
    database,
    async effects() {
      const counts = new Map<string, number>();
      for (const [row] of await transport.run("MATCH (l:Ledger) RETURN l.row", {})) {
        const { entity } = JSON.parse(row as string) as { entity: string };
        counts.set(entity, (counts.get(entity) ?? 0) + 1);
      }
      return counts;
    },
    async moves() {
      const rows = await transport.run("MATCH (w:Witness) RETURN w.key, w.was, w.now ORDER BY w.key, w.v", {});
      return (rows as [string, number, number][]).map(([key, was, now]): Move => ({ key, was, now }));
    },
    async close() {
      await database.close();
      await emptyNeo4j(transport);
      await transport.close();
    },
  };
}
