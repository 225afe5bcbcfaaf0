// Producing in the v2 dialect: one request per topic and chunk, and what every answer says about every record.
import type { ProduceRecord, ProduceResult } from "../../ports/broker.ts";
import { textToBase64 } from "./base64.ts";
import { complaint, fieldsOf, isCount } from "./proxy-answer.ts";
import type { ProxyAnswer, ProxyRequest } from "./proxy-call.ts";

const CONTENT_TYPE = "application/vnd.kafka.binary.v2+json";
const ACCEPT = "application/vnd.kafka.v2+json";
/** JSON around one record's key and value. */
const RECORD_OVERHEAD_BYTES = 24;

/**
 * Error codes of a record that say it was refused before it was written: unknown topic or partition, too large, not
 * allowed; as HTTP statuses, as Confluent's codes, and as Kafka's own (Redpanda). Everything else may have been
 * written: Karapace says 1 for a record that expired, Confluent 50003 for anything that may be tried again.
 */
const REFUSED = new Set([401, 403, 404, 413, 422, 40101, 40301, 40401, 40402, 3, 10, 18, 29, 31]);
/** Our own gateway's code for what was definitely not written and may be tried again. */
const NOT_WRITTEN = 50301;

/** Bounds of one request. */
export interface ProduceBounds {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/** Part of a produce: the body's records and where their results belong. */
export interface Chunk {
  readonly indices: readonly number[];
  readonly body: string;
  /** The same records in two requests, in order. */
  halves(): readonly Chunk[];
}

/** How a dialect writes the body of a produce. */
export interface ProduceFormat {
  record(record: ProduceRecord): string;
  body(records: readonly string[]): string;
}

const REST_V2: ProduceFormat = {
  record: ({ key, value }) => `{"key":"${textToBase64(key)}","value":"${textToBase64(value)}"}`,
  // One join makes one flat text, where what `+` puts around it would be copied once more to be sent.
  body(records) {
    const parts = [...records];
    parts[0] = `{"records":[${parts[0]}`;
    parts[parts.length - 1] += "]}";
    return parts.join(",");
  },
};

/** Groups records by topic and cuts each group, in order, into bodies within the bounds; a larger record goes alone. */
export function chunksByTopic(
  records: readonly ProduceRecord[],
  bounds: ProduceBounds,
  format: ProduceFormat = REST_V2,
): Map<string, Chunk[]> {
  const byTopic = new Map<string, Chunk[]>();
  const open = new Map<string, { indices: number[]; parts: string[]; bytes: number }>();
  const close = (topic: string): void => {
    const { indices, parts } = open.get(topic)!;
    byTopic.get(topic)!.push(chunkOf(records, format, indices, parts));
    open.delete(topic);
  };
  for (const [index, record] of records.entries()) {
    const { topic } = record;
    const part = format.record(record);
    const bytes = part.length + RECORD_OVERHEAD_BYTES;
    if (!byTopic.has(topic)) byTopic.set(topic, []);
    const before = open.get(topic);
    if (before !== undefined && (before.parts.length >= bounds.recordsMax || before.bytes + bytes > bounds.bytesMax)) {
      close(topic);
    }
    const group = open.get(topic) ?? { indices: [], parts: [], bytes: 0 };
    open.set(topic, group);
    group.indices.push(index);
    group.parts.push(part);
    group.bytes += bytes;
  }
  for (const topic of [...open.keys()]) close(topic);
  return byTopic;
}

function chunkOf(
  records: readonly ProduceRecord[],
  format: ProduceFormat,
  indices: readonly number[],
  parts = indices.map((index) => format.record(records[index]!)),
): Chunk {
  return {
    indices,
    body: format.body(parts),
    halves() {
      const half = Math.ceil(indices.length / 2);
      return [indices.slice(0, half), indices.slice(half)].map((part) => chunkOf(records, format, part));
    },
  };
}

/**
 * Whether a request was larger than whoever stands before the proxy lets through: nothing of it was written, and that says
 * nothing of any one of its records.
 */
export function isTooLarge(answer: ProxyAnswer, count: number): boolean {
  return (
    count > 1 && answer.kind === "answered" && answer.status === 413 && !Array.isArray(fieldsOf(answer.body).offsets)
  );
}

/** The request that produces one chunk. */
export function produceRequest(topic: string, body: string, signal: AbortSignal | undefined): ProxyRequest {
  const path = `/topics/${encodeURIComponent(topic)}`;
  return { method: "POST", path, contentType: CONTENT_TYPE, accept: ACCEPT, body, signal };
}

/** Makes results of `count` records from the entries of an answer. */
export type EntryReader = (entries: readonly unknown[], count: number) => ProduceResult[];

/** One entry for each record, in their order; with another number nobody knows which belongs to which record. */
const byRecord: EntryReader = (entries, count) =>
  entries.length === count ? entries.map(entryResult) : otherNumber(entries, count);

/** What is known when an answer has more or fewer entries than it can have. */
export function otherNumber(entries: readonly unknown[], count: number): ProduceResult[] {
  const reason = `proxy answered ${entries.length} results for ${count} records`;
  return Array.from({ length: count }, () => ({ status: "unknown", reason }));
}

/** What an answer says about each of `count` records. */
export function produceResults(answer: ProxyAnswer, count: number, readEntries = byRecord): ProduceResult[] {
  const all = (status: "retryable" | "fatal" | "unknown", reason: string): ProduceResult[] =>
    Array.from({ length: count }, () => ({ status, reason }));
  if (answer.kind === "unsent") return all(answer.heal ? "retryable" : "fatal", answer.reason);
  if (answer.kind === "lost") return all("unknown", answer.reason);
  const { status, body } = answer;
  const refused = status >= 400 && status < 500 && status !== 408;
  const offsets = fieldsOf(body).offsets;
  // Karapace answers 422, Confluent 401 or 403, with the result of every record in the body.
  if (Array.isArray(offsets) && (refused || (status >= 200 && status < 300))) return readEntries(offsets, count);
  if (fieldsOf(body).error_code === NOT_WRITTEN) return all("retryable", `proxy answered ${status}${complaint(body)}`);
  if (!refused) return all("unknown", `proxy answered ${status}${complaint(body) || " without results"}`);
  return all(status === 429 ? "retryable" : "fatal", `proxy answered ${status}${complaint(body)}`);
}

/** What one entry says. */
export function entryResult(entry: unknown): ProduceResult {
  const { partition, offset, error_code, error, message } = fieldsOf(entry);
  if (error_code === null || error_code === undefined) {
    if (isCount(partition) && isCount(offset)) return { status: "ok", partition, offset };
    return { status: "unknown", reason: "proxy answered no offset for the record" };
  }
  const said = error ?? message;
  const reason = `proxy answered ${String(error_code)} for the record${complaint({ message: said })}`;
  if (error_code === NOT_WRITTEN) return { status: "retryable", reason };
  if (REFUSED.has(error_code as number)) return { status: "fatal", reason };
  return { status: typeof said === "string" ? statusSaid(said) : "unknown", reason };
}

/** Sentences of Kafka's own clients that say, under whatever code, that a record was refused before it was written. */
const REFUSALS: readonly RegExp[] = [
  /^The message is \d+ bytes when serialized which is larger than /,
  /larger than the max message size the server will accept/,
  /^Invalid topics: /,
  /^Not authorized to access topics: /,
];
/** The client had no partition to send the record to, so it sent nothing; the topic may be there later. */
const NOT_SENT = /^Topic \S+ not present in metadata after \d+ ms/;

/** What the words of an error say about its record; anything else may have been written. */
export function statusSaid(message: string): "fatal" | "retryable" | "unknown" {
  if (REFUSALS.some((refusal) => refusal.test(message))) return "fatal";
  return NOT_SENT.test(message) ? "retryable" : "unknown";
}
