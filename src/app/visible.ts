// What readers may see of stored entities, now.
import { kindOfKey } from "../domain/key.ts";
import { type GraphModel, kindIn } from "../domain/model.ts";
import { ABSENT, isHidden, isVisible, type Lookup, referralsOf } from "../domain/projection.ts";
import type { Seen, Surroundings } from "../flows/outside.ts";
import type { Database } from "../ports/database.ts";

export interface VisibleDeps {
  readonly model: GraphModel;
  readonly database: Database;
}

/** Entities of known kinds, and whether an owner hides them; owners are looked at again: a sweep may not have come by yet. */
export async function current({ model, database }: VisibleDeps, keys: readonly string[]) {
  const entities = await database.entities(keys.filter((key) => model.has(kindOfKey(key))));
  const owners = [...entities].flatMap(([key, { state }]) => {
    return referralsOf(kindIn(model, kindOfKey(key)), state).flatMap(({ reference, target }) =>
      reference.owner ? target : [],
    );
  });
  const owning = await database.entities([...new Set(owners)].filter((key) => !entities.has(key)));
  const lookup: Lookup = (owner) => entities.get(owner) ?? owning.get(owner) ?? ABSENT;
  return new Map(
    [...entities].map(([key, entity]) => {
      const hidden = entity.hidden || isHidden(model, key, entity.state, lookup);
      return [key, { ...entity, hidden }];
    }),
  );
}

/** Those of the entities that readers may meet, in order. */
export async function visible(deps: VisibleDeps, keys: readonly string[]) {
  const entities = await current(deps, keys);
  return keys.flatMap((key) => {
    const entity = entities.get(key)!;
    return isVisible(deps.model, key, entity) ? [{ key, entity }] : [];
  });
}

const PAGE = 300;
const PAGES_MAX = 34;

/** The graph as prepared work sees it. */
export function surroundings(deps: VisibleDeps): Surroundings {
  const seen = async (keys: readonly string[]) =>
    (await visible(deps, keys)).map(({ key, entity }) => ({ key, state: entity.state }));
  return {
    entity: async (key) => (await seen([key]))[0],
    async members(target, kind, field, { limit, isWanted, pick = (state) => state }) {
      const found: Seen[] = [];
      for (let cursor: string | null = "", page = 0; cursor !== null && page < PAGES_MAX; page++) {
        const query = { target, kind, field, cursor, limit: PAGE, newestFirst: true };
        const { sources, next } = await deps.database.members(query);
        for (const { key, state } of await seen(sources)) if (isWanted(state)) found.push({ key, state: pick(state) });
        cursor = found.length < limit ? next : null;
      }
      return found.slice(0, limit).reverse();
    },
  };
}
