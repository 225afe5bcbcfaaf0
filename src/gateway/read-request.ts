// The stateless read of many partitions in one request: its body, its waiting, its answer.
import * as z from "zod";
import { encodeBase64 } from "./base64.ts";
import { fairRead } from "./fair-read.ts";
import { type JsonBytes, jsonBytes } from "./json-bytes.ts";
import {
  type Content,
  type Log,
  LogError,
  type LogRecord,
  type PartitionRead,
  type ReadFrom,
  type ReadRequest,
} from "./log.ts";
import type { GatewayLimits } from "./options.ts";
import { demandDistinct } from "./place-schema.ts";
import { errorBody, kindOf, RestError } from "./rest-error.ts";

const BYTES_DEFAULT = 1024 * 1024;
const RECORDS_DEFAULT = 500;

const count = z.int().min(0);
const readBody = z.object({
  partitions: z.array(z.object({ topic: z.string(), partition: z.int(), offset: count })).min(1),
  timeout: count.default(0),
  max_bytes: count.default(BYTES_DEFAULT),
  max_records: z.int().min(1).default(RECORDS_DEFAULT),
});

/** Parses a body and holds it to the limits. Throws RestError `invalid`, or `too_large` for too many partitions. */
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
  demandDistinct(partitions);
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
  if (log.readMany !== undefined) return log.readMany(request, nextTurn(), signal);
  const until = performance.now() + request.waitMs;
  const topics = request.partitions.map((from) => from.topic);
  for (;;) {
    const since = log.mark();
    const reads = await fairRead(log, request.partitions, request, nextTurn());
    const waitMs = until - performance.now();
    const found = reads.some((read) => read !== undefined && "records" in read && read.records.length > 0);
    if (found || waitMs <= 0 || signal?.aborted === true) return reads;
    await log.waitForAppend({ since, topics, waitMs, signal });
  }
}

/** The answer to a read. `topicIds` has the ids of the topics that the log knows. */
export function readAnswer(
  froms: readonly ReadFrom[],
  reads: readonly PartitionRead[],
  topicIds: ReadonlyMap<string, string | undefined>,
): Uint8Array<ArrayBuffer> | string {
  const json = jsonBytes(sizeOf(reads));
  json.ascii('{"partitions":[');
  for (const [i, from] of froms.entries()) {
    if (i > 0) json.ascii(",");
    writeEntry(json, from, reads[i], topicIds.get(from.topic));
  }
  json.ascii("]}");
  return json.body();
}

const ENTRY_BYTES = 200;
const RECORD_BYTES = 80;

/** About how many bytes the answer has: base64 of the contents, and what stands around them. */
function sizeOf(reads: readonly PartitionRead[]): number {
  let size = ENTRY_BYTES;
  for (const read of reads) {
    size += ENTRY_BYTES;
    if (read === undefined || read instanceof LogError) continue;
    for (const { bytes } of read.records) size += RECORD_BYTES + (bytes * 4) / 3;
  }
  return Math.ceil(size);
}

function writeEntry(json: JsonBytes, from: ReadFrom, read: PartitionRead, topicId: string | undefined): void {
  const { topic, partition } = from;
  if (read === undefined || read instanceof LogError) {
    const missing = errorBody("partition_unknown", `Partition ${topic}/${partition} not found`);
    const error = read === undefined ? missing : errorBody(kindOf(read), read.message);
    json.text(JSON.stringify({ topic, partition, ...error }));
    return;
  }
  const { begin: beginning_offset, end: end_offset, records } = read;
  const head = JSON.stringify({ topic, partition, topic_id: topicId, beginning_offset, end_offset });
  json.text(`${head.slice(0, -1)},"records":[`);
  for (const [i, record] of records.entries()) {
    if (i > 0) json.ascii(",");
    writeRecord(json, record);
  }
  json.ascii("]}");
}

/** Written by hand, since it runs for every record: numbers and base64 need no escapes. */
function writeRecord(json: JsonBytes, { offset, key, value, timestampMs, headers }: LogRecord): void {
  json.ascii(`{"offset":${offset},"key":${base64Json(key)},"value":${base64Json(value)},"timestamp":${timestampMs}`);
  if (headers.length > 0) json.text(`,"headers":${JSON.stringify(headerEntries(headers))}`);
  json.ascii("}");
}

function base64Json(content: Content | null): string {
  return content === null ? "null" : `"${encodeBase64(content)}"`;
}

/** Headers with base64 values. */
export function headerEntries(headers: LogRecord["headers"]): object[] {
  return headers.map(({ key, value }) => ({ key, value: base64OrNull(value) }));
}

/** Base64 of a content that may be absent. */
export function base64OrNull(content: Content | null): string | null {
  return content === null ? null : encodeBase64(content);
}
