// Appends the records of a produce request and answers what became of each.
import type { AppendRecord, Log, LogTopic } from "./log.ts";
import { faultEntry, REST_ERRORS, RestError } from "./rest-error.ts";

/** What became of one record. */
export type ProducedOffset = { readonly partition: number; readonly offset: number } | RecordError;

/** Why a record was not appended. */
export interface RecordError {
  readonly error_code: number;
  readonly error: string;
}

/** The answer to a produce request. */
export interface Produced {
  readonly key_schema_id: null;
  readonly offsets: readonly ProducedOffset[];
  readonly value_schema_id: null;
}

/** Appends what can be appended; a record that cannot be is an error entry at its place. */
export async function produce(
  log: Log,
  topic: LogTopic,
  records: readonly AppendRecord[],
  recordBytesMax: number,
): Promise<Produced> {
  const faults = records.map((record) => recordFault(record, topic, recordBytesMax));
  const accepted = records.filter((_, i) => faults[i] === undefined);
  const appended = await log.append(topic.name, accepted);
  if (appended === undefined) throw new RestError("topic_unknown", `Topic ${topic.name} not found`);
  let next = 0;
  const offsets = faults.map((fault): ProducedOffset => {
    if (fault !== undefined) return fault;
    const result = appended[next++]!;
    return "fault" in result ? faultEntry(result) : result;
  });
  return { key_schema_id: null, offsets, value_schema_id: null };
}

/** What refuses a record before the log is asked for anything. */
export function recordFault(record: AppendRecord, topic: LogTopic, bytesMax: number): RecordError | undefined {
  const { partition, bytes } = record;
  if (partition !== null && (partition < 0 || partition >= topic.partitions)) {
    const error = "This request is for a topic or partition that does not exist on this broker.";
    return { error_code: REST_ERRORS.partition_unknown.code, error };
  }
  if (bytes > bytesMax) {
    const error = `The message is ${bytes} bytes, which is larger than ${bytesMax}, the value of max.message.bytes.`;
    return { error_code: REST_ERRORS.too_large.code, error };
  }
  return undefined;
}
