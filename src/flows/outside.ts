// What prepared work may use: the graph as readers see it now, the text model, the webhooks.
import type { EntityState } from "../domain/state.ts";
import type { SourceText, TextModel } from "../ports/text-model.ts";
import type { Webhooks } from "../ports/webhook.ts";
import type { Data } from "./define.ts";

/** An entity that readers can see. */
export interface Seen {
  readonly key: string;
  readonly state: EntityState;
}

/** Which of many entities, and how many. */
export interface Wanted {
  readonly limit: number;
  isWanted(state: EntityState): boolean;
  /** What is kept of each, called with the newest first; default all of it. */
  readonly pick?: (state: EntityState) => EntityState;
}

/** The graph as it is when asked; bounded reads. */
export interface Surroundings {
  entity(key: string): Promise<Seen | undefined>;
  /**
   * Visible entities of a kind that refer to `target` through `field` and are wanted: the newest, at most `limit`, oldest
   * first. Of more than 10,000 only the newest are looked at.
   */
  members(target: string, kind: string, field: string, wanted: Wanted): Promise<readonly Seen[]>;
}

export interface Outside {
  readonly graph: Surroundings;
  readonly textModel: TextModel;
  readonly webhooks: Webhooks;
  /** No attempt follows this one. */
  readonly isLastAttempt: boolean;
  readonly signal: AbortSignal;
}

/** Data of the result operation without `id` and `request`; or when to try again, and why. */
export type Prepared = { readonly data: Data } | { readonly retry: string; readonly afterMs?: number };

/** What a text rests on: ids with the versions that were read, up to a stamp (core-proof #33). */
export interface Basis {
  readonly cut: string;
  readonly read: readonly (readonly [kind: string, id: string, version: string])[];
}

export type { SourceText };
