// The Kafka behind a proxy of the tests: topics in memory, with retention, compaction and waiting by hand.

/** A record as it lies there. */
export interface LogRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: number;
  readonly headers: readonly { readonly key: string; readonly value: string }[];
}

export interface NewRecord {
  readonly partition?: number | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp?: number | undefined;
  readonly headers?: LogRecord["headers"] | undefined;
}

interface Partition {
  begin: number;
  end: number;
  records: LogRecord[];
}

/** Opens a log with these topics. */
export function proxyLog(topics: Readonly<Record<string, number>>) {
  const held = new Map<string, Partition[]>();
  const waiting = new Set<() => void>();
  const committed = new Map<string, number>();
  const create = (name: string, partitions: number): void => {
    held.set(
      name,
      Array.from({ length: partitions }, () => ({ begin: 0, end: 0, records: [] })),
    );
  };
  for (const [name, partitions] of Object.entries(topics)) create(name, partitions);
  const at = (topic: string, partition: number): Partition | undefined => held.get(topic)?.[partition];
  let turn = 0;
  const placeOf = (topic: string, { partition, key }: NewRecord): number | undefined => {
    const count = held.get(topic)?.length;
    return count === undefined ? undefined : (partition ?? (key === null ? turn++ : hashOf(key)) % count);
  };
  return {
    create,
    remove: (name: string) => held.delete(name),
    names: () => [...held.keys()],
    partitions: (topic: string) => held.get(topic)?.length,
    ends: (topic: string, partition: number) => {
      const found = at(topic, partition);
      return found && { begin: found.begin, end: found.end };
    },
    /** The partition that a record goes to; undefined when there is no such topic. */
    placeOf,
    /** Undefined when there is no such topic or partition. */
    append(topic: string, record: NewRecord): { partition: number; offset: number } | undefined {
      const partition = placeOf(topic, record);
      const found = partition === undefined ? undefined : at(topic, partition);
      if (partition === undefined || found === undefined) return undefined;
      const offset = found.end++;
      const { key, value, timestamp = Date.now(), headers = [] } = record;
      found.records.push({ offset, key, value, timestamp, headers });
      for (const wake of waiting) wake();
      return { partition, offset };
    },
    /** Records from an offset on; before the beginning they start there. */
    from: (topic: string, partition: number, offset: number) =>
      at(topic, partition)?.records.filter((record) => record.offset >= offset) ?? [],
    /** What retention does. */
    trim(topic: string, partition: number, begin: number): void {
      const found = at(topic, partition)!;
      found.begin = begin;
      found.end = Math.max(found.end, begin);
      found.records = found.records.filter(({ offset }) => offset >= begin);
    },
    /** A marker of a transaction: it has an offset, and nobody reads it. */
    mark(topic: string, partition: number): void {
      at(topic, partition)!.end++;
    },
    /** What compaction does. */
    drop(topic: string, partition: number, offset: number): void {
      const found = at(topic, partition)!;
      found.records = found.records.filter((record) => record.offset !== offset);
    },
    /** Settles when something was appended, or when the time is over. */
    appended(ms: number, signal?: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(done);
          signal?.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        waiting.add(done);
        signal?.addEventListener("abort", done, { once: true });
      });
    },
    /** Offsets as Kafka stores them: the next to read. */
    committed,
  };
}

export type ProxyLog = ReturnType<typeof proxyLog>;

function hashOf(bytes: Buffer): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
