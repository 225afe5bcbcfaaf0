// What can be read: entities by kind and id, lists and searches, summaries, operations, parked records.
import { pluralOf } from "../domain/model.ts";
import type { OperationStatus, ParkedRecord } from "./answers.ts";
import { type CallOptions, callJson, type Transport } from "./call.ts";
import { type Listed, listed, type Page, pagesOf, type Query, searchOf } from "./pages.ts";
import type { EntityOf, FlowList, KindName } from "./typed.ts";

/** How something is read. */
export interface ReadOptions extends CallOptions {
  /** An operation that the read waits for, by its id or its answer: who reads so finds what it wrote. */
  readonly after?: string | { readonly id: string } | undefined;
}

/** How a list is read. */
export interface ListOptions extends ReadOptions {
  /** Where to go on: `next` of an earlier page. */
  readonly cursor?: string | undefined;
  /** Items of a page. */
  readonly pageItems?: number | undefined;
}

/** What memories are looked for by. */
export interface MemorySearch {
  readonly text?: string | undefined;
  readonly user?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** What sessions are looked for by. */
export interface SessionSearch {
  readonly user?: string | undefined;
  readonly state?: "active" | "ended" | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** What entities of a kind are looked for by. */
export type Search = MemorySearch & SessionSearch;

/** What lies around an entity. */
export interface Neighbourhood {
  readonly nodes: readonly { readonly kind: string; readonly id: string; readonly [field: string]: unknown }[];
  readonly edges: readonly { readonly relation: string; readonly from: Named; readonly to: Named }[];
  /** There is more than is shown. */
  readonly truncated: boolean;
}

interface Named {
  readonly kind: string;
  readonly id: string;
}

/** The reads of a client. Every one throws TidegateError; what is not there is `not_found`. */
export interface Reads<Flows extends FlowList> {
  /** One entity. */
  entity<Kind extends KindName<Flows>>(kind: Kind, id: string, options?: ReadOptions): Promise<EntityOf<Flows, Kind>>;
  /** Messages of a session, in their order. */
  messages(session: string, options?: ListOptions): Listed<EntityOf<Flows, "Message">>;
  /** Entities of a kind that can be searched: by text and tags, by whose they are, by time and state, as the kind has them. */
  search<Kind extends KindName<Flows>>(
    kind: Kind,
    search?: Search,
    options?: ListOptions,
  ): Listed<EntityOf<Flows, Kind>>;
  /** Memories, by text and more. */
  memories(search?: MemorySearch, options?: ListOptions): Listed<EntityOf<Flows, "Memory">>;
  sessions(search?: SessionSearch, options?: ListOptions): Listed<EntityOf<Flows, "Session">>;
  /** The newest summary of a user. */
  summaryOf(user: string, options?: ReadOptions): Promise<EntityOf<Flows, "Summary">>;
  /** What lies around an entity, at most three steps away. */
  neighbourhood(
    kind: KindName<Flows> | "User",
    id: string,
    options?: ReadOptions & { readonly depth?: 1 | 2 | 3 | undefined },
  ): Promise<Neighbourhood>;
  /** Operations that have their outcome, newest first. */
  operations(
    filter?: {
      readonly flow?: string | undefined;
      readonly outcome?: "applied" | "superseded" | "discarded" | undefined;
    },
    options?: Omit<ListOptions, "after">,
  ): Listed<OperationStatus>;
  /** Records set aside; needs the scope `admin`. */
  parked(
    filter?: {
      readonly flow?: string | undefined;
      readonly topic?: string | undefined;
      readonly reason?: string | undefined;
    },
    options?: Omit<ListOptions, "after">,
  ): Listed<ParkedRecord>;
}

/** The reads over a transport. */
export function createReads<Flows extends FlowList>(transport: Transport): Reads<Flows> {
  const get = <Body>(path: string, options?: CallOptions): Promise<Body> =>
    callJson<Body>(transport, { method: "GET", path }, options);
  const list = <Item>(path: string, query: object, options: ListOptions = {}): Listed<Item> => {
    const { cursor, pageItems } = options;
    const limit = pageItems === undefined ? undefined : String(pageItems);
    const asked: Query = { ...query, after: idOf(options), cursor, limit };
    return listed(() => pagesOf((address) => get<Page<Item>>(address, options), path, asked));
  };
  return {
    entity: (kind, id, options) =>
      get(`/v1/${pluralOf(kind)}/${encodeURIComponent(id)}${searchOf({ after: idOf(options) })}`, options),
    messages: (session, options) => list(`/v1/sessions/${encodeURIComponent(session)}/messages`, {}, options),
    search: (kind, search = {}, options) => list(`/v1/${pluralOf(kind)}`, search, options),
    memories: (search = {}, options) => list("/v1/memories", search, options),
    sessions: (search = {}, options) => list("/v1/sessions", search, options),
    summaryOf: (user, options) =>
      get(`/v1/users/${encodeURIComponent(user)}/summary${searchOf({ after: idOf(options) })}`, options),
    neighbourhood: (kind, id, { depth, ...options } = {}) => {
      const search = searchOf({ after: idOf(options), depth: depth === undefined ? undefined : String(depth) });
      return get(`/v1/graph/${encodeURIComponent(kind)}/${encodeURIComponent(id)}${search}`, options);
    },
    operations: (filter = {}, options) => list("/v1/operations", filter, options),
    parked: (filter = {}, options) => list("/v1/parked", filter, options),
  };
}

function idOf({ after }: ReadOptions = {}): string | undefined {
  return typeof after === "object" ? after.id : after;
}
