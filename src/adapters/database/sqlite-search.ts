// Searchable kinds: their index, its queries, and the kept answers to questions asked within transactions.
import { parseEntityKey } from "../../domain/key.ts";
import { foldedWords, type IndexEntry, type Query } from "../../domain/query.ts";
import type { Page, QueryAnswer, Question } from "../../ports/database.ts";
import { LAST, type Sql, type SqlValue } from "../../sql/sql.ts";
import { readPlace } from "./place.ts";
import { readEntity, shownRows } from "./sqlite-rows.ts";

/** Words of a query beyond these say nothing more. */
const WORDS_MAX = 32;
/** Matches of a text that can be paged through. */
const MATCHES_MAX = 10_000;
/** Characters of a row's part of an answer, at most four bytes each: what a Durable Object holds in a row, with room left. */
const PARTS = /.{1,400000}/gsu;

/** Brings an entity's entry up to date; null takes it out. */
export function saveIndex(sql: Sql, key: string, entry: IndexEntry | null): void {
  const held = sql.get<{ id: number }>("SELECT id FROM search WHERE key = ?", key);
  if (entry === null) {
    if (held === undefined) return;
    sql.run("DELETE FROM search_text WHERE rowid = ?", held.id);
    sql.run("DELETE FROM search WHERE id = ?", held.id);
    return;
  }
  const { tenant, kind } = parseEntityKey(key);
  const { id } = sql.get<{ id: number }>(
    "INSERT INTO search (key, tenant, kind, user, time, ended, tags) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET " +
      "user = excluded.user, time = excluded.time, ended = excluded.ended, tags = excluded.tags RETURNING id",
    key,
    tenant,
    kind,
    entry.user,
    entry.time,
    Number(entry.ended),
    JSON.stringify(entry.tags),
  )!;
  saveText(sql, id, entry, held !== undefined);
}

/** Puts an entry's words in the place of those that are there. */
export function saveText(sql: Sql, id: number, { text }: IndexEntry, isHeld = true): void {
  if (isHeld) sql.run("DELETE FROM search_text WHERE rowid = ?", id);
  const words = foldedWords(text);
  if (words.length > 0) sql.run("INSERT INTO search_text (rowid, text) VALUES (?, ?)", id, words.join(" "));
}

/** A page of what a query finds. */
export function search(sql: Sql, query: Query, cursor: string, limit: number): Page {
  const { where, params } = conditions(query);
  if (query.text === undefined) return newest(sql, where, params, cursor, limit);
  const words = foldedWords(query.text).slice(0, WORDS_MAX);
  if (words.length === 0) return NOTHING;
  const match = words.map((word) => `"${word}"`).join(" ");
  return best(sql, where, [match, ...params], cursor, limit);
}

const NOTHING: Page = { sources: [], next: null };

/** A page goes on behind the entity that the one before ended with, wherever that stands by now. */
function best(sql: Sql, where: string, params: readonly SqlValue[], cursor: string, limit: number): Page {
  const [from, last] = readPlace(cursor, [0, ""]);
  const matches = `FROM search_text JOIN search ON search.id = search_text.rowid WHERE search_text MATCH ? AND ${where}`;
  const order = "ORDER BY search_text.rank, search.key";
  const rows =
    cursor === ""
      ? sql.all<{ key: string }>(`SELECT search.key ${matches} ${order} LIMIT ?`, ...params, limit)
      : sql.all<{ key: string }>(
          `WITH found AS (SELECT search.key AS key, row_number() OVER (${order}) AS place ${matches}) ` +
            "SELECT key FROM found WHERE place > coalesce((SELECT place FROM found WHERE key = ?), ?) ORDER BY place LIMIT ?",
          ...params,
          last,
          from,
          limit,
        );
  const sources = shownRows(sql, rows, ({ key }) => key).map(({ key }) => key);
  const to = from + sources.length;
  const more = (sources.length < rows.length || rows.length === limit) && to < MATCHES_MAX;
  return { sources, next: more ? JSON.stringify([to, sources.at(-1)]) : null };
}

function newest(sql: Sql, where: string, params: readonly SqlValue[], cursor: string, limit: number): Page {
  const [time, key] = readPlace(cursor, [LAST, LAST]);
  const rows = sql.all<{ time: string; key: string }>(
    `SELECT time, key FROM search WHERE ${where} AND (time, key) < (?, ?) ORDER BY time DESC, key DESC LIMIT ?`,
    ...params,
    time,
    key,
    limit,
  );
  const shown = shownRows(sql, rows, (row) => row.key);
  const last = shown.at(-1);
  const isLast = shown.length === rows.length && rows.length < limit;
  const next = isLast || last === undefined ? null : JSON.stringify([last.time, last.key]);
  return { sources: shown.map((row) => row.key), next };
}

function conditions({ tenant, kind, user, from, to, state, tags }: Query): { where: string; params: SqlValue[] } {
  const parts: [string, SqlValue][] = [
    ["search.tenant = ?", tenant],
    ["search.kind = ?", kind],
  ];
  if (user !== undefined) parts.push(["search.user = ?", user]);
  if (from !== undefined) parts.push(["search.time >= ?", from]);
  if (to !== undefined) parts.push(["search.time < ?", to]);
  if (state !== undefined) parts.push(["search.ended = ?", Number(state === "ended")]);
  for (const tag of tags ?? []) {
    parts.push(["EXISTS (SELECT 1 FROM json_each(search.tags) AS tag WHERE tag.value = ?)", tag]);
  }
  return { where: parts.map(([text]) => text).join(" AND "), params: parts.map(([, value]) => value) };
}

/** Answers a question as of the running transaction, and keeps the answer, whose size it returns. */
export function answerQuestion(sql: Sql, { key, query, limit, keepMs }: Question, nowMs: number): number {
  if (sql.get("SELECT 1 FROM query_answer WHERE key = ?", key) !== undefined) return 0;
  const { sources, next } = search(sql, query, "", limit);
  const positions = sql.all<{ key: string; next: number }>("SELECT key, next FROM position WHERE key LIKE 'log/%'");
  const answer: Omit<QueryAnswer, "size"> = {
    atMs: nowMs,
    positions: Object.fromEntries(positions.map((row) => [row.key, row.next])),
    found: sources.map((source) => ({ key: source, state: readEntity(sql, source).state })),
    truncated: next !== null && sources.length < limit,
  };
  const text = JSON.stringify(answer);
  const parts = text.match(PARTS)!;
  for (const [part, answerPart] of parts.entries()) {
    sql.run(
      "INSERT INTO query_answer (key, part, answer, expires_ms) VALUES (?, ?, ?, ?)",
      key,
      part,
      answerPart,
      nowMs + keepMs,
    );
  }
  return text.length;
}

/** The kept answer; undefined when there is none, or its time is over. */
export function readAnswer(sql: Sql, key: string, nowMs: number): QueryAnswer | undefined {
  const parts = sql.all<{ answer: string }>(
    "SELECT answer FROM query_answer WHERE key = ? AND expires_ms > ? ORDER BY part",
    key,
    nowMs,
  );
  if (parts.length === 0) return undefined;
  const text = parts.map(({ answer }) => answer).join("");
  const answer: Omit<QueryAnswer, "truncated"> & Partial<QueryAnswer> = JSON.parse(text);
  // Answers of an older release are whole.
  return { ...answer, truncated: answer.truncated ?? false, size: text.length };
}
