// The log behind the gateway. The contract is in these comments; a Kafka cluster, a SQLite file and a Durable Object
// can all keep it. Methods reject when the log cannot be reached or is closed; an append that rejects wrote nothing.

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

/** A topic. `id` is another one when a topic of the same name is made anew. */
export interface LogTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
}

/** First offset still in the log, and the offset the next record will get. */
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

/** What an append may wait for. */
export interface AppendWait {
  /** What `mark()` answered before the read that found nothing. */
  readonly since: number;
  readonly topics: readonly string[];
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Log {
  /**
   * Appends all records or none, in one step, and answers where each went, in order; records for one partition keep
   * their order. Undefined for an unknown topic; throws RangeError for a partition that the topic does not have.
   */
  append(topic: string, records: readonly AppendRecord[]): Promise<Appended[] | undefined>;
  /**
   * Records from `offset` on, or from the first that is left when that is later; none beyond the end. Offsets may have
   * holes. Undefined for an unknown topic or partition.
   */
  read(topic: string, partition: number, offset: number, bounds: LogBounds): Promise<LogSlice | undefined>;
  offsets(topic: string, partition: number): Promise<LogOffsets | undefined>;
  /** Every topic in order of name. */
  topics(): Promise<LogTopic[]>;
  topic(name: string): Promise<LogTopic | undefined>;
  /** Makes a topic, or answers the one that is there, as it is. Throws RangeError when the log has no room for it. */
  createTopic(name: string, partitions: number): Promise<{ readonly topic: LogTopic; readonly created: boolean }>;
  /** A number that is another one after an append. Take it before a read, give it to `waitForAppend` after. */
  mark(): number;
  /**
   * Settles after an append to one of the topics since the mark, at once by this process and within 50 ms by another;
   * when `waitMs` have passed; when the signal aborts; or when the log is closed. It may settle early.
   */
  waitForAppend(wait: AppendWait): Promise<void>;
  /**
   * Removes the oldest records that `retention` does not keep, at most `recordsMax`, and raises the begin offsets.
   * Answers how many it removed.
   */
  trim(retention: Retention, nowMs: number, recordsMax: number): Promise<number>;
  /** Ends all waits. Nothing may be called afterwards. */
  close(): Promise<void>;
}
