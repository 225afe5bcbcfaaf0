// The log behind the gateway. The contract is in these comments; a Kafka cluster, a SQLite file and a Durable Object
// can all keep it. Methods reject with LogError when the log cannot be reached or refuses them, with another error when
// it is closed or broken; an append that rejects wrote nothing. Offsets beyond 2^53 are refused, never rounded.

/** Bytes of a key or a value: a string stands for its UTF-8 bytes. A log may answer either form for the same bytes. */
export type Content = string | Uint8Array;

/** A record header. Names may repeat. */
export interface LogHeader {
  readonly key: string;
  readonly value: Content | null;
}

/** A record to append. A null value is a tombstone. */
export interface AppendRecord {
  /** Null lets the log choose: by the key as Kafka's default partitioner does, in turn without a key. */
  readonly partition: number | null;
  readonly key: Content | null;
  readonly value: Content | null;
  readonly headers: readonly LogHeader[];
  readonly timestampMs: number;
  /** Bytes of key, value and headers together; what bounds and retention count. */
  readonly bytes: number;
}

/** Where a record went. */
export interface Appended {
  readonly partition: number;
  readonly offset: number;
}

/**
 * Why a record is not known to be in the log. `retryable` and `fatal` promise that it is not there and will not come;
 * `unknown` may be there, or come later: Kafka was asked and did not answer in time.
 */
export interface AppendFault {
  readonly fault:
    | "retryable"
    | "too_large"
    | "partition_unknown"
    | "topic_unknown"
    | "forbidden"
    | "invalid"
    | "unknown";
  readonly reason: string;
}

/** Which brokers hold a partition. */
export interface Placement {
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

/** A topic. `id` is another one when a topic of the same name is made anew. */
export interface LogTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  /** By partition; absent where one broker holds everything. */
  readonly placement?: readonly Placement[];
}

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** An offset that a group committed: the next one to read. */
export interface GroupOffset extends TopicPartition {
  readonly offset: number;
  readonly metadata: string;
}

/**
 * First offset still in the log, and the offset the next record will get. Where a read finds nothing but markers and
 * holes from the offset asked for on, its `end` is that offset: there is nothing left to read.
 */
export interface LogOffsets {
  readonly begin: number;
  readonly end: number;
}

/** A record as read. */
export interface LogRecord extends Omit<AppendRecord, "partition"> {
  readonly offset: number;
}

/** Bounds of one read. */
export interface LogBounds {
  readonly bytesMax: number;
  readonly recordsMax: number;
  /** Whether the first record may be larger than `bytesMax`. */
  readonly firstAnyway: boolean;
}

/** Records of one partition in offset order. `more` says that the log holds records beyond these. */
export interface LogSlice extends LogOffsets {
  readonly records: readonly LogRecord[];
  readonly more: boolean;
}

/** How much a partition keeps; an absent bound is no bound. */
export interface Retention {
  readonly ageMsMax?: number | undefined;
  readonly partitionBytesMax?: number | undefined;
}

/** Where to read on. */
export interface ReadFrom extends TopicPartition {
  readonly offset: number;
}

/** Bounds over all partitions of a read together. */
export interface ReadBudget {
  readonly bytesMax: number;
  readonly recordsMax: number;
}

/** What one partition gave; undefined where the log does not know it, an error where its broker cannot be reached. */
export type PartitionRead = Pick<LogSlice, "begin" | "end" | "records"> | LogError | undefined;

/** A read of many partitions that may wait for the first record. */
export interface ReadRequest extends ReadBudget {
  readonly partitions: readonly ReadFrom[];
  readonly waitMs: number;
}

/** What an append may wait for. */
export interface AppendWait {
  /** What `mark()` answered before the read that found nothing. */
  readonly since: number;
  readonly topics: readonly string[];
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The log was reached for and could not do it. */
export class LogError extends Error {
  override name = "LogError";
  /** `unreachable` may heal; `forbidden` and `refused` will not by themselves. Nothing was written in either case. */
  readonly kind: "unreachable" | "forbidden" | "refused";

  constructor(kind: LogError["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

export interface Log {
  /**
   * Appends records and answers for each, in order, where it went or what is known about it; records for one partition
   * keep their order. A log in one file appends all or none, a cluster answers record by record. Undefined for an
   * unknown topic; throws RangeError for a partition that the topic does not have.
   */
  append(topic: string, records: readonly AppendRecord[]): Promise<(Appended | AppendFault)[] | undefined>;
  /**
   * Records from `offset` on, or from the first that is left when that is later; none beyond the end. Offsets may have
   * holes. Undefined for an unknown topic or partition.
   */
  read(topic: string, partition: number, offset: number, bounds: LogBounds): Promise<LogSlice | undefined>;
  /**
   * Reads many partitions together, for a log that does it in fewer steps than one read each, and waits by its own
   * means. `first` says which partition begins and may exceed the bytes. Without it the gateway reads one by one.
   */
  readMany?(request: ReadRequest, first: number, signal: AbortSignal | undefined): Promise<PartitionRead[]>;
  offsets(topic: string, partition: number): Promise<LogOffsets | undefined>;
  /** The first offset whose record is not older than a timestamp, the end when none is; undefined as in `offsets`. */
  offsetAt(topic: string, partition: number, timestampMs: number): Promise<number | undefined>;
  /** Every topic in order of name. */
  topics(): Promise<LogTopic[]>;
  topic(name: string): Promise<LogTopic | undefined>;
  /** Settings of a topic that exists, as Kafka names them, where the log has any. */
  topicConfigs?(name: string): Promise<Readonly<Record<string, string>>>;
  /** Ids of the brokers, where there is more to say than that there is one. */
  brokers?(): Promise<number[]>;
  /** Makes a topic, or answers the one that is there, as it is. Throws RangeError when the log has no room for it. */
  createTopic(name: string, partitions: number): Promise<{ readonly topic: LogTopic; readonly created: boolean }>;
  /** What a group committed for these partitions, in order; undefined where it did not. */
  committed(group: string, partitions: readonly TopicPartition[]): Promise<(GroupOffset | undefined)[]>;
  /** Commits offsets of a group. Partitions that the log does not have are left out. */
  commit(group: string, offsets: readonly GroupOffset[]): Promise<void>;
  /** Rejects when the log cannot be reached. */
  ping(): Promise<void>;
  /** A number that is another one after an append. Take it before a read, give it to `waitForAppend` after. */
  mark(): number;
  /**
   * Settles after an append to one of the topics since the mark, at once by this process and within 50 ms by another;
   * when `waitMs` have passed; when the signal aborts; or when the log is closed. It may settle early.
   */
  waitForAppend(wait: AppendWait): Promise<void>;
  /**
   * Removes the oldest records that `retention` does not keep, at most `recordsMax`, and raises the begin offsets.
   * Answers how many it removed. A log whose server keeps its own retention removes nothing.
   */
  trim(retention: Retention, nowMs: number, recordsMax: number): Promise<number>;
  /** Ends all waits. Nothing may be called afterwards. */
  close(): Promise<void>;
}
