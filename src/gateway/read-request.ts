// The stateless read of many partitions in one request: its body, its waiting, its answer.
import { z } from "zod";
import { encodeBase64 } from "./base64.ts";
import { fairRead, type PartitionRead, type ReadFrom } from "./fair-read.ts";
import type { Content, Log, LogRecord } from "./log.ts";
import type { GatewayLimits } from "./options.ts";
import { errorBody, RestError } from "./rest-error.ts";

const BYTES_DEFAULT = 1024 * 1024;
const RECORDS_DEFAULT = 500;

const count = z.int().min(0);
const readBody = z.object({
  partitions: z.array(z.object({ topic: z.string(), partition: z.int(), offset: count })).min(1),
  timeout: count.default(0),
  max_bytes: count.default(BYTES_DEFAULT),
  max_records: z.int().min(1).default(RECORDS_DEFAULT),
});

/** A read as asked for, already held to the limits. */
export interface ReadRequest {
  readonly partitions: readonly ReadFrom[];
  readonly waitMs: number;
  readonly bytesMax: number;
  readonly recordsMax: number;
}

/** Parses a body. Throws RestError `invalid`, or `too_large` for too many partitions. */
export function parseRead(body: unknown, limits: GatewayLimits): ReadRequest {
  const parsed = readBody.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new RestError("invalid", `Invalid request format: ${issue!.path.join(".")}: ${issue!.message}`);
  }
  const { partitions, timeout, max_bytes, max_records } = parsed.data;
  if (partitions.length > limits.readPartitionsMax) {
    const message = `The request names ${partitions.length} partitions, at most ${limits.readPartitionsMax} may be named`;
    throw new RestError("too_large", message);
  }
  return {
    partitions,
    waitMs: Math.min(timeout, limits.waitMsMax),
    bytesMax: Math.min(max_bytes, limits.readBytesMax),
    recordsMax: Math.min(max_records, limits.readRecordsMax),
  };
}

/** Reads until there is a record, `waitMs` have passed or the signal aborts. `nextTurn` says which partition begins. */
export async function readMany(
  log: Log,
  request: ReadRequest,
  nextTurn: () => number,
  signal: AbortSignal | undefined,
): Promise<PartitionRead[]> {
  const until = performance.now() + request.waitMs;
  const topics = request.partitions.map((from) => from.topic);
  for (;;) {
    const since = log.mark();
    const reads = await fairRead(log, request.partitions, request, nextTurn());
    const waitMs = until - performance.now();
    const found = reads.some((read) => read !== undefined && read.records.length > 0);
    if (found || waitMs <= 0 || signal?.aborted === true) return reads;
    await log.waitForAppend({ since, topics, waitMs, signal });
  }
}

/** The entry of one partition in the answer. `topicId` is asked for partitions that the log knows. */
export function readEntry(from: ReadFrom, read: PartitionRead, topicId: string | undefined): object {
  const { topic, partition } = from;
  if (read === undefined) {
    return { topic, partition, ...errorBody("partition_unknown", `Partition ${topic}/${partition} not found`) };
  }
  return {
    topic,
    partition,
    topic_id: topicId,
    beginning_offset: read.begin,
    end_offset: read.end,
    records: read.records.map(recordEntry),
  };
}

function recordEntry(record: LogRecord): object {
  const entry = {
    offset: record.offset,
    key: base64OrNull(record.key),
    value: base64OrNull(record.value),
    timestamp: record.timestampMs,
  };
  if (record.headers.length === 0) return entry;
  return { ...entry, headers: record.headers.map(({ key, value }) => ({ key, value: base64OrNull(value) })) };
}

function base64OrNull(content: Content | null): string | null {
  return content === null ? null : encodeBase64(content);
}
