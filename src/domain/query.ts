// Queries over searchable kinds, and what the index of a database holds of each entity.
import type { Json } from "./json.ts";
import type { Search } from "./model.ts";
import { stampMs } from "./stamp.ts";
import { type EntityState, fieldValue } from "./state.ts";

/** What is asked for. Everything that is given has to hold. */
export interface Query {
  readonly tenant: string;
  /** A searchable kind. */
  readonly kind: string;
  /** Words that have to occur, in any order; the best matches come first. Without it the newest come first. */
  readonly text?: string;
  /** Key of the user. */
  readonly user?: string;
  readonly tags?: readonly string[];
  /** UTC, inclusive. */
  readonly from?: string;
  /** UTC, exclusive. */
  readonly to?: string;
  readonly state?: "active" | "ended";
}

/** What the index knows of a visible entity. */
export interface IndexEntry {
  readonly user: string | null;
  /** UTC with milliseconds. */
  readonly time: string;
  readonly ended: boolean;
  readonly tags: readonly string[];
  readonly text: string;
}

/** An entity's entry; the caller indexes visible entities alone. */
export function indexEntry(search: Search, state: EntityState): IndexEntry {
  const value = (field: string | undefined): Json => (field === undefined ? null : fieldValue(state, field));
  const user = value(search.user);
  const time = value(search.time);
  const tags = value(search.tags);
  return {
    user: typeof user === "string" ? user : null,
    time: typeof time === "string" ? time : new Date(stampMs(state.born ?? "0")).toISOString(),
    ended: value(search.ended) !== null,
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [],
    text: search.text.map((field) => value(field) ?? "").join("\n"),
  };
}

/** The words of a text as an index compares them: without case and without diacritics. */
export function foldedWords(text: string): string[] {
  const folded = text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  return folded.match(/[\p{L}\p{N}]+/gu) ?? [];
}
