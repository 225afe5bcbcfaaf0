// Queries: found by reads now, or by an operation as of its transaction.
import type { Json } from "../domain/json.ts";
import { parseEntityKey } from "../domain/key.ts";
import type { GraphModel } from "../domain/model.ts";
import type { Query } from "../domain/query.ts";
import { type Flow, present } from "../flows/define.ts";
import type { Database } from "../ports/database.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { visible } from "./visible.ts";

/** Entities as clients see them. */
export type Items = readonly { readonly [name: string]: Json }[];

/** The kept answer to a query that was an operation. */
export interface Answered {
  readonly items: Items;
  /** When its transaction ran. */
  readonly asOf: string;
  /** Where the positions stood then. */
  readonly positions: { readonly [position: string]: number };
  /** More was found than an answer holds: what comes first is there. */
  readonly truncated?: true;
}

/** Characters that are left for answers which are given together; the one that takes the last of them is whole. */
export interface Room {
  left: number;
}

export const createRoom = (): Room => ({ left: 4 * 1_048_576 });

export interface Queries {
  find(query: Query, cursor: string, limit: number): Promise<{ items: Items; next: string | null }>;
  /** The answer to the operation with this ledger key; undefined when its time is over, or no room is left for it. */
  answered(operationKey: string, room: Room): Promise<Answered | undefined>;
}

export interface QueriesDeps {
  readonly flows: readonly Flow[];
  readonly model: GraphModel;
  readonly database: Database;
}

/** The flow that shapes a kind. */
export function flowOfKind(flows: readonly Flow[], kind: string): Flow {
  return flows.find((flow) => flow.kinds.some(({ name }) => name === kind))!;
}

export function createQueries({ flows, model, database }: QueriesDeps): Queries {
  const flowOf = (key: string): Flow => flowOfKind(flows, parseEntityKey(key).kind);
  return {
    async find(query, cursor, limit) {
      const page = await database.search(query, readCursor(cursor), limit);
      const found = await visible({ model, database }, page.sources);
      return {
        items: found.map(({ key, entity }) => present(flowOf(key), key, entity.state)),
        next: page.next === null ? null : writeCursor(page.next),
      };
    },
    async answered(operationKey, room) {
      const answer = room.left <= 0 ? undefined : await database.queryAnswer(operationKey);
      if (answer === undefined) return undefined;
      room.left -= answer.size;
      const { atMs, positions, found, truncated } = answer;
      return {
        items: found.map(({ key, state }) => present(flowOf(key), key, state)),
        asOf: new Date(atMs).toISOString(),
        positions,
        ...(truncated ? { truncated } : {}),
      };
    },
  };
}
