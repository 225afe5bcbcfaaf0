// Searchable kinds: found by their words, which lie in a full-text index, or by their time. Words are split and folded
// before they are stored, so that the same texts match as in every other database of ours; the order of matches is
// Lucene's.

import { foldedWords, type Query } from "../../../domain/query.ts";
import type { Page } from "../../../ports/database.ts";
import { LAST } from "../../../sql/sql.ts";
import { countShown } from "../bounds.ts";
import { readPlace } from "../place.ts";
import { textIndexName } from "./indexes.ts";
import { SIZE } from "./rows.ts";
import type { Shape } from "./shape.ts";
import type { Params, Row, Transport, Value } from "./transport.ts";

/** Words of a query beyond these say nothing more. */
const WORDS_MAX = 32;
/** Matches of a text that can be paged through. */
const MATCHES_MAX = 10_000;

/** What a query asks for, as parameters; and the pattern that finds `n`, in which `at` stands before each of them. */
export function findText(shape: Shape, query: Query, at: "$" | "r."): string {
  const conditions = [
    ...(query.user === undefined ? [] : [`n._${shape.searchOf(query.kind)?.user} = ${at}user`]),
    ...(query.from === undefined ? [] : [`n._time >= ${at}from`]),
    ...(query.to === undefined ? [] : [`n._time < ${at}to`]),
    ...(query.state === undefined ? [] : [`n._ended = ${at}ended`]),
    ...(query.tags === undefined ? [] : [`all(tag IN ${at}tags WHERE tag IN n._tags)`]),
  ];
  if (query.text === undefined) {
    const whose = query.user === undefined ? [`n.tenant = ${at}tenant`] : [];
    return `MATCH (n:${query.kind}) WHERE ${[...whose, ...conditions, "n._time IS NOT NULL"].join(" AND ")}`;
  }
  const index = textIndexName(query.kind);
  return `CALL db.index.fulltext.queryNodes('${index}', ${at}words) YIELD node AS n, score WHERE ${[`n.tenant = ${at}tenant`, ...conditions].join(" AND ")} WITH n, score`;
}

/** The order of what {@link findText} finds. */
export function orderOf(query: Query): string {
  return query.text === undefined ? "n._time DESC, n.key DESC" : "score DESC, n.key";
}

/** The parameters of {@link findText}; undefined when nothing can match. */
export function findParams(shape: Shape, query: Query): { [name: string]: Value } | undefined {
  const { kind, text, state, tags, ...rest } = query;
  const search = shape.searchOf(kind);
  if (search === undefined) return undefined;
  const params = {
    ...rest,
    ...(tags === undefined ? {} : { tags }),
    ...(state === undefined ? {} : { ended: state === "ended" }),
  };
  if (text === undefined) return params;
  const words = foldedWords(text).slice(0, WORDS_MAX);
  if (words.length === 0 || search.text.length === 0) return undefined;
  return { ...params, words: words.map((word) => `+${word}`).join(" ") };
}

/** A search as its statement needs it. */
interface Asked {
  readonly pattern: string;
  readonly order: string;
  /** Undefined when nothing can match. */
  readonly params: Params | undefined;
}

/** A page of what a query finds. */
export function search(transport: Transport, shape: Shape, query: Query, cursor: string, limit: number): Promise<Page> {
  const asked = { pattern: findText(shape, query, "$"), order: orderOf(query), params: findParams(shape, query) };
  const page = query.text === undefined ? newest : best;
  return page(transport, asked, cursor, limit);
}

/** A page goes on behind the entity that the one before ended with, wherever that stands by now. */
async function best(
  transport: Transport,
  { pattern, order, params }: Asked,
  cursor: string,
  limit: number,
): Promise<Page> {
  const [from, last] = readPlace(cursor, [0, ""]);
  if (params === undefined) return NOTHING;
  const found = `${pattern} ORDER BY ${order}`;
  const text =
    cursor === ""
      ? `${found} LIMIT toInteger($limit) RETURN n.key, ${SIZE}`
      : `${found} LIMIT ${MATCHES_MAX} WITH collect(n.key) AS found ` +
        "WITH found, coalesce([i IN range(0, size(found) - 1) WHERE found[i] = $last][0] + 1, toInteger($from)) AS place " +
        `UNWIND found[place..place + toInteger($limit)] AS key OPTIONAL MATCH (n:Entity {key: key}) RETURN key, ${SIZE}`;
  const rows = await transport.run(text, { ...params, limit, from, last });
  const sources = shownOf(rows).map(([key]) => key as string);
  const to = from + sources.length;
  const more = (sources.length < rows.length || rows.length === limit) && to < MATCHES_MAX;
  return { sources, next: more ? JSON.stringify([to, sources.at(-1)]) : null };
}

const NOTHING: Page = { sources: [], next: null };

/** Those of the rows that a page holds; the last column is the size of each. */
function shownOf(rows: readonly Row[]): readonly Row[] {
  return rows.slice(0, countShown(rows.map((row) => row.at(-1) as number)));
}

async function newest(
  transport: Transport,
  { pattern, order, params }: Asked,
  cursor: string,
  limit: number,
): Promise<Page> {
  const [time, key] = readPlace(cursor, [LAST, LAST]);
  if (params === undefined) return NOTHING;
  const behind = "n._time <= $time AND (n._time < $time OR n.key < $key)";
  const rows = await transport.run(
    `${pattern} AND ${behind} WITH n ORDER BY ${order} LIMIT toInteger($limit) RETURN n._time, n.key, ${SIZE}`,
    { ...params, time, key, limit },
  );
  const shown = shownOf(rows);
  const last = shown.at(-1);
  const isLast = shown.length === rows.length && rows.length < limit;
  const next = isLast || last === undefined ? null : JSON.stringify(last.slice(0, 2));
  return { sources: shown.map(([, found]) => found as string), next };
}
