// Confluent's REST Proxy, v2: READ IN SOURCE (KafkaConsumerManager, KafkaConsumerState, KafkaConsumerReadTask,
// AbstractProduceAction, Errors), never run here.
import { proxyLog } from "./log.ts";
import {
  asJson,
  fromBase64,
  type ProduceContext,
  sizeOf,
  takeAll,
  type V2Proxy,
  type V2Record,
  type V2Style,
  v2Proxy,
} from "./v2.ts";

const RECORD_BYTES_MAX = 1_048_576;
const error = (status: number, error_code: number, message: string) => ({ status, body: { error_code, message } });

const CONFLUENT: V2Style = {
  metaType: "application/vnd.kafka.v2+json",
  root: { status: 200, body: "{}" },
  hasAdmin: false,
  noTopic: () => error(404, 40401, "Topic not found."),
  noPartition: () => error(404, 40402, "Partition not found."),
  noInstance: () => error(404, 40403, "Consumer instance not found."),
  nameTaken: () =>
    error(409, 40902, "Consumer with specified consumer ID already exists in the specified consumer group."),
  notAssigned: () => error(409, 40903, "No current assignment for partition"),
  formatMismatch: () => error(406, 40601, "The requested embedded data format does not match the deserializer."),
  refuseCreate: (body) =>
    body["auto.commit.enable"] === undefined || typeof body["auto.commit.enable"] === "string"
      ? undefined
      : error(422, 422, "auto.commit.enable must be a text"),
  created: (origin, group, name) => ({
    instance_id: name,
    base_uri: `${origin}/consumers/${group}/instances/${name}`,
  }),
  produce,
  // What it has fetched stays queued; a record at its head that does not fit stops the read, for ever.
  take(instance, log, bytesMax) {
    instance.cache = [...(instance.cache ?? []), ...takeAll(instance, log)];
    const records: ReturnType<typeof takeAll> = [];
    let bytes = 0;
    while (instance.cache.length > 0 && bytes + sizeOf(instance.cache[0]!.record) < bytesMax) {
      const taken = instance.cache.shift()!;
      bytes += sizeOf(taken.record);
      records.push(taken);
    }
    return { records };
  },
  poison: (reason) => error(500, 50002, `Kafka error: ${reason}`),
  // An inference: the record is looked at before it is taken, so it stays at the head.
  keepPoison(instance, records) {
    instance.cache = [...records, ...(instance.cache ?? [])];
  },
  extra: () => ({}),
  commitStatus: 200,
  stored: (offset) => offset + 1,
};

/** Produces of the v2 resource. */
function produce({ log, faults, topic, partition, contentType, text }: ProduceContext) {
  const format = /^application\/vnd\.kafka\.(json|binary)\.v2\+json/.exec(contentType)?.[1];
  if (format === undefined) return error(415, 415, "HTTP 415 Unsupported Media Type");
  const { records = [] } = JSON.parse(text) as { records?: V2Record[] };
  if (log.partitions(topic) === undefined) return error(404, 40401, "Topic not found.");
  const none = { partition: null, offset: null };
  const offsets = records.map((record, i) => {
    const of = (value: unknown) => (format === "json" ? asJson(value ?? null) : fromBase64(value));
    const bytes = { key: of(record.key), value: of(record.value) };
    const size = (bytes.key?.byteLength ?? 0) + (bytes.value?.byteLength ?? 0);
    if (size > RECORD_BYTES_MAX) {
      return {
        ...none,
        error_code: 50002,
        error: `The message is ${size} bytes when serialized which is larger than ${RECORD_BYTES_MAX}, which is the value of the max.request.size configuration.`,
      };
    }
    if (faults.writesOnly !== undefined && i >= faults.writesOnly) {
      return { ...none, error_code: 50003, error: "Expiring 1 record(s)" };
    }
    const appended = log.append(topic, { partition: partition ?? record.partition, ...bytes });
    if (appended === undefined) return { ...none, error_code: 40402, error: "Partition not found." };
    if (faults.expiresButWrites) return { ...none, error_code: 50003, error: "Expiring 1 record(s)" };
    return { ...appended, error_code: null, error: null };
  });
  return { status: 200, body: { offsets, key_schema_id: null, value_schema_id: null } };
}

/** A proxy with these topics. */
export const confluentProxy = (topics: Readonly<Record<string, number>>): V2Proxy =>
  v2Proxy(CONFLUENT, proxyLog(topics));
