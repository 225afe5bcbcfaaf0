// The state of an entity and its join. The join takes maxima only, so it is commutative, associative and idempotent:
// order, duplication, batching and crashes cannot change where it ends (core-proof a1).
import { canonical, type Json, sortTexts } from "./json.ts";

/** Total order of operations: stamp, then operation id, joined by `|`. Compared by code unit. */
export type Version = string;

/** A value and the version that wrote it. Null is a value; it is shown as absent (core-proof #4). */
export type Register = readonly [value: Json, version: Version];

/** Greatest create, greatest delete, and one register per field that is later than the delete. */
export interface EntityState {
  readonly born: Version | null;
  readonly died: Version | null;
  readonly fields: Readonly<Record<string, Register>>;
}

/** What one operation does to one entity. */
export type Change =
  | { readonly type: "create"; readonly key: string; readonly fields: Readonly<Record<string, Json>> }
  | { readonly type: "update"; readonly key: string; readonly fields: Readonly<Record<string, Json>> }
  | { readonly type: "delete"; readonly key: string };

/** The state of an entity that nothing has touched. */
export const UNTOUCHED: EntityState = { born: null, died: null, fields: {} };

/** The version of an operation. */
export function versionOf(operation: { stamp: string; id: string }): Version {
  return `${operation.stamp}|${operation.id}`;
}

/** Whether the entity exists: created later than it was last deleted. */
export function isAlive(state: EntityState): boolean {
  return state.born !== null && (state.died === null || state.born > state.died);
}

/** Whether the entity was deleted and nothing came after it. */
export function isDeleted(state: EntityState): boolean {
  return state.died !== null && !isAlive(state) && Object.keys(state.fields).length === 0;
}

/** Registers that won, registers that lost, and the joined state. A create or delete register counts as one. */
export interface Joined {
  readonly state: EntityState;
  readonly won: number;
  readonly lost: readonly string[];
}

/** Joins one change into a state. Never mutates its arguments. */
export function join(state: EntityState, change: Change, version: Version): Joined {
  if (change.type === "delete") return joinDelete(state, version);
  const lost: string[] = [];
  let won = 0;
  let born = state.born;
  const erased = state.died !== null && version <= state.died;
  if (change.type === "create" && !erased && (born === null || version >= born)) {
    born = version;
    won += 1;
  }
  const fields: Record<string, Register> = { ...state.fields };
  for (const [name, value] of Object.entries(change.fields)) {
    if (!erased && wins(fields[name], value, version)) {
      fields[name] = [value, version];
      won += 1;
    } else lost.push(name);
  }
  return won === 0 ? { state, won, lost } : { state: { born, died: state.died, fields }, won, lost };
}

function joinDelete(state: EntityState, version: Version): Joined {
  if (state.died !== null && version < state.died) return { state, won: 0, lost: [] };
  const fields: Record<string, Register> = {};
  for (const [name, register] of Object.entries(state.fields)) {
    if (register[1] > version) fields[name] = register;
  }
  const born = state.born !== null && state.born > version ? state.born : null;
  return { state: { born, died: version, fields }, won: 1, lost: [] };
}

function wins(register: Register | undefined, value: Json, version: Version): boolean {
  if (register === undefined) return true;
  const [heldValue, heldVersion] = register;
  if (version !== heldVersion) return version > heldVersion;
  return canonical(value) >= canonical(heldValue);
}

/** A register's value, or null when it is absent or null. */
export function fieldValue(state: EntityState, field: string): Json {
  return state.fields[field]?.[0] ?? null;
}

/** How many of an entity's registers carry this version, its create and delete included (core-proof #20). */
export function countCurrent(state: EntityState, version: Version): number {
  let count = (state.born === version ? 1 : 0) + (state.died === version ? 1 : 0);
  for (const register of Object.values(state.fields)) if (register[1] === version) count += 1;
  return count;
}

/**
 * The state as one JSON text. Versions are long and mostly equal, so they are listed once and named by index:
 * `{"v":[…],"b":0,"d":1,"f":{"name":[value,0]}}`.
 */
export function encodeState(state: EntityState): string {
  const versions: Version[] = [];
  const index = (version: Version): number => {
    const known = versions.indexOf(version);
    return known >= 0 ? known : versions.push(version) - 1;
  };
  const fields: Record<string, [Json, number]> = {};
  for (const name of sortTexts(Object.keys(state.fields))) {
    const [value, version] = state.fields[name]!;
    fields[name] = [value, index(version)];
  }
  const b = state.born === null ? undefined : index(state.born);
  const d = state.died === null ? undefined : index(state.died);
  return JSON.stringify({ v: versions, b, d, f: fields });
}

/** Reads what {@link encodeState} wrote. */
export function decodeState(text: string): EntityState {
  const { v, b, d, f } = JSON.parse(text) as { v: string[]; b?: number; d?: number; f: Record<string, [Json, number]> };
  const fields: Record<string, Register> = {};
  for (const name of Object.keys(f)) fields[name] = [f[name]![0], v[f[name]![1]]!];
  return { born: b === undefined ? null : v[b]!, died: d === undefined ? null : v[d]!, fields };
}
