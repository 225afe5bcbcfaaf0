// What readers see of the registers: who is hidden, which edges are live, how lists are ordered. All of it is computed
// from stored state and never written by a handler (core-proof a2).
import type { Json } from "./json.ts";
import { kindOfKey } from "./key.ts";
import { type GraphModel, type Kind, kindIn, type Reference } from "./model.ts";
import { stampMs } from "./stamp.ts";
import { type EntityState, isAlive, UNTOUCHED } from "./state.ts";

/** An entity as stored: its registers and the hidden flag computed at its last save. */
export interface StoredEntity {
  readonly state: EntityState;
  readonly hidden: boolean;
  /** False when the store held no row for the key. Then nothing refers to it yet: referring names it. */
  readonly existing: boolean;
}

/** An entity nobody named. */
export const ABSENT: StoredEntity = { state: UNTOUCHED, hidden: false, existing: false };

/** One reference register as an edge. Kept for every current reference, live or not, so that a sweep finds it. */
export interface Edge {
  readonly source: string;
  readonly field: string;
  readonly target: string;
  readonly live: boolean;
  /** Orders the sources of one target; see {@link sortOf}. */
  readonly sort: string;
}

/** Finds an entity as it is within the current transaction. */
export type Lookup = (key: string) => StoredEntity;

/** A reference whose register holds a target. */
export interface Referral {
  readonly reference: Reference;
  readonly target: string;
  readonly version: string;
}

/** The references of an entity that name somebody. */
export function referralsOf(kind: Kind, state: EntityState): Referral[] {
  const referrals: Referral[] = [];
  for (const reference of kind.references) {
    const register = state.fields[reference.field];
    if (register !== undefined && typeof register[0] === "string") {
      referrals.push({ reference, target: register[0], version: register[1] });
    }
  }
  return referrals;
}

/** A reference older than its target's deletion counts for nothing. */
function isCut(referral: Referral, target: StoredEntity): boolean {
  return target.state.died !== null && referral.version < target.state.died;
}

/** Whether an owner's deletion, or its own being hidden, hides this entity. An owner never created hides nothing. */
export function isHidden(model: GraphModel, key: string, state: EntityState, lookup: Lookup): boolean {
  return referralsOf(kindIn(model, kindOfKey(key)), state).some((referral) => {
    if (!referral.reference.owner) return false;
    const owner = lookup(referral.target);
    return isCut(referral, owner) || (isAlive(owner.state) && owner.hidden);
  });
}

/** Whether readers meet the entity. Implicit kinds are visible by their edges alone, so here they count as visible. */
export function isVisible(model: GraphModel, key: string, entity: Pick<StoredEntity, "state" | "hidden">): boolean {
  return kindIn(model, kindOfKey(key)).implicit || (isAlive(entity.state) && !entity.hidden);
}

/** The edges of an entity's current references. */
export function edgesOf(model: GraphModel, key: string, entity: StoredEntity, lookup: Lookup): Edge[] {
  const kind = kindIn(model, kindOfKey(key));
  const visible = isVisible(model, key, entity);
  const sort = sortOf(kind, entity.state);
  return referralsOf(kind, entity.state).map((referral) => {
    const { target } = referral;
    const implicit = kindIn(model, kindOfKey(target)).implicit;
    const live = visible && (implicit || isLiveAt(model, referral, lookup(target)));
    return { source: key, field: referral.reference.field, target, live, sort };
  });
}

function isLiveAt(model: GraphModel, referral: Referral, target: StoredEntity): boolean {
  return isVisible(model, referral.target, target) && !isCut(referral, target);
}

/**
 * A string that orders entities of one kind: the order fields, then the create's version. A missing time counts as the
 * time of the create, so that messages without one stand where they were said.
 */
export function sortOf(kind: Kind, state: EntityState): string {
  if (kind.order.length === 0) return "";
  const born = state.born ?? "";
  const parts = kind.order.map((field, index) => {
    const value = state.fields[field]?.[0] ?? null;
    if (value === null && index === 0 && born !== "") return new Date(stampMs(born)).toISOString();
    return sortPart(value);
  });
  return `${parts.join("|")}|${born}`;
}

function sortPart(value: Json): string {
  if (typeof value === "number") return String(value).padStart(16, "0");
  return typeof value === "string" ? value : "";
}
