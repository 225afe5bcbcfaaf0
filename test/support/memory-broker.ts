// A broker in memory: several partitions a topic, and a fate for every record produced, so that a test decides what
// fails, what lands all the same, and where.
import type {
  Broker,
  PartitionRead,
  ProduceRecord,
  ProduceResult,
  ReadBudget,
  ReadFrom,
  ReadRecord,
} from "../../src/ports/broker.ts";

/** What a produced record meets: `unknown` lands without an answer, `lost` does neither. */
export type Fate = "ok" | "retryable" | "fatal" | "unknown" | "lost";

export interface MemoryBrokerOptions {
  readonly topics: readonly string[];
  readonly partitions: number;
  /** What becomes of a record; all is well unless a test says otherwise. */
  readonly fate?: (record: ProduceRecord) => Fate;
  /** Where a record goes; by a hash of its key unless a test says otherwise. */
  readonly partitionOf?: (record: ProduceRecord) => number;
}

/** The port, and what a test may do to the log behind it. */
export interface MemoryBroker extends Broker {
  /** Appends without asking for a fate, as another producer would. */
  append(topic: string, partition: number, value: string | Uint8Array | null, key?: string): number;
  /** Every partition with what it holds now. */
  contents(): { readonly topic: string; readonly partition: number; readonly records: readonly ReadRecord[] }[];
  /** Removes records below an offset, as retention does. */
  trim(topic: string, partition: number, begin: number): void;
  /** Deletes a topic and makes it anew; with `keepId` the dialect cannot tell the two apart. */
  recreate(topic: string, options?: { readonly keepId: boolean }): void;
}

interface Partition {
  begin: number;
  end: number;
  records: ReadRecord[];
}

interface Topic {
  generation: number;
  partitions: Partition[];
}

const utf8 = new TextEncoder();

export function createMemoryBroker(options: MemoryBrokerOptions): MemoryBroker {
  const emptyPartitions = (): Partition[] =>
    Array.from({ length: options.partitions }, () => ({ begin: 0, end: 0, records: [] }));
  const topics = new Map<string, Topic>(
    options.topics.map((name) => [name, { generation: 1, partitions: emptyPartitions() }]),
  );
  const partitionAt = (topic: string, partition: number): Partition | undefined =>
    topics.get(topic)?.partitions[partition];
  const append: MemoryBroker["append"] = (topic, partition, value, key) => {
    const held = partitionAt(topic, partition);
    if (held === undefined) throw new Error(`Cannot append: there is no partition ${topic}/${partition}`);
    const bytes = typeof value === "string" ? utf8.encode(value) : value;
    held.records.push({ offset: held.end, key: key ?? null, value: bytes });
    return held.end++;
  };
  const produceOne = (record: ProduceRecord): ProduceResult => {
    if (!topics.has(record.topic)) return { status: "fatal", reason: "there is no such topic" };
    const fate = options.fate?.(record) ?? "ok";
    const partition = options.partitionOf?.(record) ?? hashOf(record.key) % options.partitions;
    if (fate === "ok")
      return { status: "ok", partition, offset: append(record.topic, partition, record.value, record.key) };
    if (fate === "unknown") append(record.topic, partition, record.value, record.key);
    return { status: fate === "lost" ? "unknown" : fate, reason: `the test said ${fate}` };
  };
  return {
    cluster: "memory",
    append,
    produce: async (records) => records.map(produceOne),
    topics: async (names) =>
      names.flatMap((name) => {
        const topic = topics.get(name);
        return topic === undefined
          ? []
          : [{ name, partitions: options.partitions, generation: String(topic.generation) }];
      }),
    read: async (from, budget) => readAll(from, budget, partitionAt),
    contents: () =>
      [...topics].flatMap(([topic, { partitions }]) =>
        partitions.map(({ records }, partition) => ({ topic, partition, records })),
      ),
    trim(topic, partition, begin) {
      const held = partitionAt(topic, partition)!;
      held.begin = begin;
      held.records = held.records.filter(({ offset }) => offset >= begin);
    },
    recreate(topic, { keepId } = { keepId: false }) {
      const held = topics.get(topic)!;
      topics.set(topic, { generation: held.generation + (keepId ? 0 : 1), partitions: emptyPartitions() });
    },
  };
}

/** Fills the budget partition by partition; a first record larger than the budget stays unread. */
function readAll(
  from: readonly ReadFrom[],
  budget: ReadBudget,
  partitionAt: (topic: string, partition: number) => Partition | undefined,
): PartitionRead[] {
  let recordsLeft = budget.recordsMax;
  let bytesLeft = budget.bytesMax;
  return from.flatMap(({ topic, partition, offset }) => {
    const held = partitionAt(topic, partition);
    if (held === undefined) return [];
    const records: ReadRecord[] = [];
    for (const record of held.records.slice(Math.max(0, offset - held.begin))) {
      bytesLeft -= record.value?.byteLength ?? 0;
      if (recordsLeft <= 0 || bytesLeft < 0) break;
      recordsLeft -= 1;
      records.push(record);
    }
    return [{ topic, partition, records, begin: held.begin, end: held.end }];
  });
}

/** FNV-1a: any spread will do, as long as one key always gives one partition. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of utf8.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
