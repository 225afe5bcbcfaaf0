// What readers may see of stored entities, now.
import { parseEntityKey } from "../domain/key.ts";
import type { GraphModel } from "../domain/model.ts";
import { isHidden, isVisible, referralsOf, type StoredEntity } from "../domain/projection.ts";
import { UNTOUCHED } from "../domain/state.ts";
import type { Seen, Surroundings } from "../flows/outside.ts";
import type { Database } from "../ports/database.ts";

export interface VisibleDeps {
  readonly model: GraphModel;
  readonly database: Database;
}

/** An entity nobody named. */
export const ABSENT: StoredEntity = { state: UNTOUCHED, hidden: false, existing: false };

/** Those of the entities that readers may meet. Owners are looked at again: a sweep may not have come by yet. */
export async function visible({ model, database }: VisibleDeps, keys: readonly string[]) {
  const entities = await database.entities(keys);
  const owners = [...entities].flatMap(([key, { state }]) => {
    const kind = model.get(parseEntityKey(key).kind)!;
    return referralsOf(kind, state).flatMap(({ reference, target }) => (reference.owner ? target : []));
  });
  const owning = await database.entities([...new Set(owners)].filter((key) => !entities.has(key)));
  return keys.flatMap((key) => {
    const entity = entities.get(key)!;
    const hidden = isHidden(model, key, entity.state, (owner) => entities.get(owner) ?? owning.get(owner) ?? ABSENT);
    return isVisible(model, key, { state: entity.state, hidden: hidden || entity.hidden }) ? [{ key, entity }] : [];
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
