// What requests about consumer instances hold, in the v2 dialect.
import * as z from "zod";
import type { Format } from "../media-type.ts";
import { offset, place, topicName } from "../place-schema.ts";
import { RestError } from "../rest-error.ts";
import type { Reset, Seek, Subscription } from "./consumer.ts";

const NAME = /^[A-Za-z0-9._-]{1,249}$/;
const LIST_MAX = 1_000;

const name = z.string().regex(NAME, "has 1 to 249 of A-Z a-z 0-9 . _ -");
const places = z.array(place).max(LIST_MAX);
const bool = z.union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")]);
const count = z.union([
  z.int().min(0),
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number),
]);

const newConsumer = z.object({
  name: name.optional(),
  format: z.enum(["binary", "json"]).default("binary"),
  "auto.offset.reset": z.enum(["earliest", "latest"]).default("latest"),
  "auto.commit.enable": bool.default(true),
  /** The Strimzi bridge's spelling. */
  "enable.auto.commit": bool.optional(),
  "fetch.min.bytes": count.optional(),
  "consumer.request.timeout.ms": count.optional(),
});

const subscription = z.object({
  topics: z.array(topicName).max(LIST_MAX).optional(),
  topic_pattern: z.string().optional(),
});
const partitionList = z.object({ partitions: places });
const offsetList = z.object({
  offsets: z.array(place.extend({ offset, metadata: z.string().max(4_096).nullish() })).max(LIST_MAX),
});
const seekList = z.object({
  offsets: z.array(place.extend({ offset })).max(LIST_MAX).default([]),
  timestamps: z
    .array(place.extend({ timestamp: z.iso.datetime({ offset: true }) }))
    .max(LIST_MAX)
    .default([]),
});

/** A consumer instance to be made. */
export interface NewConsumer {
  readonly name: string | undefined;
  readonly format: Format;
  readonly reset: Reset;
  readonly autoCommit: boolean;
  readonly requestMs: number | undefined;
}

/** Throws RestError `consumer_config`. */
export function parseNewConsumer(body: unknown): NewConsumer {
  const fields = check(newConsumer, body, "consumer_config");
  return {
    name: fields.name,
    format: fields.format,
    reset: fields["auto.offset.reset"],
    autoCommit: fields["enable.auto.commit"] ?? fields["auto.commit.enable"],
    requestMs: fields["consumer.request.timeout.ms"],
  };
}

/** The name of a group or an instance, from a path. Throws RestError `consumer_config`. */
export function parseName(text: string): string {
  return check(name, text, "consumer_config");
}

/** Throws RestError `illegal_state` for both topics and a pattern, `invalid` for neither. */
export function parseSubscription(body: unknown): Subscription {
  const { topics, topic_pattern } = check(subscription, body);
  if (topics !== undefined && topic_pattern !== undefined) {
    throw new RestError("illegal_state", "Subscription to topics, partitions and pattern are mutually exclusive");
  }
  if (topics !== undefined) return { topics: [...new Set(topics)] };
  if (topic_pattern !== undefined) return { pattern: patternOf(topic_pattern), text: topic_pattern };
  throw new RestError("invalid", "Invalid request format: topics or topic_pattern is missing");
}

export const parsePartitions = (body: unknown) => check(partitionList, body).partitions;

/** Offsets to commit: a client names the last that it processed, a group keeps the next. */
export function parseCommit(body: unknown) {
  return check(offsetList, body).offsets.map(({ metadata, offset: last, ...at }) => {
    return { ...at, offset: last + 1, metadata: metadata ?? "" };
  });
}

export function parseSeeks(body: unknown): Seek[] {
  const { offsets, timestamps } = check(seekList, body);
  const timed = timestamps.map(({ timestamp, ...at }) => ({ ...at, timestampMs: Date.parse(timestamp) }));
  return [...offsets, ...timed];
}

/**
 * Patterns are names with `.*` for anything and `|` between alternatives: a regular expression of a client's own could
 * keep the process busy for ever.
 */
function patternOf(text: string): RegExp {
  if (!/^(?:[A-Za-z0-9_-]|\\\.|\.\*|\||\.)+$/.test(text) || text.length > 249 || text.split(".*").length > 4) {
    throw new RestError(
      "invalid",
      "A topic_pattern has letters, digits, _ - \\. and at most three .* and | between names",
    );
  }
  return new RegExp(`^(?:${text.replace(/\\\.|\.\*|\./g, (part) => (part === ".*" ? ".*" : "\\."))})$`);
}

function check<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  kind: "invalid" | "consumer_config" = "invalid",
): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new RestError(kind, `Invalid request format: ${issue!.path.join(".")} ${issue!.message}`.replace(/ {2}/, " "));
}
