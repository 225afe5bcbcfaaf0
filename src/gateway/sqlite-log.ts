// A log on the SQL seam. Offsets come from the partition row inside the write transaction, so that several processes
// may share one file.
import { type Migration, migrate, type Sql } from "../sql/sql.ts";
import { appendSignal } from "./append-signal.ts";
import type { Appended, AppendRecord, Log, LogOffsets, LogTopic } from "./log.ts";
import { partitionOf } from "./partitioner.ts";
import { sqliteGroups } from "./sqlite-groups.ts";
import { insertRecord, OFFSETS, offsetAt, readSlice } from "./sqlite-records.ts";
import { trimPartition } from "./sqlite-trim.ts";

/** "TGLG": marks a file as a log of this gateway. */
export const LOG_APPLICATION_ID = 0x54474c47;
/** Partitions over all topics that record ids leave room for. */
export const PARTITIONS_TOTAL_MAX = 8_192;
const POLL_MS = 25;

/** How a log behaves. */
export interface SqliteLogOptions {
  /** What messages call the file. */
  readonly name?: string;
  /** How often a waiting reader looks for appends of other processes; 0 when there are none. Default 25. */
  readonly pollMs?: number;
}

interface Topic extends LogTopic {
  readonly number: number;
  /** Number of the partition's row, by partition. */
  readonly rows: readonly number[];
}
interface PartitionRow {
  readonly number: number;
  readonly end_offset: number;
}

/**
 * Opens a log in a database that is its own, bringing the schema to the newest of `migrations`; closing the log closes
 * the database. Throws SchemaError when the database belongs to something else.
 */
export function sqliteLog(sql: Sql, migrations: readonly Migration[], options: SqliteLogOptions = {}): Log {
  migrate(sql, options.name ?? "the log", LOG_APPLICATION_ID, migrations);
  const readVersion = (): number => sql.get<{ data_version: number }>("PRAGMA data_version")!.data_version;
  const signal = appendSignal(readVersion, options.pollMs ?? POLL_MS);
  const topics = topicTable(sql);
  const write = appender(sql);
  const rowOf = (name: string, partition: number): number | undefined => topics.find(name)?.rows[partition];

  return {
    ...sqliteGroups(sql),
    async append(name, records) {
      const topic = topics.find(name);
      if (topic === undefined) return undefined;
      if (records.length === 0) return [];
      const appended = sql.transaction(() => write(topic, records));
      signal.raise(name);
      return appended;
    },
    async read(name, partition, offset, bounds) {
      const row = rowOf(name, partition);
      return row === undefined ? undefined : readSlice(sql, row, offset, bounds);
    },
    async offsets(name, partition) {
      const row = rowOf(name, partition);
      return row === undefined ? undefined : { ...sql.get<LogOffsets>(OFFSETS, row)! };
    },
    async offsetAt(name, partition, timestampMs) {
      const row = rowOf(name, partition);
      return row === undefined ? undefined : offsetAt(sql, row, timestampMs);
    },
    topics: async () => topics.all(),
    topic: async (name) => publicTopic(topics.find(name)),
    createTopic: async (name, partitions) => topics.create(name, partitions),
    async ping() {
      sql.get("SELECT 1 FROM log_topic LIMIT 1");
    },
    mark: signal.mark,
    waitForAppend: signal.wait,
    async trim(retention, nowMs, recordsMax) {
      if (retention.ageMsMax === undefined && retention.partitionBytesMax === undefined) return 0;
      let removed = 0;
      for (const { number } of sql.all<{ number: number }>("SELECT number FROM log_partition")) {
        removed += sql.transaction(() => trimPartition(sql, number, retention, nowMs, recordsMax - removed));
        if (removed >= recordsMax) break;
      }
      return removed;
    },
    async close() {
      signal.close();
      sql.close();
    },
  };
}

/** Writes records into a topic's partitions; the caller holds the transaction. */
function appender(sql: Sql): (topic: Topic, records: readonly AppendRecord[]) => Appended[] {
  let turn = 0;

  const choose = (topic: Topic, record: AppendRecord): number => {
    if (record.partition === null) {
      return record.key === null ? turn++ % topic.partitions : partitionOf(record.key, topic.partitions);
    }
    if (topic.rows[record.partition] === undefined) {
      throw new RangeError(`Topic ${topic.name} has no partition ${record.partition}`);
    }
    return record.partition;
  };

  return (topic, records) => {
    const partitions = records.map((record) => choose(topic, record));
    const rows = sql.all<PartitionRow>(
      "SELECT number, end_offset FROM log_partition WHERE topic = ? ORDER BY partition",
      topic.number,
    );
    const ends = rows.map((row) => row.end_offset);
    const bytes = rows.map(() => 0);
    const appended = records.map((record, i) => {
      const partition = partitions[i]!;
      const offset = ends[partition]!++;
      bytes[partition]! += record.bytes;
      insertRecord(sql, rows[partition]!.number, offset, record);
      return { partition, offset };
    });
    for (const [partition, row] of rows.entries()) {
      const end = ends[partition]!;
      if (end === row.end_offset) continue;
      const update = "UPDATE log_partition SET end_offset = ?, bytes = bytes + ? WHERE number = ?";
      sql.run(update, end, bytes[partition]!, row.number);
    }
    return appended;
  };
}

function publicTopic(topic: Topic | undefined): LogTopic | undefined {
  return topic && { name: topic.name, id: topic.id, partitions: topic.partitions };
}

/** Topics of the file. One that was found is remembered: topics neither change nor go. */
function topicTable(sql: Sql) {
  const known = new Map<string, Topic>();
  const find = (name: string): Topic | undefined => {
    const kept = known.get(name);
    if (kept !== undefined) return kept;
    const row = sql.get<{ number: number; id: string }>("SELECT number, id FROM log_topic WHERE name = ?", name);
    if (row === undefined) return undefined;
    const partitions = "SELECT number FROM log_partition WHERE topic = ? ORDER BY partition";
    const rows = sql.all<{ number: number }>(partitions, row.number).map((partition) => partition.number);
    const topic = { name, id: row.id, number: row.number, partitions: rows.length, rows };
    known.set(name, topic);
    return topic;
  };
  const insert = (name: string, partitions: number): void => {
    const next = sql.get<{ next: number }>("SELECT coalesce(max(number) + 1, 0) AS next FROM log_partition")!.next;
    if (next + partitions > PARTITIONS_TOTAL_MAX) {
      throw new RangeError(
        `The log has room for ${PARTITIONS_TOTAL_MAX - next} more partitions, not for ${partitions}`,
      );
    }
    sql.run("INSERT INTO log_topic (name, id) VALUES (?, ?)", name, crypto.randomUUID());
    const { number } = sql.get<{ number: number }>("SELECT number FROM log_topic WHERE name = ?", name)!;
    for (let partition = 0; partition < partitions; partition++) {
      const values = "INSERT INTO log_partition (number, topic, partition) VALUES (?, ?, ?)";
      sql.run(values, next + partition, number, partition);
    }
  };
  return {
    find,
    all(): LogTopic[] {
      const names = sql.all<{ name: string }>("SELECT name FROM log_topic ORDER BY name");
      return names.map(({ name }) => publicTopic(find(name))!);
    },
    create(name: string, partitions: number): { topic: LogTopic; created: boolean } {
      const created =
        find(name) === undefined &&
        sql.transaction(() => {
          // Another process may have made it between the look and the lock. Nothing is remembered before the commit.
          if (sql.get("SELECT 1 FROM log_topic WHERE name = ?", name) !== undefined) return false;
          insert(name, partitions);
          return true;
        });
      return { topic: publicTopic(find(name))!, created };
    },
  };
}
