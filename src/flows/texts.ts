// The texts that a text model reads, and the basis on which it speaks: what was visible up to a stamp (core-proof #33).
import { kindOfKey, parseEntityKey } from "../domain/key.ts";
import { stampOfVersion } from "../domain/stamp.ts";
import { type EntityState, fieldValue } from "../domain/state.ts";
import type { Basis, Seen, SourceText, Surroundings } from "./outside.ts";

/** Entities of a kind that a model reads at most: the newest of those within its bounds. */
const READ_MAX = 300;
/** Characters of each kind that are kept, beyond what any model reads. */
const CHARACTERS_MAX = 200_000;

/** The kinds whose `content` speaks for an entity, and the field by which they refer to it. */
const SOURCES: { readonly [kind: string]: readonly (readonly [kind: string, field: string])[] } = {
  Session: [["Message", "session"]],
  User: [
    ["Memory", "user"],
    ["Message", "user"],
  ],
};

export interface Reading {
  readonly texts: readonly SourceText[];
  readonly basis: Basis;
}

/** Texts of a session, a user or a message, written up to the stamp `cut`. */
export async function readTexts(graph: Surroundings, key: string, cut: string): Promise<Reading> {
  return reading(await sources(graph, key, (stamp) => stamp <= cut), cut);
}

/** Texts of the same conversation, written after one stamp and up to another. */
export async function readTextsAfter(graph: Surroundings, key: string, from: string, cut: string): Promise<Reading> {
  const about = await conversation(graph, key);
  return reading(await sources(graph, about, (stamp) => stamp > from && stamp <= cut), cut);
}

/** Whether a text rests on something else than what is visible now, up to its cut. */
export async function isStale(graph: Surroundings, key: string, basis: Basis): Promise<boolean> {
  const now = await readTexts(graph, key, basis.cut);
  return JSON.stringify(now.basis.read) !== JSON.stringify(basis.read);
}

async function sources(
  graph: Surroundings,
  key: string,
  isWithin: (stamp: string) => boolean,
): Promise<readonly Seen[]> {
  const from = SOURCES[kindOfKey(key)];
  // Before the newest are taken: what was said later must not keep the texts from being found.
  const isWanted = (state: EntityState): boolean => {
    const register = state.fields.content;
    return typeof register?.[0] === "string" && isWithin(stampOfVersion(register[1]));
  };
  if (from === undefined) {
    const seen = await graph.entity(key);
    return seen !== undefined && isWanted(seen.state) ? [seen] : [];
  }
  const found: Seen[] = [];
  for (const [kind, field] of from) {
    found.push(...(await graph.members(key, kind, field, { limit: READ_MAX, isWanted, pick: newestTexts() })));
  }
  return found;
}

/** Keeps what is read here, and of texts the newest: many attempts hold theirs together, and entities may be large. */
function newestTexts(): (state: EntityState) => EntityState {
  let room = CHARACTERS_MAX;
  return (state) => {
    const { content, role } = state.fields;
    const [text, version] = content as readonly [string, string];
    const kept = room > 0 ? text : "";
    room -= text.length;
    return { ...state, fields: { content: [kept, version], ...(role === undefined ? {} : { role }) } };
  };
}

/** What came after a message is said in its session. */
async function conversation(graph: Surroundings, key: string): Promise<string> {
  if (kindOfKey(key) !== "Message") return key;
  const session = await graph.entity(key).then((seen) => seen && fieldValue(seen.state, "session"));
  return typeof session === "string" ? session : key;
}

function reading(found: readonly Seen[], cut: string): Reading {
  const texts: SourceText[] = [];
  const read: [string, string, string][] = [];
  for (const { key, state } of found) {
    const [text, version] = state.fields.content as readonly [string, string];
    const { kind, id } = parseEntityKey(key);
    const role = fieldValue(state, "role");
    texts.push({ id, role: typeof role === "string" ? role : null, text });
    read.push([kind, id, version]);
  }
  return { texts, basis: { cut, read } };
}
