// A Kafka REST gateway in the v2 dialect over any log, with a read of many partitions that keeps no state.
import { type Context, Hono } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Log, LogTopic } from "./log.ts";
import { BINARY, checkAccept, checkJson, JSON_RECORDS, META, produceFormat } from "./media-type.ts";
import { GATEWAY_LIMITS, type GatewayLimits, type GatewayOptions } from "./options.ts";
import { produce } from "./produce.ts";
import { parseProduce } from "./produce-request.ts";
import { parseRead, readEntry, readMany } from "./read-request.ts";
import { readJson } from "./request-body.ts";
import { errorBody, REST_ERRORS, RestError, type RestErrorKind } from "./rest-error.ts";
import { BROKER_ID, parseNewTopic, partitionEntries, partitionEntry, topicEntry } from "./topic-entry.ts";

/** What is acceptable where the answer holds no records. */
const META_TYPES = [META, JSON_RECORDS, BINARY, "application/json"];

/** The gateway as a Hono app: `app.fetch` serves it in process as well as over HTTP. The caller keeps and closes the log. */
export function createGateway(log: Log, options: GatewayOptions = {}): Hono {
  const limits: GatewayLimits = { ...GATEWAY_LIMITS, ...options };
  const app = new Hono();
  app.use(methodNotAllowed({ app, onMethodNotAllowed: refuseMethod }));
  app.notFound((c) => fail(c, "not_found", "HTTP 404 Not Found"));
  app.onError((error, c) => {
    if (error instanceof RestError) return fail(c, error.kind, error.message);
    options.onError?.(error);
    return fail(c, "log_failed", "The log failed");
  });
  app.get("/health", async (c) => {
    try {
      await log.topic("");
    } catch {
      return fail(c, "log_unreachable", "The log cannot be reached");
    }
    return answer(c, { status: "ok" });
  });
  metadataRoutes(app, log, limits, options);
  recordRoutes(app, log, limits, options.nowMs ?? Date.now);
  return app;
}

function metadataRoutes(app: Hono, log: Log, limits: GatewayLimits, options: GatewayOptions): void {
  app.get("/brokers", (c) => answer(c, { brokers: [BROKER_ID] }));
  app.get("/topics", async (c) =>
    answer(
      c,
      (await log.topics()).map((topic) => topic.name),
    ),
  );
  app.post("/admin/topics", async (c) => {
    checkJson(c.req.header("content-type"));
    const { name, partitions } = parseNewTopic(await readJson(c.req.raw, limits.bodyBytesMax), limits);
    const { created } = await log.createTopic(name, partitions).catch((error: unknown) => {
      throw error instanceof RangeError ? new RestError("invalid", error.message) : error;
    });
    if (!created) throw new RestError("topic_exists", `Topic '${name}' already exists.`);
    return answer(c, {}, 201);
  });
  app.get("/topics/:topic", async (c) => {
    return answer(c, topicEntry(await topicOf(log, c.req.param("topic")), limits, options.retention));
  });
  app.get("/topics/:topic/partitions", async (c) => {
    return answer(c, partitionEntries(await topicOf(log, c.req.param("topic"))));
  });
  app.get("/topics/:topic/partitions/:partition", async (c) => {
    const topic = await topicOf(log, c.req.param("topic"));
    return answer(c, partitionEntry(partitionOf(topic, c.req.param("partition"))));
  });
  app.get("/topics/:topic/partitions/:partition/offsets", async (c) => {
    const topic = await topicOf(log, c.req.param("topic"));
    const offsets = await log.offsets(topic.name, partitionOf(topic, c.req.param("partition")));
    return answer(c, { beginning_offset: offsets!.begin, end_offset: offsets!.end });
  });
}

function recordRoutes(app: Hono, log: Log, limits: GatewayLimits, nowMs: () => number): void {
  const append = async (c: Context, name: string, partitionText: string | undefined): Promise<Response> => {
    checkAccept(c.req.header("accept"), META_TYPES);
    const format = produceFormat(c.req.header("content-type"));
    const topic = await topicOf(log, name);
    const partition = partitionText === undefined ? null : partitionOf(topic, partitionText);
    const body = await readJson(c.req.raw, limits.bodyBytesMax);
    const context = { format, partition, recordsMax: limits.produceRecordsMax, nowMs: nowMs() };
    return answer(c, await produce(log, topic, parseProduce(body, context), limits.recordBytesMax));
  };
  app.post("/topics/:topic", (c) => append(c, c.req.param("topic"), undefined));
  app.post("/topics/:topic/partitions/:partition", (c) => append(c, c.req.param("topic"), c.req.param("partition")));

  let turn = 0;
  app.post("/partitions/records", async (c) => {
    checkAccept(c.req.header("accept"), [BINARY]);
    checkJson(c.req.header("content-type"));
    const request = parseRead(await readJson(c.req.raw, limits.bodyBytesMax), limits);
    const reads = await readMany(log, request, () => turn++, c.req.raw.signal);
    const ids = new Map<string, string | undefined>();
    for (const { topic } of request.partitions) if (!ids.has(topic)) ids.set(topic, (await log.topic(topic))?.id);
    const partitions = request.partitions.map((from, i) => readEntry(from, reads[i], ids.get(from.topic)));
    return answer(c, { partitions }, 200, BINARY);
  });
}

async function topicOf(log: Log, name: string): Promise<LogTopic> {
  const topic = await log.topic(name);
  if (topic === undefined) throw new RestError("topic_unknown", `Topic ${name} not found`);
  return topic;
}

function partitionOf(topic: LogTopic, text: string): number {
  const partition = /^\d{1,9}$/.test(text) ? Number(text) : topic.partitions;
  if (partition < topic.partitions) return partition;
  throw new RestError("partition_unknown", `Partition ${text} not found`);
}

function refuseMethod(c: Context, methods: string[]): Response {
  c.header("allow", methods.join(", "));
  return fail(c, "method_not_allowed", "HTTP 405 Method Not Allowed");
}

function answer(c: Context, body: object, status: ContentfulStatusCode = 200, type: string = META): Response {
  return c.body(JSON.stringify(body), status, { "content-type": type });
}

function fail(c: Context, kind: RestErrorKind, message: string): Response {
  return answer(c, errorBody(kind, message), REST_ERRORS[kind].status);
}
