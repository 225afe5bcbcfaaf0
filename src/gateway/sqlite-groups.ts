// Offsets that groups committed, in the log's own file.
import type { Sql } from "../sql/sql.ts";
import { type GroupOffset, type Log, LogError } from "./log.ts";

/** Offsets kept over all groups: names come from clients, and the file must stay bounded. */
const GROUP_OFFSETS_MAX = 100_000;
const FIND = `SELECT next_offset, metadata FROM log_group_offset
  WHERE group_name = ? AND partition = ? AND topic = (SELECT number FROM log_topic WHERE name = ?)`;
const KEEP = `INSERT INTO log_group_offset (group_name, topic, partition, next_offset, metadata)
  SELECT ?, topic, partition, ?, ? FROM log_partition
  WHERE topic = (SELECT number FROM log_topic WHERE name = ?) AND partition = ?
  ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset, metadata = excluded.metadata`;

/** See Log.committed and Log.commit. */
export function sqliteGroups(sql: Sql): Pick<Log, "committed" | "commit"> {
  return {
    async committed(group, partitions) {
      return partitions.map(({ topic, partition }): GroupOffset | undefined => {
        const row = sql.get<{ next_offset: number; metadata: string }>(FIND, group, partition, topic);
        return row && { topic, partition, offset: row.next_offset, metadata: row.metadata };
      });
    },
    async commit(group, offsets) {
      sql.transaction(() => {
        for (const { topic, partition, offset, metadata } of offsets) {
          sql.run(KEEP, group, offset, metadata, topic, partition);
        }
        const { n } = sql.get<{ n: number }>("SELECT count(*) AS n FROM log_group_offset")!;
        if (n > GROUP_OFFSETS_MAX)
          throw new LogError("refused", `The log keeps ${GROUP_OFFSETS_MAX} committed offsets`);
      });
    },
  };
}
