// Strimzi's bridge 1.0.0 as transcripts of it show: every answer here was seen, unless its comment says otherwise.
import { proxyLog } from "./log.ts";
import {
  asJson,
  fromBase64,
  NO_ANSWER,
  type ProduceContext,
  sizeOf,
  takeAll,
  type V2Record,
  type V2Style,
  v2Proxy,
} from "./v2.ts";

const META = "application/vnd.kafka.v2+json";
const UNKNOWN =
  "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host this topic-partition.";
const REQUEST_BYTES_MAX = 1_048_576;
const RECORD_OVERHEAD_BYTES = 88;
const error = (status: number, message: string, more: object = {}) => ({
  status,
  body: { error_code: status, message, ...more },
});
const schemaError = (...validation_errors: string[]) =>
  error(400, "Validation error on: Schema validation error", { validation_errors });

const STRIMZI: V2Style = {
  metaType: META,
  root: { status: 200, body: '{"bridge_version":"1.0.0"}' },
  hasAdmin: true,
  noTopic: () => error(404, UNKNOWN),
  noPartition: () => error(404, UNKNOWN),
  noInstance: () => error(404, "The specified consumer instance was not found."),
  nameTaken: () => error(409, "A consumer instance with the specified name already exists in the Kafka Bridge."),
  notAssigned: (topic, partition) => error(404, `No current assignment for partition ${topic}-${partition}`),
  formatMismatch: () =>
    error(406, "Consumer format does not match the embedded format requested by the Accept header."),
  refuseCreate(body) {
    const known = new Set([
      ...["name", "format", "auto.offset.reset", "enable.auto.commit", "fetch.min.bytes"],
      ...["consumer.request.timeout.ms", "isolation.level"],
    ]);
    const stranger = Object.keys(body).find((name) => !known.has(name));
    if (stranger !== undefined) {
      return schemaError(`Property "${stranger}" does not match additional properties schema`);
    }
    const commits = body["enable.auto.commit"];
    if (commits === undefined || typeof commits === "boolean") return undefined;
    return schemaError(
      'Property "enable.auto.commit" does not match schema',
      "Instance type string is invalid. Expected boolean",
    );
  },
  created: (origin, group, name) => ({
    instance_id: name,
    base_uri: `${origin}/consumers/${group}/instances/${name}`,
  }),
  produce,
  take(instance, log, bytesMax) {
    const records = takeAll(instance, log);
    const bytes = records.reduce((sum, { record }) => sum + sizeOf(record), 0);
    if (bytes <= bytesMax) return { records };
    return { records, refusal: error(422, "Response exceeds the maximum number of bytes the consumer can receive") };
  },
  poison: (reason) => error(406, `Failed to decode:${reason}`),
  extra: ({ timestamp, headers }) => ({ timestamp, ...(headers.length > 0 && { headers }) }),
  commitStatus: 204,
  stored: (offset) => offset,
  refuseCommit: (body) =>
    (body as { offsets?: object[] } | undefined)?.offsets?.some((entry) => "metadata" in entry) === true
      ? schemaError('Property "offsets" does not match schema')
      : undefined,
};

function produce({ log, faults, topic, partition, contentType, text }: ProduceContext) {
  const format = /^application\/vnd\.kafka\.(json|binary|text)\.v2\+json$/.exec(contentType)?.[1];
  if (format === undefined) return error(400, "Validation error on: The format of the request body is not supported");
  let body: { records?: V2Record[] };
  try {
    body = JSON.parse(text);
  } catch {
    return error(400, "Validation error on: The request body can't be decoded");
  }
  const stranger = Object.keys(body).find((name) => name !== "records");
  if (stranger !== undefined) return schemaError(`Property "${stranger}" does not match additional properties schema`);
  const records = body.records ?? [];
  if (records.some(({ value }) => typeof value === "number" || typeof value === "boolean")) {
    return schemaError('Property "records" does not match schema');
  }
  const partitions = log.partitions(topic);
  // The client waits for the partition to appear; nobody saw how long.
  if (partitions !== undefined && records.some((record) => (record.partition ?? 0) >= partitions)) {
    return { status: NO_ANSWER, body: "" };
  }
  const offsets = records.map((record, i) => {
    if (!/^[A-Za-z0-9._-]+$/.test(topic)) return { error_code: 500, message: `Invalid topics: [${topic}]` };
    const { key, value, headers, timestamp } = record;
    const bytes = { key: bytesOf(key, format), value: bytesOf(value, format) };
    const size = (bytes.key?.byteLength ?? 0) + (bytes.value?.byteLength ?? 0) + RECORD_OVERHEAD_BYTES;
    if (size > REQUEST_BYTES_MAX) {
      const message = `The message is ${size} bytes when serialized which is larger than ${REQUEST_BYTES_MAX}, which is the value of the max.request.size configuration.`;
      return { error_code: 500, message };
    }
    // Read in source: with auto-creation off the client gives up looking for the topic, and the bridge says 404.
    if (log.partitions(topic) === undefined) {
      return { error_code: 404, message: `Topic ${topic} not present in metadata after 60000 ms.` };
    }
    if (faults.writesOnly !== undefined && i >= faults.writesOnly) {
      return {
        error_code: 500,
        message: `Expiring 1 record(s) for ${topic}-0:120000 ms has passed since batch creation`,
      };
    }
    const appended = log.append(topic, { partition: partition ?? record.partition, ...bytes, headers, timestamp });
    if (appended === undefined) return { error_code: 500, message: "no such partition" };
    if (faults.expiresButWrites) {
      return {
        error_code: 500,
        message: `Expiring 1 record(s) for ${topic}-0:120000 ms has passed since batch creation`,
      };
    }
    return appended;
  });
  return { status: 200, body: { offsets } };
}

function bytesOf(value: unknown, format: string): Buffer | null {
  if (value === undefined || value === null) return format === "json" && value === null ? asJson(null) : null;
  if (format === "json") return asJson(value);
  return format === "text" ? Buffer.from(String(value)) : fromBase64(value);
}

/** A bridge with these topics. */
export const strimziProxy = (topics: Readonly<Record<string, number>>) => v2Proxy(STRIMZI, proxyLog(topics));
