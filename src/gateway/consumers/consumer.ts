// One consumer instance: what it reads and how far it got. Its positions live here alone; what must outlive it is
// committed to the log. Calls of one instance come one after another.
import type { GroupOffset, Log, LogRecord, PartitionRead, ReadBudget, ReadFrom, TopicPartition } from "../log.ts";
import { LogError } from "../log.ts";
import { readMany } from "../read-request.ts";
import { RestError } from "../rest-error.ts";
import { type Group, placeName } from "./group.ts";

/** Where to begin a partition that its group committed nothing for. */
export type Reset = "earliest" | "latest";

/** What an instance is made with. */
export interface ConsumerOptions {
  readonly name: string;
  readonly reset: Reset;
  /** How long offsets of delivered records stay uncommitted at most while the instance reads; undefined never commits. */
  readonly autoCommitMs: number | undefined;
}

/** Which topics an instance subscribes to. */
export type Subscription = { readonly topics: readonly string[] } | { readonly pattern: RegExp; readonly text: string };

/** A record as an instance delivers it. */
export interface Delivered {
  readonly topic: string;
  readonly partition: number;
  readonly record: LogRecord;
}

/** How much one poll may deliver and wait. */
export interface PollBudget extends ReadBudget {
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Where to go on in a partition: an offset, or the first record not older than a timestamp. */
export type Seek = TopicPartition & ({ readonly offset: number | Reset } | { readonly timestampMs: number });

export interface Consumer {
  readonly options: ConsumerOptions;
  readonly subscription: Subscription | undefined;
  /** When it was last used, in milliseconds of the process's clock. */
  lastUsedMs: number;
  /** Partitions it reads now. */
  partitions(): TopicPartition[];
  /** Reads topics from now on, shared with the other instances of the group; undefined reads nothing. */
  subscribe(subscription: Subscription | undefined): Promise<void>;
  /** Reads these partitions from now on, shared with nobody. */
  assign(partitions: readonly TopicPartition[]): Promise<void>;
  /** Moves positions. Throws RestError `illegal_state` for a partition that it does not read. */
  seek(seeks: readonly Seek[]): Promise<void>;
  /** Records from its positions on, which move beyond them. `take` may deliver fewer: it answers how many it took. */
  poll(budget: PollBudget, take?: (records: readonly Delivered[]) => number): Promise<Delivered[]>;
  /** Commits these offsets (the next to read), or everything delivered. */
  commit(offsets?: readonly GroupOffset[]): Promise<void>;
  committed(partitions: readonly TopicPartition[]): Promise<(GroupOffset | undefined)[]>;
}

interface Position extends TopicPartition {
  next: number;
  /** What is committed of it, as far as this instance knows. */
  committed: number;
}

/** Where to begin a partition that nothing is committed for. */
type Choose = (place: TopicPartition) => Promise<number>;

/** Partitions of one instance, to bound what a poll asks for. */
const PARTITIONS_MAX = 1_000;
const WAITING_MAX = 16;

export function createConsumer(log: Log, group: Group, options: ConsumerOptions): Consumer {
  const positions = new Map<string, Position>();
  let subscription: Subscription | undefined;
  let assigned = false;
  let turn = 0;
  let committedAtMs = performance.now();
  let queue: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  /** One call after another; a client that piles them up is told so. */
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (waiting >= WAITING_MAX) throw new RestError("too_many", "Too many requests wait for this consumer instance");
    waiting++;
    const result = queue.then(work).finally(() => {
      waiting--;
    });
    queue = result.catch(() => {});
    return result;
  };

  const begin = async (places: readonly TopicPartition[], resetOf: Choose): Promise<Position[]> => {
    const committed = await log.committed(group.name, places);
    return Promise.all(
      places.map(async (place, i): Promise<Position> => {
        const kept = committed[i]?.offset;
        return { ...place, next: kept ?? (await resetOf(place)), committed: kept ?? -1 };
      }),
    );
  };
  const ownReset: Choose = async ({ topic, partition }) => {
    const offsets = await log.offsets(topic, partition);
    return options.reset === "earliest" ? (offsets?.begin ?? 0) : (offsets?.end ?? 0);
  };

  /** Brings the positions to what this instance reads now: partitions that others took over go, new ones come. */
  const settle = async (): Promise<void> => {
    if (subscription === undefined) return;
    const share = await group.share(consumer);
    const names = new Set(share.map(placeName));
    const gone = [...positions.values()].filter((position) => !names.has(placeName(position)));
    if (options.autoCommitMs !== undefined) await commitPositions(gone);
    for (const position of gone) positions.delete(placeName(position));
    const fresh = share.filter((place) => !positions.has(placeName(place)));
    await take(fresh, (place) => group.start(place, () => ownReset(place)));
  };
  const take = async (places: readonly TopicPartition[], resetOf: Choose): Promise<void> => {
    if (positions.size + places.length > PARTITIONS_MAX) {
      throw new RestError("invalid", `A consumer instance may read ${PARTITIONS_MAX} partitions`);
    }
    for (const position of await begin(places, resetOf)) positions.set(placeName(position), position);
  };

  const commitPositions = async (which: Iterable<Position>): Promise<void> => {
    const due = [...which].filter(({ next, committed }) => next !== committed);
    const offsets = due.map(({ topic, partition, next }) => ({ topic, partition, offset: next, metadata: "" }));
    await log.commit(group.name, offsets);
    for (const [i, position] of due.entries()) position.committed = offsets[i]!.offset;
  };
  const autoCommit = async (): Promise<void> => {
    const { autoCommitMs } = options;
    if (autoCommitMs === undefined || performance.now() - committedAtMs < autoCommitMs) return;
    await commitPositions(positions.values());
    committedAtMs = performance.now();
  };

  const targetOf = async (seek: Seek): Promise<number> => {
    if ("timestampMs" in seek) return (await log.offsetAt(seek.topic, seek.partition, seek.timestampMs)) ?? 0;
    if (typeof seek.offset === "number") return seek.offset;
    const offsets = await log.offsets(seek.topic, seek.partition);
    return (seek.offset === "earliest" ? offsets?.begin : offsets?.end) ?? 0;
  };

  /** Goes on from where there is a log, when a position lies beyond its end: the topic was made anew or lost records. */
  const leaveLost = async (froms: readonly ReadFrom[], reads: readonly PartitionRead[]): Promise<void> => {
    for (const [i, from] of froms.entries()) {
      const read = reads[i];
      if (read === undefined || read instanceof LogError || read.end >= from.offset) continue;
      // A broker that has just come to lead answers too low an end to reads; asked for the end, it says that it cannot tell.
      const offsets = await log.offsets(from.topic, from.partition).catch((error: unknown) => {
        if (error instanceof LogError) return undefined;
        throw error;
      });
      if (offsets === undefined || offsets.end >= from.offset) continue;
      const next = options.reset === "earliest" ? offsets.begin : offsets.end;
      positions.get(placeName(from))!.next = next;
      if (subscription !== undefined) group.restart(from, next);
    }
  };

  const pollOnce = async (
    budget: PollBudget,
    accept: (records: readonly Delivered[]) => number,
  ): Promise<Delivered[]> => {
    // A client that has gone gets nothing: what it would miss is for the next poll, and what it got may not be dealt with.
    const isGone = (): boolean => budget.signal?.aborted === true;
    if (isGone()) return [];
    // Whoever asks for more has dealt with what it got: that may be committed now.
    await autoCommit();
    await settle();
    const froms = [...positions.values()].map(
      ({ topic, partition, next }): ReadFrom => ({ topic, partition, offset: next }),
    );
    if (froms.length === 0) return [];
    const reads = await readMany(log, { ...budget, partitions: froms }, () => turn++, budget.signal);
    await leaveLost(froms, reads);
    if (isGone()) return [];
    const found: Delivered[] = [];
    for (const [i, read] of reads.entries()) {
      if (read === undefined || read instanceof LogError) continue;
      const { topic, partition } = froms[i]!;
      for (const record of read.records) found.push({ topic, partition, record });
    }
    const failure = reads.find((read) => read instanceof LogError);
    if (found.length === 0 && failure !== undefined) throw failure;
    const delivered = found.slice(0, accept(found));
    for (const { topic, partition, record } of delivered) {
      positions.get(placeName({ topic, partition }))!.next = record.offset + 1;
    }
    return delivered;
  };

  const consumer: Consumer = {
    options,
    get subscription() {
      return subscription;
    },
    lastUsedMs: performance.now(),
    partitions: () => [...positions.values()].map(({ topic, partition }) => ({ topic, partition })),
    subscribe: (wanted) =>
      inTurn(async () => {
        if (wanted !== undefined && assigned) throw illegal("Partitions are assigned to this consumer by hand");
        if (wanted === undefined) positions.clear();
        subscription = wanted;
        assigned = false;
        // Positions are taken at once: what is produced from now on is not missed.
        await settle();
      }),
    assign: (partitions) =>
      inTurn(async () => {
        if (subscription !== undefined)
          throw illegal("Subscription to topics, partitions and pattern are mutually exclusive");
        const names = new Set(partitions.map(placeName));
        for (const name of positions.keys()) if (!names.has(name)) positions.delete(name);
        const fresh = new Map(partitions.map((place) => [placeName(place), place]));
        await take(
          [...fresh.values()].filter((place) => !positions.has(placeName(place))),
          ownReset,
        );
        assigned = partitions.length > 0;
      }),
    seek: (seeks) =>
      inTurn(async () => {
        for (const seek of seeks) {
          if (!positions.has(placeName(seek))) {
            throw illegal(`No current assignment for partition ${seek.topic}-${seek.partition}`);
          }
        }
        for (const seek of seeks) positions.get(placeName(seek))!.next = await targetOf(seek);
      }),
    poll: (budget, accept = (records) => records.length) => inTurn(() => pollOnce(budget, accept)),
    commit: (offsets) =>
      inTurn(async () => {
        if (offsets === undefined) return commitPositions(positions.values());
        await log.commit(group.name, offsets);
        for (const offset of offsets) {
          const position = positions.get(placeName(offset));
          if (position !== undefined) position.committed = offset.offset;
        }
      }),
    committed: (partitions) => log.committed(group.name, partitions),
  };
  return consumer;
}

function illegal(message: string): RestError {
  return new RestError("illegal_state", message);
}
