// Questions that operations ask: answered within the transaction, after everything else is written, and kept for a while.
import { decodeState } from "../../../domain/state.ts";
import type { QueryAnswer, Question, Writes } from "../../../ports/database.ts";
import type { Loaded } from "./load.ts";
import { SHOWN, SIZE, wholeRows } from "./rows.ts";
import type { Part } from "./save.ts";
import { findParams, findText, orderOf } from "./search.ts";
import type { Shape } from "./shape.ts";
import type { Transport, Value } from "./transport.ts";

/** Entities of an answer at most; a question's own limit lies below. */
const FOUND_MAX = 500;

const KEEP =
  "CALL () { MATCH (p:Position) WHERE p.key STARTS WITH 'log/' AND p.next IS NOT NULL RETURN collect(p) AS ps } " +
  "MERGE (a:QueryAnswer {key: r.key}) ON CREATE SET a.at = toInteger(r.at), a.expires = toInteger(r.expires), " +
  "a.keys = [f IN found | f[0]], a.states = [f IN found | f[1]], " +
  "a.positions = [p IN ps | p.key], a.offsets = [p IN ps | p.next], a.truncated = CASE WHEN truncated THEN true END";

/** One part for each form of question that is asked. */
export function questionParts(shape: Shape, { questions = [] }: Writes, loaded: Loaded): Part[] {
  const parts = new Map<string, Value[]>();
  for (const question of questions) {
    const params = findParams(shape, question.query);
    const text = `${params === undefined ? "WITH r, [] AS found, false AS truncated" : foundBy(shape, question)} ${KEEP}`;
    const { nowMs } = loaded.state;
    const { key, limit, keepMs } = question;
    const row = { ...params, key, limit, at: nowMs, expires: nowMs + keepMs };
    parts.set(text, [...(parts.get(text) ?? []), row]);
  }
  return [...parts].map(([text, rows], i) => ({ name: `questions${i}`, text, rows }));
}

function foundBy(shape: Shape, { query }: Question): string {
  const found = `${findText(shape, query, "r.")} WITH n${query.text === undefined ? "" : ", score"} ORDER BY ${orderOf(query)} LIMIT ${FOUND_MAX}`;
  // Measured before any state is taken along: the server's memory is as bounded as ours.
  return `CALL (r) { ${found} RETURN collect(n) AS all } WITH r, all[..toInteger(r.limit)] AS ns
WITH r, ns, [n IN ns | ${SIZE}] AS sizes WITH r, ns, ${SHOWN} AS shown
WITH r, [n IN ns[..shown] | [n.key, n._state]] AS found, shown < size(ns) AS truncated`;
}

/** The kept answer; undefined when there is none, or its time is over. */
export async function readAnswer(transport: Transport, key: string): Promise<QueryAnswer | undefined> {
  const rows = await transport.run(
    "MATCH (a:QueryAnswer {key: $key}) WHERE a.expires > datetime.realtime().epochMillis RETURN a.at, a.keys, a.states, a.positions, a.offsets, coalesce(a.truncated, false)",
    { key },
  );
  const [row] = wholeRows(rows);
  if (row === undefined) return undefined;
  const [atMs, keys, states, positions, offsets, truncated] = row as unknown as [
    number,
    string[],
    string[],
    string[],
    number[],
    boolean,
  ];
  return {
    atMs,
    positions: Object.fromEntries(positions.map((position, i) => [position, offsets[i]!])),
    found: keys.map((found, i) => ({ key: found, state: decodeState(states[i]!) })),
    truncated,
    size: states.reduce((sum, { length }) => sum + length, 0),
  };
}
