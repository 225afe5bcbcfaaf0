// Redpanda's HTTP proxy: READ IN SOURCE (src/v/pandaproxy: rest/handlers.cc, json/requests), never run here.
import { Hono } from "hono";
import { noFaults } from "./faults.ts";
import { type LogRecord, type NewRecord, proxyLog } from "./log.ts";
import { asJson, fromBase64, type V2Record } from "./v2.ts";

const BINARY = "application/vnd.kafka.binary.v2+json";
const BATCH_BYTES_MAX = 1_048_576;

/** A proxy with these topics. */
export function redpandaProxy(topics: Readonly<Record<string, number>>) {
  const log = proxyLog(topics);
  const faults = noFaults();
  const app = new Hono();
  const instances = new Map<string, { topics: string[]; positions: Map<string, number> }>();
  const error = (status: number, error_code: number, message: string): Response =>
    Response.json({ error_code, message }, { status });
  const shown = (topic: string, partition: number, { key, value, offset }: LogRecord) => ({
    topic,
    key: key?.toString("base64") ?? null,
    value: value?.toString("base64") ?? null,
    partition,
    offset,
  });
  const produceBatch = (topic: string, partition: number, batch: readonly NewRecord[]): object => {
    const refused = (error_code: number) => ({ partition, error_code, offset: -1 });
    const size = batch.reduce((sum, { key, value }) => sum + (key?.byteLength ?? 0) + (value?.byteLength ?? 0), 0);
    // Kafka's own codes: message too large, unknown topic or partition, request timed out.
    if (size > BATCH_BYTES_MAX) return refused(10);
    const [first] = batch.map((record) => log.append(topic, { ...record, partition }));
    if (first === undefined) return refused(3);
    return faults.expiresButWrites ? refused(7) : first;
  };
  app.notFound(() => error(404, 40401, "HTTP 404 Not Found"));
  app.get("/topics", () => Response.json(log.names()));
  app.get("/status/ready", () => new Response("", { status: 200 }));
  app.get("/brokers", () => Response.json({ brokers: [0] }));
  app.post("/topics/:topic", async (c) => {
    const topic = c.req.param("topic");
    const format = /vnd\.kafka\.(json|binary)\.v2/.exec(c.req.header("content-type") ?? "")?.[1];
    if (format === undefined) return error(415, 415, "HTTP 415 Unsupported Media Type");
    const body = (await c.req.json()) as { records: V2Record[] };
    const strange = body.records.some((record) =>
      Object.keys(record).some((name) => !["key", "value", "partition"].includes(name)),
    );
    const isNull = format === "binary" && body.records.some(({ value }) => value === null);
    if (strange || isNull) return error(422, 42203, "Invalid JSON");
    const of = (content: unknown) => (format === "json" ? asJson(content ?? null) : fromBase64(content));
    const records = body.records.map(({ partition, key, value }) => ({ partition, key: of(key), value: of(value) }));
    // Where it knows no topic, it takes the first partition.
    const batches = Map.groupBy(records, (record) => log.placeOf(topic, record) ?? 0);
    // One entry for each partition, as they come.
    const offsets = [...batches].reverse().map(([partition, batch]) => produceBatch(topic, partition, batch));
    return Response.json({ offsets });
  });
  app.get("/topics/:topic/partitions/:partition/records", async (c) => {
    const { topic } = c.req.param();
    const partition = Number(c.req.param("partition"));
    const [offset, timeout, bytesMax] = ["offset", "timeout", "max_bytes"].map((name) => Number(c.req.query(name)));
    if (c.req.header("accept") !== BINARY) return error(406, 40601, "HTTP 406 Not Acceptable");
    if ([offset, timeout, bytesMax].some(Number.isNaN)) return error(400, 40002, "Missing mandatory parameter");
    const ends = log.ends(topic, partition);
    if (ends === undefined) return error(404, 40402, "unknown_topic_or_partition");
    if (offset! > ends.end || offset! < ends.begin) return error(400, 40002, "offset_out_of_range");
    if (offset === ends.end) await log.appended(timeout!, c.req.raw.signal);
    const records: LogRecord[] = [];
    let bytes = 0;
    for (const record of log.from(topic, partition, offset!)) {
      // At least one, whatever its size; and whole batches, so that records before the offset may come as well.
      if (records.length > 0 && bytes >= bytesMax!) break;
      records.push(record);
      bytes += record.value?.byteLength ?? 0;
    }
    const before = log.from(topic, partition, Math.max(ends.begin, offset! - 1)).slice(0, 1);
    const whole = faults.repeats ? [...before, ...records] : records;
    return Response.json(whole.map((record) => shown(topic, partition, record)));
  });
  app.post("/consumers/:group", async (c) => {
    const body = (await c.req.json()) as Record<string, unknown>;
    if (body["auto.offset.reset"] !== "earliest" || body["auto.commit.enable"] !== "false") {
      return error(400, 40002, "only earliest and false are supported");
    }
    instances.set(`${c.req.param("group")}/${body.name}`, { topics: [], positions: new Map() });
    return Response.json({ instance_id: body.name, base_uri: "http://elsewhere.invalid/" });
  });
  const instanceOf = (group: string, name: string) => instances.get(`${group}/${name}`);
  app.post("/consumers/:group/instances/:name/subscription", async (c) => {
    const instance = instanceOf(c.req.param("group"), c.req.param("name"));
    if (instance === undefined) return error(404, 40403, "Consumer instance not found");
    instance.topics = (await c.req.json()).topics;
    return new Response(null, { status: 204 });
  });
  app.get("/consumers/:group/instances/:name/records", (c) => {
    const instance = instanceOf(c.req.param("group"), c.req.param("name"));
    if (instance === undefined) return error(404, 40403, "Consumer instance not found");
    const bytesMax = Number(c.req.query("max_bytes"));
    let bytes = 0;
    const entries: object[] = [];
    for (const topic of instance.topics) {
      for (let partition = 0; partition < (log.partitions(topic) ?? 0); partition++) {
        const name = `${topic}/${partition}`;
        for (const record of log.from(topic, partition, instance.positions.get(name) ?? 0)) {
          // At least one, whatever its size.
          if (entries.length > 0 && bytes >= bytesMax) break;
          bytes += record.value?.byteLength ?? 0;
          entries.push(shown(topic, partition, record));
          instance.positions.set(name, record.offset + 1);
        }
      }
    }
    return Response.json(entries);
  });
  app.post("/consumers/:group/instances/:name/offsets", async (c) => {
    const { partitions } = (await c.req.json()) as {
      partitions: { topic: string; partition: number; offset: number }[];
    };
    for (const { topic, partition, offset } of partitions) {
      log.committed.set(`${c.req.param("group")}/${topic}/${partition}`, offset);
    }
    return new Response(null, { status: 204 });
  });
  app.delete("/consumers/:group/instances/:name", (c) => {
    if (c.req.header("content-type") !== "application/vnd.kafka.v2+json") return error(415, 415, "content type");
    instances.delete(`${c.req.param("group")}/${c.req.param("name")}`);
    return new Response(null, { status: 204 });
  });
  return { app, log, faults, instances: () => instances.size };
}
