// Karapace 5.0.3 as transcripts of it show: every answer here was seen, unless its comment says otherwise.
import { proxyLog } from "./log.ts";
import {
  asJson,
  fromBase64,
  type ProduceContext,
  sizeOf,
  takeAll,
  type V2Record,
  type V2Style,
  v2Proxy,
} from "./v2.ts";

const BODY_BYTES_MAX = 1_048_576;
const error = (status: number, error_code: number, message: string) => ({ status, body: { error_code, message } });
const RECORD_FIELDS = new Set(["key", "value", "partition"]);

const KARAPACE: V2Style = {
  metaType: "application/vnd.kafka.json.v2+json",
  root: { status: 200, body: "{}" },
  hasAdmin: false,
  noTopic: (topic) => error(404, 40401, `Topic ${topic} not found`),
  noPartition: (_, partition) => error(404, 40402, `Partition ${partition} not found`),
  noInstance: (group, name) => error(404, 40403, `Consumer for ('${group}', '${name}') not found among []`),
  nameTaken: (name) => error(409, 40902, `Consumer ${name} already exists`),
  notAssigned: () => error(409, 40903, "Illegal state: not assigned"),
  formatMismatch: (format, accepted) => {
    const asked = /vnd\.kafka\.(\w+)\.v2/.exec(accepted)?.[1] ?? "none";
    return error(406, 40601, `Consumer format ${format} does not match the embedded format ${asked}`);
  },
  refuseCreate: () => undefined,
  created: (_, group, name) => ({ base_uri: `consumers/${group}/instances/${name}`, instance_id: name }),
  produce,
  take(instance, log, bytesMax) {
    const before = new Map(instance.positions);
    const records: ReturnType<typeof takeAll> = [];
    let bytes = 0;
    for (const taken of takeAll(instance, log)) {
      if (bytes >= bytesMax) break;
      records.push(taken);
      bytes += sizeOf(taken.record);
    }
    for (const [name, position] of before) instance.positions.set(name, position);
    for (const { topic, partition, record } of records) {
      instance.positions.set(`${topic}/${partition}`, record.offset + 1);
    }
    return { records };
  },
  poison: (reason) => error(422, 422, `key deserialization error for format json: ${reason}`),
  extra: ({ timestamp }) => ({ timestamp }),
  commitStatus: 204,
  stored: (offset) => offset + 1,
  refuseCommit: (body) => (body === undefined ? { status: 400, body: "Missing request JSON body" } : undefined),
};

function produce({ log, faults, topic, partition, contentType, text }: ProduceContext) {
  if (text.length > BODY_BYTES_MAX) return error(413, 413, "HTTP Request Entity Too Large");
  const format = /^application\/(?:vnd\.kafka\.(json|binary|text)\.v2\+)?json$/.exec(contentType)?.[1] ?? "binary";
  if (format === "text") return error(415, 415, "HTTP 415 Unsupported Media Type");
  let body: { records?: V2Record[] };
  try {
    body = JSON.parse(text);
  } catch {
    return { status: 400, body: "Invalid request JSON body" };
  }
  const { records = [] } = body;
  const strange = records.some((record) => Object.keys(record).some((name) => !RECORD_FIELDS.has(name)));
  if (records.length === 0 || strange) return error(422, 422, "Invalid request format");
  if (log.partitions(topic) === undefined) return error(404, 40401, `Topic ${topic} not found`);
  const bad = records.find(({ value }) => format === "binary" && value != null && typeof value !== "string");
  if (bad !== undefined) return error(400, 400, `data=${String(bad.value)}  is not a base64 string.`);
  const offsets = records.map((record, i) => {
    if (faults.writesOnly !== undefined && i >= faults.writesOnly) {
      return { error: "Local: Message timed out", error_code: 1 };
    }
    const bytes = { key: bytesOf(record.key, format), value: bytesOf(record.value, format) };
    const appended = log.append(topic, { partition: partition ?? record.partition, ...bytes });
    if (appended === undefined) {
      return {
        error: "This request is for a topic or partition that does not exist on this broker.",
        error_code: 2,
      };
    }
    if (faults.expiresButWrites) return { error: "Local: Message timed out", error_code: 1 };
    return { offset: appended.offset, partition: appended.partition };
  });
  const status = offsets.some((entry) => "error" in entry) ? 422 : 200;
  return { status, body: { key_schema_id: null, offsets, value_schema_id: null } };
}

/** Falsy JSON becomes empty bytes, which read back as null (read in source: `serialize`). */
function bytesOf(value: unknown, format: string): Buffer | null {
  if (value === undefined) return null;
  if (format === "binary") return value === null ? Buffer.alloc(0) : fromBase64(value);
  const isFalsy = !value || (typeof value === "object" && Object.keys(value).length === 0);
  return isFalsy ? Buffer.alloc(0) : asJson(value);
}

/** A proxy with these topics. */
export function karapaceProxy(topics: Readonly<Record<string, number>>) {
  const proxy = v2Proxy(KARAPACE, proxyLog(topics));
  // Read in source.
  proxy.app.get("/_health", () => Response.json({ process_uptime_sec: 7 }));
  return proxy;
}
