// What has to be saved after joins: who is hidden, which edges, and which sweeps. Pure; runs within the transaction.
import { kindOfKey } from "./key.ts";
import { type GraphModel, kindIn } from "./model.ts";
import {
  ABSENT,
  type Edge,
  edgesOf,
  isHidden,
  isVisible,
  type Lookup,
  referralsOf,
  type StoredEntity,
  sortOf,
} from "./projection.ts";
import { type IndexEntry, indexEntry } from "./query.ts";
import { type EntityState, isAlive } from "./state.ts";

/** An entity to be saved. `edges` undefined leaves the stored ones. */
export interface Save {
  readonly key: string;
  readonly state: EntityState;
  readonly hidden: boolean;
  readonly visible: boolean;
  readonly edges: readonly Edge[] | undefined;
  /** What a search finds it by: null when readers cannot see it, undefined when its kind is not searched. */
  readonly index?: IndexEntry | null;
}

/** Either more entities are needed to decide, or everything to save and the keys whose referrers must be swept. */
export type Settled =
  | { readonly need: readonly string[] }
  | { readonly saves: readonly Save[]; readonly sweeps: readonly string[] };

/**
 * Settles the entities of `after` (their states after all joins of the transaction). `before` answers an entity as
 * stored, or undefined when it was not loaded. With `recompute` every projection is computed anew, which is what a
 * sweep does; otherwise only where this transaction can have changed it.
 */
export function settle(
  model: GraphModel,
  after: ReadonlyMap<string, EntityState>,
  before: (key: string) => StoredEntity | undefined,
  recompute: boolean,
): Settled {
  const need = new Set<string>();
  const settled = new Map<string, StoredEntity>();
  const stored = (key: string): StoredEntity => {
    const entity = before(key);
    if (entity !== undefined) return entity;
    need.add(key);
    return ABSENT;
  };
  const projected = new Set<string>();
  for (const [key, state] of after) {
    if (recompute || isProjectionTouched(model, key, stored(key).state, state)) projected.add(key);
  }
  const lookup: Lookup = (key) => {
    const known = settled.get(key);
    if (known !== undefined) return known;
    const state = after.get(key);
    const old = stored(key);
    if (state === undefined) return old;
    const hidden = projected.has(key) ? isHidden(model, key, state, lookup) : old.hidden;
    const entity = { state, hidden, existing: old.existing };
    settled.set(key, entity);
    return entity;
  };

  const saves: Save[] = [];
  const sweeps: string[] = [];
  for (const key of [...after.keys()].sort()) {
    const old = stored(key);
    const entity = lookup(key);
    const edges = projected.has(key) ? edgesOf(model, key, entity, lookup) : undefined;
    const visible = isVisible(model, key, entity);
    const { search } = kindIn(model, kindOfKey(key));
    const index = search === undefined ? {} : { index: visible ? indexEntry(search, entity.state) : null };
    saves.push({ key, state: entity.state, hidden: entity.hidden, visible, edges, ...index });
    if (old.existing && mustSweep(old, entity)) sweeps.push(key);
  }
  return need.size > 0 ? { need: [...need].sort() } : { saves, sweeps };
}

/** Whether what others show of this entity can have changed. */
function mustSweep(old: StoredEntity, now: StoredEntity): boolean {
  return old.state.died !== now.state.died || isAlive(old.state) !== isAlive(now.state) || old.hidden !== now.hidden;
}

function isProjectionTouched(model: GraphModel, key: string, old: EntityState, now: EntityState): boolean {
  if (isAlive(old) !== isAlive(now) || old.died !== now.died) return true;
  const kind = kindIn(model, kindOfKey(key));
  if (sortOf(kind, old) !== sortOf(kind, now)) return true;
  const were = referralsOf(kind, old);
  const are = referralsOf(kind, now);
  return were.length !== are.length || are.some((referral, i) => !sameReferral(referral, were[i]!));
}

function sameReferral(a: { target: string; version: string }, b: { target: string; version: string }): boolean {
  return a.target === b.target && a.version === b.version;
}
