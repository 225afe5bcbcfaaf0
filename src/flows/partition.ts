// Partition keys: operations of one key keep their order in the log. They spread the load and make a log pleasant to
// read; nothing of correctness rests on them, so any strategy ends in the same graph.
import type { Json } from "../domain/json.ts";
import type { Data, Flow } from "./define.ts";

/** What a flow's operations may be partitioned by. */
export const STRATEGIES = ["entity", "session", "user", "tenant", "random", "request"] as const;

export type Strategy = (typeof STRATEGIES)[number];

/** What a partition key is made from. */
export interface Keyed {
  /** With the entity's id, also a minted one. */
  readonly data: Data;
  /** The operation's id. */
  readonly id: string;
  readonly tenant: string;
  /** The key that the request asked for; only the strategy `request` looks at it. */
  readonly requested?: string | undefined;
}

/** A longer key is cut: records must not outgrow what they carry. */
export const PARTITION_KEY_CHARACTERS_MAX = 1_000;

type Pick = (keyed: Keyed, flow: Pickable) => string | undefined;
type Pickable = { readonly [Name in "entityId" | "partitionBy"]: Flow[Name] };

const picks: { readonly [Name in Strategy]: Pick } = {
  entity: () => undefined,
  session: ({ data }) => named(data, "session", "Session"),
  user: ({ data }) => named(data, "user", "User"),
  tenant: ({ tenant }) => tenant,
  // The operation's id, so that a retry has the same key.
  random: ({ id }) => id,
  request: ({ requested, data }, flow) => requested ?? extensionKey(data) ?? flow.partitionBy(data),
};

/**
 * The partition key of a flow's operations under a strategy, or under the flow's own choice. Never empty: where an
 * operation does not carry what the strategy looks for, the entity's id holds.
 */
export function partitionKeys(flow: Pickable, strategy?: Strategy): (keyed: Keyed) => string {
  const pick: Pick = strategy === undefined ? ({ data }) => flow.partitionBy(data) : picks[strategy];
  // Empty texts count as nothing: what a flow picks by itself is not checked here.
  return (keyed) => bounded(pick(keyed, flow) || flow.entityId(keyed.data) || keyed.id);
}

/** The id in a field, or of what an event is about. */
function named(data: Data, field: string, kind: string): string | undefined {
  const about = data.about as { kind?: Json; id?: Json } | undefined;
  return text(data[field]) ?? (about?.kind === kind ? text(about.id) : undefined);
}

/** The CloudEvents extension attribute `partitionkey`, which is a text that is not empty. */
function extensionKey(data: Data): string | undefined {
  return text((data.extensions as Data | undefined)?.partitionkey);
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function bounded(key: string): string {
  if (key.length <= PARTITION_KEY_CHARACTERS_MAX) return key;
  return key.slice(0, PARTITION_KEY_CHARACTERS_MAX).toWellFormed();
}
