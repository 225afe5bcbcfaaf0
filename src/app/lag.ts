// How far the graph is behind the logs: records, and the age of the oldest operation that waits to be applied.
import { ledgerKey } from "../domain/key.ts";
import { decodeRecord } from "../domain/operation.ts";
import { isMinted } from "../domain/operation-id.ts";
import { isStamp, stampMs } from "../domain/stamp.ts";
import { topicsOf } from "../flows/configure.ts";
import type { Flow } from "../flows/define.ts";
import type { Broker, PartitionRead } from "../ports/broker.ts";
import type { Clock, Entropy } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import { type Place, placesIn, unread } from "./positions.ts";

/** One flow. Null is "not known", and never stands for 0. */
export interface FlowLag {
  /** Records between our positions and the ends. */
  readonly records: number | null;
  /** Since when the oldest of them has been waiting, milliseconds since 1970; null also when none waits. */
  readonly sinceMs: number | null;
}

export interface Lag {
  /** Whether Kafka answered. */
  readonly reachable: boolean;
  /** By flow; null when Kafka or the database did not answer. */
  readonly flows: ReadonlyMap<string, FlowLag> | null;
}

export interface LagDeps {
  readonly flows: readonly Flow[];
  /** Below the breaker: looking must neither open it nor be answered by it. */
  readonly broker: Broker;
  readonly database: Database;
  readonly entropy: Entropy;
  readonly clock: Clock;
}

/** How long an answer is given again, so that probes and scrapes cost the broker little. */
const FRESH_MS = 3_000;
/** Who asks gets an answer within this, whatever hangs. */
const LOOK_MS_MAX = 1_000;
/** Bytes to read of the first records; those that do not fit are asked for once more. */
const PEEK_BYTES = 262_144;
const LARGE_BYTES = 4_194_304;

const UNKNOWN: Lag = { reachable: false, flows: null };

/** What earlier looks have found. */
export interface LagMemory {
  /** Since when each position has been seen waiting at its offset. */
  readonly seen: Map<string, { readonly offset: number; readonly atMs: number }>;
  latest?: { readonly lag: Lag; readonly freshUntilMs: number };
}

/** Makes the function that looks. Callers share one look at a time and its answer for three seconds; it never throws. */
export function createLag(deps: LagDeps, memory: LagMemory = { seen: new Map() }): () => Promise<Lag> {
  let looking: Promise<Lag> | undefined;
  return async () => {
    const { latest } = memory;
    if (latest !== undefined && deps.clock.nowMs() < latest.freshUntilMs) return latest.lag;
    looking ??= lookInTime(deps, memory.seen).then((lag) => {
      looking = undefined;
      memory.latest = { lag, freshUntilMs: deps.clock.nowMs() + FRESH_MS };
      return lag;
    });
    return looking;
  };
}

function lookInTime(deps: LagDeps, seen: LagMemory["seen"]): Promise<Lag> {
  const signal = AbortSignal.timeout(LOOK_MS_MAX);
  const late = new Promise<Lag>((resolve) => signal.addEventListener("abort", () => resolve(UNKNOWN)));
  return Promise.race([look(deps, seen, signal).catch(() => UNKNOWN), late]);
}

async function look(deps: LagDeps, seen: LagMemory["seen"], signal: AbortSignal): Promise<Lag> {
  const { flows, broker, database } = deps;
  const [topics, rows] = await Promise.allSettled([broker.topics(topicsOf(flows), signal), database.allPositions()]);
  if (topics.status === "rejected") return UNKNOWN;
  if (rows.status === "rejected") return { reachable: true, flows: null };
  const places = placesIn(topics.value, broker.cluster, rows.value);
  let read: PartitionRead[];
  try {
    read = await peek(broker, places, signal);
  } catch {
    return UNKNOWN;
  }
  try {
    const waits = await waitsOf(deps, seen, places, read);
    return { reachable: true, flows: new Map(flows.map((flow) => [flow.name, flowLag(flow, places, waits)])) };
  } catch {
    return { reachable: true, flows: null };
  }
}

/** The ends of all partitions, and the first record after each position as far as the bytes go. */
async function peek(broker: Broker, places: readonly Place[], signal: AbortSignal): Promise<PartitionRead[]> {
  if (places.length === 0) return [];
  const bounds = { waitMs: 0, recordsMax: places.length, signal };
  const read = await broker.read(places, { ...bounds, bytesMax: PEEK_BYTES });
  const unfit = places.filter((at) => {
    const answer = answerFor(read, at);
    return answer?.records.length === 0 && (answer.end ?? 0) > Math.max(at.offset, answer.begin ?? 0);
  });
  if (unfit.length === 0) return read;
  // Later entries stand for earlier ones.
  return [...(await broker.read(unfit, { ...bounds, bytesMax: LARGE_BYTES })), ...read];
}

function answerFor(read: readonly PartitionRead[], at: Place): PartitionRead | undefined {
  return read.find(({ topic, partition }) => topic === at.topic && partition === at.partition);
}

/** What waits in a partition. Both null: nothing is seen to wait, but the dialect does not tell where the log ends. */
interface Wait {
  readonly records: number | null;
  readonly sinceMs: number | null;
}

/** What waits in each partition that answered, by the key of its position. */
async function waitsOf(
  deps: LagDeps,
  seen: LagMemory["seen"],
  places: readonly Place[],
  read: readonly PartitionRead[],
): Promise<Map<string, Wait | null>> {
  const waits = new Map<string, Wait | null>();
  const firsts = new Map<string, First>();
  const nowMs = deps.clock.nowMs();
  for (const at of places) {
    const answer = answerFor(read, at);
    if (answer === undefined) continue;
    const records = answer.end === null ? null : unread(at.offset, answer.end);
    const isWaiting = (records ?? answer.records.length) > 0;
    if (!isWaiting) seen.delete(at.key);
    else if (seen.get(at.key)?.offset !== at.offset) seen.set(at.key, { offset: at.offset, atMs: nowMs });
    waits.set(at.key, records === 0 ? null : { records, sinceMs: seen.get(at.key)?.atMs ?? null });
    const first = firstOf(deps, answer);
    if (isWaiting && first !== null) firsts.set(at.key, first);
  }
  if (firsts.size === 0) return waits;
  const applied = await deps.database.ledgerRows([...firsts.values()].map(({ ledger }) => ledger));
  for (const [key, { ledger, madeMs }] of firsts) {
    const wait = waits.get(key)!;
    if (!applied.has(ledger)) waits.set(key, { ...wait, sinceMs: Math.min(wait.sinceMs ?? madeMs, madeMs) });
  }
  return waits;
}

/** A first record that says truly how long it has been waiting, should it not be applied yet. */
interface First {
  readonly ledger: string;
  readonly madeMs: number;
}

/**
 * Only the stamp of an operation of ours says when it was accepted: a stranger may send the time of something long ago.
 * For all others the time since the record was first seen has to do.
 */
function firstOf({ entropy }: LagDeps, { records }: PartitionRead): First | null {
  const value = records[0]?.value ?? null;
  const decoded = value === null ? null : decodeRecord(new TextDecoder().decode(value));
  if (decoded === null || "fault" in decoded) return null;
  const { id, tenant, stamp } = decoded.record;
  if (tenant === undefined || stamp === undefined || !isStamp(stamp)) return null;
  return isMinted(id, tenant, entropy.macs) ? { ledger: ledgerKey(tenant, id), madeMs: stampMs(stamp) } : null;
}

/** Not known when the topic, one of its partitions or the end of one is not. */
function flowLag({ topics }: Flow, places: readonly Place[], waits: ReadonlyMap<string, Wait | null>): FlowLag {
  const own = places.filter((at) => topics.includes(at.topic)).map(({ key }) => waits.get(key));
  if (own.length === 0 || own.includes(undefined)) return { records: null, sinceMs: null };
  const waiting = own.filter((wait): wait is Wait => wait != null);
  const ages = waiting.flatMap(({ sinceMs }) => sinceMs ?? []);
  const isKnown = waiting.every(({ records }) => records !== null);
  return {
    records: isKnown ? waiting.reduce((sum, { records }) => sum + records!, 0) : null,
    sinceMs: ages.length === 0 ? null : Math.min(...ages),
  };
}
