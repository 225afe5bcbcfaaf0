// What saving an entity changes on its node: only properties that differ, since writing them is what costs most.
// Everything exact lies in `_state`; the visible properties beside it are for people and their Cypher.
import type { Json } from "../../../domain/json.ts";
import { kindOfKey, parseEntityKey } from "../../../domain/key.ts";
import type { Edge } from "../../../domain/projection.ts";
import { foldedWords, type IndexEntry } from "../../../domain/query.ts";
import type { Save } from "../../../domain/settle.ts";
import { type EntityState, encodeState, UNTOUCHED } from "../../../domain/state.ts";
import type { LoadedEntity } from "./load.ts";
import type { Shape } from "./shape.ts";
import type { Value } from "./transport.ts";

type Properties = { [name: string]: Value };

/** A node and what is set on it. */
export interface NodeRow {
  readonly k: string;
  readonly p: Properties;
}

/** Names that a field of the same name must not take. */
const RESERVED: ReadonlySet<string> = new Set(["key", "tenant", "id"]);

/** The properties that make the stored entity what is saved. */
export function nodeRow(shape: Shape, save: Save, old: LoadedEntity): NodeRow {
  const { key, state, hidden, edges, index } = save;
  const properties: Properties = { _state: encodeState(state), _v: old.v + 1 };
  if (!old.stored.existing) Object.assign(properties, identity(key));
  if (hidden !== old.stored.hidden) properties._hidden = hidden ? true : null;
  visibleFields(shape.fieldsOf(kindOfKey(key)), old.stored.state, state, properties);
  if (edges !== undefined) referProperties(shape.fieldsOf(kindOfKey(key)), edges, old, properties);
  if (index !== undefined) indexProperties(index, old.shown, properties);
  return { k: key, p: properties };
}

/** The properties of an entity that is named and nothing else. */
export function namedRow(key: string, v: number): NodeRow {
  return { k: key, p: { ...identity(key), _state: UNTOUCHED_TEXT, _v: v + 1 } };
}

const UNTOUCHED_TEXT = encodeState(UNTOUCHED);

function identity(key: string): Properties {
  const { tenant, id } = parseEntityKey(key);
  return { tenant, id };
}

function visibleFields(
  references: readonly string[],
  old: EntityState,
  now: EntityState,
  properties: Properties,
): void {
  for (const name in now.fields) {
    if (now.fields[name] === old.fields[name] || !isShown(name, references)) continue;
    properties[name] = visibleValue(now.fields[name]![0]);
  }
  for (const name in old.fields) {
    if (now.fields[name] === undefined && isShown(name, references)) properties[name] = null;
  }
}

/** References are shown as relationships. */
function isShown(name: string, references: readonly string[]): boolean {
  return !RESERVED.has(name) && !name.startsWith("_") && !references.includes(name);
}

/** A value as a property can hold it: lists of one type as lists, everything else that is no scalar as JSON. */
function visibleValue(value: Json): Value {
  if (value === null || typeof value !== "object") return value;
  return isPlainList(value) ? value : JSON.stringify(value);
}

function isPlainList(value: object): value is string[] | boolean[] {
  if (!Array.isArray(value) || value.length === 0) return Array.isArray(value);
  const type = typeof value[0];
  // Whole and broken numbers are two types to a list.
  return (type === "string" || type === "boolean") && value.every((each) => typeof each === type);
}

/** Every reference, live or not, so that a sweep finds it; `_cut` names those that are not shown as relationships. */
function referProperties(
  fields: readonly string[],
  edges: readonly Edge[],
  old: LoadedEntity,
  properties: Properties,
): void {
  if (old.stored.existing) for (const field of fields) properties[`_${field}`] = null;
  for (const { field, target } of edges) properties[`_${field}`] = target;
  const cut = edges.filter((edge) => !edge.live).map(({ field }) => field);
  if (cut.length > 0 || old.cut.length > 0) properties._cut = cut.length > 0 ? cut : null;
  if (edges.length > 0 || old.stored.existing) properties._sort = edges[0]?.sort ?? null;
}

/** What searches look at, on visible entities alone. */
function indexProperties(entry: IndexEntry | null, wasShown: boolean, properties: Properties): void {
  if (entry === null) {
    if (wasShown) Object.assign(properties, { _time: null, _ended: null, _tags: null, _text: null });
    return;
  }
  const words = foldedWords(entry.text);
  properties._time = entry.time;
  properties._ended = entry.ended;
  properties._tags = entry.tags;
  properties._text = words.length === 0 ? null : words.join(" ");
}
