// Kafka as seen through an HTTP proxy. The contract is in these comments; test/contract/broker.ts holds adapters to it.

/** A record to be appended. The partition is chosen from the key by the broker side. */
export interface ProduceRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: string;
}

/**
 * What became of one record. `unknown` may be in the log now, or land later: after a deadline, a lost connection, an
 * error that came after the request was sent. `retryable` and `fatal` promise that the record was *not* appended
 * (core-proof #30); `fatal` will not heal by itself. Where an appended record went is null when the dialect does not tell.
 */
export type ProduceResult =
  | { readonly status: "ok"; readonly partition: number | null; readonly offset: number | null }
  | { readonly status: "retryable" | "fatal" | "unknown"; readonly reason: string };

/** An offset that no log reaches: whoever reads from it asks for the ends alone. */
export const ENDS_ONLY = Number.MAX_SAFE_INTEGER;

/** Where to read on. */
export interface ReadFrom {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Bounds of one read. */
export interface ReadBudget {
  /** How long the answer may wait for a first record; 0 answers at once. */
  readonly waitMs: number;
  /** Bytes of keys and values to aim for, over all partitions together. */
  readonly bytesMax: number;
  /** Records, over all partitions together. */
  readonly recordsMax: number;
  /** Requests to a proxy, where they are counted. Never below what `ReadRequests` says of this read, which always suffices:
   * what would need more is left for a later read. */
  readonly requestsMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What calls take in requests to a proxy, where all goes well. Nothing in these numbers is asked of the proxy. */
export interface ReadRequests {
  /** A look at so many topics; 0 for none. */
  topics(count: number): number;
  /** A read of these partitions that gives records, with the least of what it may have to ask on top. */
  read(from: readonly ReadFrom[]): number;
  /** A report of positions; 0 where there is none. */
  readonly report: number;
}

/** A record as read. Values are bytes: nothing on the way has tried to understand them. */
export interface ReadRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: Uint8Array | null;
}

/** What one partition answered. */
export interface PartitionRead {
  readonly topic: string;
  readonly partition: number;
  /** In offset order, none below the offset asked for, no offset twice. Empty while `end` is beyond the offset asked
   * for means that the next record did not fit `bytesMax`: ask again with more. */
  readonly records: readonly ReadRecord[];
  /** First offset still in the log; null when the dialect does not tell, and when this partition alone could not be read. */
  readonly begin: number | null;
  /** Offset the next record will get; null like `begin`: then nobody knows what is still to be read, and null must never
   * be taken for "nothing". */
  readonly end: number | null;
}

/** A topic. `generation` changes when a topic of that name is made anew; UNTOLD_GENERATION where the dialect cannot tell. */
export interface TopicInfo {
  readonly name: string;
  readonly partitions: number;
  readonly generation: string;
}

/** Of a broker from which nothing goes out. */
export const NO_REQUESTS: ReadRequests = { topics: () => 0, read: () => 0, report: 0 };

/**
 * One broker. No method needs an open connection, a consumer instance or a group. `produce` never throws: every
 * failure is a result per record. The others throw AppError `broker_unavailable`.
 */
export interface Broker {
  /** Names the cluster in position keys. */
  readonly cluster: string;
  /** Absent where nothing goes out: NO_REQUESTS. */
  readonly requests?: ReadRequests | undefined;
  /** Appends records; answers one result per record in the order given. */
  produce(records: readonly ProduceRecord[], signal?: AbortSignal): Promise<ProduceResult[]>;
  /** Reads many partitions at once. A partition the log does not know is left out of the answer; throws when none is read. */
  read(from: readonly ReadFrom[], budget: ReadBudget): Promise<PartitionRead[]>;
  /** The named topics that exist. */
  topics(names: readonly string[], signal?: AbortSignal): Promise<TopicInfo[]>;
  /**
   * Commits positions (next offsets to read) as those of a consumer group, each dialect in its own sense of
   * "committed", so that lag dashboards show where we are. Nothing ever reads them back. Absent when nobody asked.
   */
  reportPosition?(positions: readonly ReadFrom[], signal?: AbortSignal): Promise<void>;
}
