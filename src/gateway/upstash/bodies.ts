// What requests of the Upstash REST API hold, and records as it answers them: keys and values are texts.
import * as z from "zod";
import { toBytes, utf8Length } from "../base64.ts";
import type { Delivered, Reset } from "../consumers/consumer.ts";
import type { AppendRecord, Content, LogHeader } from "../log.ts";
import { demandDistinct, offset, place, topicName } from "../place-schema.ts";
import { RestError } from "../rest-error.ts";

const LIST_MAX = 1_000;
const HEADERS_MAX = 256;

const placeWithOffset = place.extend({ offset });
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const message = z.object({
  topic: z.string().optional(),
  /** A string as it is, anything else as JSON. */
  value: z.unknown(),
  key: text.nullish(),
  partition: z.int().min(0).nullish(),
  timestamp: z.int().min(0).nullish(),
  headers: z
    .array(z.object({ key: z.string(), value: z.string().nullish() }))
    .max(HEADERS_MAX)
    .nullish(),
});
const consume = z.object({
  topic: topicName.optional(),
  topics: z.array(topicName).max(LIST_MAX).optional(),
  timeout: z.int().min(0).optional(),
});
const fetch = z.object({
  topic: z.string().optional(),
  partition: z.int().min(0).optional(),
  offset: z.int().min(0).optional(),
  topicPartitionOffsets: z.array(placeWithOffset).max(LIST_MAX).default([]),
  timeout: z.int().min(0).optional(),
});

/** A record to produce, and where to. */
export interface Message {
  readonly topic: string;
  readonly record: AppendRecord;
}

/** One message or an array of them; `topic` is the path's. Throws RestError `invalid`. */
export function parseMessages(body: unknown, topic: string | undefined, nowMs: number): Message[] {
  const list = check(z.array(message), Array.isArray(body) ? body : [body]);
  return list.map((each) => {
    const name = topic ?? each.topic;
    if (name === undefined) throw new RestError("invalid", "A message has no topic");
    return { topic: name, record: recordOf(each, nowMs) };
  });
}

/** A record of a text and a key from a path. */
export function recordOf(
  { value, key, partition, timestamp, headers }: Omit<z.infer<typeof message>, "topic">,
  nowMs: number,
): AppendRecord {
  const content = value === null || value === undefined ? null : typeof value === "string" ? value : jsonOf(value);
  const list = (headers ?? []).map((header): LogHeader => ({ key: header.key, value: header.value ?? null }));
  const headerBytes = list.reduce(
    (sum, header) => sum + utf8Length(header.key) + utf8Length(String(header.value ?? "")),
    0,
  );
  return {
    key: key ?? null,
    value: content,
    partition: partition ?? null,
    timestampMs: timestamp ?? nowMs,
    headers: list,
    bytes: utf8Length(key ?? "") + utf8Length(content ?? "") + headerBytes,
  };
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    throw new RestError("invalid", "A value is nested too deeply");
  }
}

/** Topics to consume and how long to wait for a record. */
export function parseConsume(body: unknown): { readonly topics: string[]; readonly timeoutMs: number | undefined } {
  const { topic, topics = [], timeout } = check(consume, body);
  const names = [...new Set([...(topic === undefined ? [] : [topic]), ...topics])];
  if (names.length === 0) throw new RestError("invalid", "topic or topics is missing");
  return { topics: names, timeoutMs: timeout };
}

/** Places to read from. */
export function parseFetch(body: unknown) {
  const { topic, partition, offset, topicPartitionOffsets, timeout } = check(fetch, body);
  const single =
    topic !== undefined && partition !== undefined && offset !== undefined ? [{ topic, partition, offset }] : [];
  if (single.length === 0 && (topic !== undefined || topicPartitionOffsets.length === 0)) {
    throw new RestError("invalid", "topic, partition and offset are needed, or topicPartitionOffsets");
  }
  const froms = [...topicPartitionOffsets, ...single];
  demandDistinct(froms);
  return { froms, timeoutMs: timeout };
}

/** One offset or an array: the last that was consumed; what is kept is the next. */
export function parseOffsets(body: unknown) {
  const list = check(z.array(placeWithOffset.loose()).max(LIST_MAX), Array.isArray(body) ? body : [body]);
  return list.map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1, metadata: "" }));
}

export const parsePlaces = (body: unknown) => check(z.array(place).max(LIST_MAX), body);

/** How an instance consumes, from the `Kafka-*` headers; the API's own defaults are auto-commit every 5 s and latest. */
export function parseSettings(header: (name: string) => string | undefined): {
  readonly autoCommitMs: number | undefined;
  readonly reset: Reset;
} {
  const isOn = (header("kafka-enable-auto-commit") ?? "true").toLowerCase() !== "false";
  const interval = Number(header("kafka-auto-commit-interval") ?? 5_000);
  const reset = (header("kafka-auto-offset-reset") ?? "latest").toLowerCase();
  if (!Number.isSafeInteger(interval) || interval < 0) {
    throw new RestError("invalid", "Kafka-Auto-Commit-Interval is not in milliseconds");
  }
  if (reset !== "earliest" && reset !== "latest") {
    throw new RestError("invalid", 'Kafka-Auto-Offset-Reset must be earliest or latest; "none" is not supported');
  }
  return { autoCommitMs: isOn ? interval : undefined, reset };
}

const decoder = new TextDecoder();
const textOf = (content: Content | null): string | null =>
  content === null || typeof content === "string" ? content : decoder.decode(toBytes(content));

/** A record as the API answers it. Bytes that are no UTF-8 are lost in a text: binary topics are read in the v2 dialect. */
export function messageEntry({ topic, partition, record }: Delivered): object {
  const { offset, timestampMs, key, value, headers } = record;
  return {
    topic,
    partition,
    offset,
    timestamp: timestampMs,
    key: textOf(key) ?? "",
    value: textOf(value),
    headers: headers.map((header) => ({ key: header.key, value: textOf(header.value) ?? "" })),
  };
}

function check<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new RestError("invalid", `Invalid request: ${issue!.path.join(".")} ${issue!.message}`.replace(/ {2}/, " "));
}
