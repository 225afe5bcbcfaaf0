// The stateless read of many partitions: one fetch per leader and round, decoded only as far as the budget goes.
import {
  LogError,
  type LogOffsets,
  type LogRecord,
  type PartitionRead,
  type ReadFrom,
  type ReadRequest,
} from "../log.ts";
import type { Cluster, KafkaTopic } from "./cluster.ts";
import { type Connections, LostError } from "./connections.ts";
import { CODES, codeName, LEADER_MOVED } from "./error-codes.ts";
import { type FetchedPartition, type FetchPartition, fetchOnce } from "./fetch.ts";
import type { Offsets } from "./offsets.ts";
import type { BrokerAddress, KafkaTiming } from "./options.ts";
import { type RecordCursor, recordCursor } from "./record-cursor.ts";

/** Bytes of one partition worth a fetch, whatever its equal share is. */
const SHARE_BYTES_MIN = 128 * 1024;
/** How long one of several leaders may wait while the others could have something. */
const WAIT_STEP_MS = 500;
const PAUSE_MS = 50;

/** One partition of a read under way. */
interface Share {
  readonly from: ReadFrom;
  readonly records: LogRecord[];
  topic: KafkaTopic | undefined;
  next: number;
  begin: number;
  end: number;
  cursor: RecordCursor | undefined;
  /** Its last fetch was refused for a reason that a fresh look at the cluster may heal. */
  stale: string | undefined;
  error: LogError | undefined;
  /** Kafka has answered for it. */
  seen: boolean;
  /** Retention has passed what comes after its records. */
  over: boolean;
}

interface Budget {
  bytes: number;
  records: number;
  taken: number;
}

export type ReadMany = (
  request: ReadRequest,
  first: number,
  signal: AbortSignal | undefined,
) => Promise<PartitionRead[]>;

export function createRead(
  cluster: Cluster,
  connections: Connections,
  offsets: Offsets,
  timing: KafkaTiming,
): ReadMany {
  /** Bytes per record as lately met: a guess at how much to ask for a number of records. */
  let bytesPerRecord = 1_024;

  const fetchFrom = async (
    leader: BrokerAddress,
    shares: readonly Share[],
    bytesMax: number,
    waitMs: number,
    signal?: AbortSignal,
  ) => {
    const bounds = { bytesMax, waitMs, timeoutMs: waitMs + timing.readMs };
    const partitions = shares.map(({ topic, from, next }): FetchPartition => {
      const shareBytes = Math.max(Math.floor(bytesMax / shares.length), Math.min(bytesMax, SHARE_BYTES_MIN));
      return { topicId: topic!.id, partition: from.partition, offset: next, bytesMax: shareBytes };
    });
    let answers: FetchedPartition[];
    try {
      using lease = waitMs > 0 ? await connections.lease(leader, waitMs) : undefined;
      const connection = lease?.connection ?? (await connections.shared(leader, "read"));
      if (signal?.aborted === true) return;
      // Without a connection of its own this read has waited for one, and looks once more.
      const asked = lease === undefined ? { ...bounds, waitMs: 0 } : bounds;
      const abort = (): void => void lease?.connection.socket.destroy();
      signal?.addEventListener("abort", abort, { once: true });
      answers = await fetchOnce(connection, partitions, asked).finally(() =>
        signal?.removeEventListener("abort", abort),
      );
    } catch (error) {
      if (signal?.aborted === true) return;
      for (const share of shares) {
        if (error instanceof LogError && error.kind !== "unreachable") share.error = error;
        else if (error instanceof LogError || error instanceof LostError) share.stale = error.message;
        else throw error;
      }
      return;
    }
    const byPlace = new Map(answers.map((answer) => [`${answer.topicId}/${answer.partition}`, answer]));
    await Promise.all(shares.map((share) => take(share, byPlace.get(`${share.topic!.id}/${share.from.partition}`))));
  };

  const take = async (share: Share, answer: FetchedPartition | undefined): Promise<void> => {
    const { topic, from } = share;
    if (answer === undefined) share.stale = "Kafka left it out of its answer";
    else if (answer.errorCode === 0) {
      learn(share, answer);
      if (!share.over) share.cursor = recordCursor(answer.bytes, share.next);
    } else if (answer.errorCode === CODES.OFFSET_OUT_OF_RANGE) {
      // Retention has passed the offset (read on at the first that is left), or it lies beyond the end.
      const ends = await offsets.ends(topic!, from.partition).catch((error: unknown) => error);
      if (ends instanceof LogError) share.error = ends;
      else if (ends instanceof Error) throw ends;
      else learn(share, ends as LogOffsets);
      share.next = Math.max(share.next, share.begin);
    } else if (LEADER_MOVED.has(answer.errorCode)) share.stale = `Kafka answered ${codeName(answer.errorCode)}`;
    else {
      const kind = answer.errorCode === CODES.TOPIC_AUTHORIZATION_FAILED ? "forbidden" : "unreachable";
      share.error = new LogError(kind, `Cannot read ${nameOf(from)}: Kafka answered ${codeName(answer.errorCode)}`);
    }
  };

  /** One fetch from each leader; with several and a wait, settles once one of them has found something. */
  const round = async (
    shares: readonly Share[],
    budget: Budget,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<void> => {
    const byLeader = new Map<BrokerAddress, Share[]>();
    for (const share of shares) {
      share.cursor = undefined;
      const leader = cluster.leader(share.topic!, share.from.partition);
      if (leader === undefined) share.stale = "it has no leader";
      else byLeader.set(leader, [...(byLeader.get(leader) ?? []), share]);
    }
    const guess = Math.ceil(budget.records * bytesPerRecord * 1.25);
    const bytesMax = Math.max(1, Math.min(budget.bytes, guess));
    const step = byLeader.size > 1 ? Math.min(waitMs, WAIT_STEP_MS) : waitMs;
    await Promise.all([...byLeader].map(([leader, each]) => fetchFrom(leader, each, bytesMax, step, signal)));
  };

  return async (request, first, signal) => {
    const turn = request.partitions.length === 0 ? 0 : first % request.partitions.length;
    const shares = await Promise.all(request.partitions.map((from) => shareOf(cluster, from)));
    const inTurn = [...shares.slice(turn), ...shares.slice(0, turn)];
    const budget: Budget = { bytes: request.bytesMax, records: request.recordsMax, taken: 0 };
    const waitUntilMs = performance.now() + request.waitMs;
    let patienceUntilMs = performance.now() + timing.patienceMs;
    let waitMs = 0;
    let active = inTurn.filter(isKnown);
    if (
      active.length > 0 &&
      new Set(active.map((share) => cluster.leader(share.topic!, share.from.partition))).size === 1
    ) {
      waitMs = request.waitMs;
    }
    while (active.length > 0) {
      const before = budget.taken;
      await round(active, budget, waitMs, signal);
      decode(active, budget);
      if (budget.taken > before) {
        const met = active.flatMap(({ records }) => records.slice(-1));
        const bytes = met.reduce((sum, record) => sum + record.bytes, 0) / Math.max(1, met.length);
        bytesPerRecord = Math.max(64, bytesPerRecord * 0.8 + bytes * 0.2);
      }
      if (signal?.aborted === true || budget.records <= 0 || budget.bytes <= 0) break;
      const stale = active.filter((share) => share.stale !== undefined);
      if (stale.length > 0 && budget.taken === 0) {
        if (performance.now() + PAUSE_MS > patienceUntilMs) break;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        await Promise.all(stale.map((share) => recover(cluster, share)));
        waitMs = 0;
        active = inTurn.filter((share) => isKnown(share) && (share.next < share.end || !share.seen));
        continue;
      }
      patienceUntilMs = performance.now() + timing.patienceMs;
      // What this round could not hold of a partition is fetched on, unless nothing more fits.
      const more = active.filter(
        (share) => isKnown(share) && share.stale === undefined && !share.over && share.next < share.end,
      );
      if (budget.taken > 0) {
        // Brokers answer whole batches: a fetch for a small rest would bring mostly what has to be thrown away.
        const isRest = budget.bytes < request.bytesMax / 2 || budget.records < request.recordsMax / 2;
        active = budget.taken > before && !isRest ? more : [];
        waitMs = 0;
      } else if (
        more.length > 0 &&
        more.some((share) => share.cursor === undefined || share.cursor.peek() === undefined)
      ) {
        // Only markers so far, or retention had passed the offset: look behind them at once.
        active = more;
        waitMs = 0;
      } else {
        waitMs = Math.max(0, waitUntilMs - performance.now());
        // Who asks beyond the end has to learn that now: the topic was made anew, or lost records.
        if (waitMs < 1 || active.some((share) => share.next > share.end)) break;
        active = inTurn.filter(isKnown);
      }
    }
    return answer(shares);
  };
}

async function shareOf(cluster: Cluster, from: ReadFrom): Promise<Share> {
  const nothing = { begin: 0, end: 0, cursor: undefined, stale: undefined, error: undefined, seen: false, over: false };
  const share: Share = { from, records: [], next: from.offset, topic: undefined, ...nothing };
  try {
    share.topic = await cluster.topic(from.topic);
    // Partitions may have been added lately.
    if (share.topic !== undefined && from.partition >= share.topic.partitions) {
      share.topic = await cluster.topic(from.topic, true);
    }
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    share.error = error;
  }
  return share;
}

/** An answer has one begin: where retention passes what comes after its records, the next read tells of the gap. */
function learn(share: Share, { begin, end }: LogOffsets): void {
  share.over = share.records.length > 0 && begin > share.next;
  if (share.over) return;
  if (share.records.length === 0) share.begin = begin;
  share.end = end;
  share.seen = true;
}

function isKnown({ topic, from, error }: Share): boolean {
  return error === undefined && topic !== undefined && from.partition >= 0 && from.partition < topic.partitions;
}

async function recover(cluster: Cluster, share: Share): Promise<void> {
  try {
    share.topic = await cluster.topic(share.from.topic, true);
    share.stale = undefined;
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    if (error.kind === "forbidden") share.error = error;
  }
}

/** Takes records in turns: equal shares first, then whatever is left for those that have more. */
function decode(shares: readonly Share[], budget: Budget): void {
  let open = shares.filter(({ cursor, error }) => cursor !== undefined && error === undefined);
  let generous = false;
  while (open.length > 0 && budget.records > 0 && budget.bytes > 0) {
    const before = budget.taken;
    const bytesMax = generous ? budget.bytes : Math.floor(budget.bytes / open.length);
    const recordsMax = generous ? 1 : Math.max(1, Math.floor(budget.records / open.length));
    open = open.filter((share) => takeShare(share, budget, bytesMax, recordsMax));
    if (budget.taken === before && generous) break;
    generous = budget.taken === before;
  }
}

/** Takes what a share allows; false when the partition has no more bytes here. */
function takeShare(share: Share, budget: Budget, bytesMax: number, recordsMax: number): boolean {
  const cursor = share.cursor!;
  let bytes = 0;
  for (let count = 0; count < recordsMax && budget.records > 0; count++) {
    let record: LogRecord | undefined;
    try {
      record = cursor.peek();
    } catch (error) {
      // What was decoded before it stands; the next read begins at what cannot be.
      if (share.records.length === 0) share.error = error as LogError;
      return false;
    }
    share.next = cursor.next;
    if (record === undefined) return false;
    const fits = record.bytes <= Math.min(bytesMax - bytes, budget.bytes);
    if (!fits && budget.taken > 0) return true;
    cursor.pass();
    share.next = cursor.next;
    share.records.push(record);
    bytes += record.bytes;
    budget.bytes -= record.bytes;
    budget.records--;
    budget.taken++;
  }
  return true;
}

function answer(shares: readonly Share[]): PartitionRead[] {
  return shares.map((share): PartitionRead => {
    const { from, error, records, begin, seen, stale, next } = share;
    if (error !== undefined && records.length === 0) return error;
    if (!isKnown(share)) return undefined;
    if (!seen && stale === undefined) return new LogError("unreachable", `Cannot read ${nameOf(from)}: not asked`);
    if (!seen) return new LogError("unreachable", `Cannot read ${nameOf(from)}: ${stale}`);
    // Nothing but markers up to the end: there is nothing left to read from the offset asked for on.
    const end =
      records.length === 0 && next >= share.end ? Math.min(share.end, Math.max(from.offset, begin)) : share.end;
    return { begin, end, records };
  });
}

function nameOf({ topic, partition }: ReadFrom): string {
  return `${topic}/${partition}`;
}
