// A Kafka REST gateway in the v2 dialect over any log, with a read of many partitions that keeps no state.
import { type Context, Hono } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { createRegistry } from "./consumers/registry.ts";
import { consumerRoutes } from "./consumers/routes.ts";
import { demandCredentials } from "./credentials.ts";
import { type Log, LogError, type LogTopic } from "./log.ts";
import { BINARY, checkAccept, checkJson, JSON_RECORDS, META, produceFormat } from "./media-type.ts";
import { GATEWAY_LIMITS, type GatewayLimits, type GatewayOptions } from "./options.ts";
import { produce } from "./produce.ts";
import { parseProduce } from "./produce-request.ts";
import { parseRead, readAnswer, readMany } from "./read-request.ts";
import { readJson } from "./request-body.ts";
import { errorBody, kindOf, REST_ERRORS, RestError, type RestErrorKind } from "./rest-error.ts";
import {
  BROKER_ID,
  configsOf,
  parseNewTopic,
  partitionEntries,
  partitionEntry,
  topicCount,
  topicEntry,
} from "./topic-entry.ts";
import { isUpstash, upstashError, upstashRoutes } from "./upstash/routes.ts";

/** What is acceptable where the answer holds no records. */
const META_TYPES = [META, JSON_RECORDS, BINARY, "application/json"];

/** The gateway as a Hono app: `app.fetch` serves it in process as well as over HTTP. The caller keeps and closes the log. */
export function createGateway(log: Log, options: GatewayOptions = {}): Hono {
  const limits: GatewayLimits = { ...GATEWAY_LIMITS, ...options };
  const app = new Hono();
  const fail = (c: Context, kind: RestErrorKind, message: string): Response =>
    isUpstash(c) ? upstashError(c, kind, message) : answer(c, errorBody(kind, message), REST_ERRORS[kind].status);
  const refuseMethod = (c: Context, methods: string[]): Response => {
    c.header("allow", methods.join(", "));
    return fail(c, "method_not_allowed", "HTTP 405 Method Not Allowed");
  };
  app.use(methodNotAllowed({ app, onMethodNotAllowed: refuseMethod }));
  app.notFound((c) => fail(c, "not_found", "HTTP 404 Not Found"));
  app.onError((error, c) => {
    if (error instanceof RestError) return fail(c, error.kind, error.message);
    if (error instanceof LogError) {
      if (error.kind !== "refused") options.onError?.(error);
      return fail(c, kindOf(error), error.message);
    }
    options.onError?.(error);
    return fail(c, "log_failed", "The log failed");
  });
  if (options.credentials !== undefined) app.use(demandCredentials(options.credentials));
  app.get("/health", async (c) => {
    try {
      await log.ping();
    } catch (error) {
      const reason = error instanceof LogError ? error.message : "The log cannot be reached";
      return fail(c, "log_unreachable", reason);
    }
    return answer(c, { status: "ok" });
  });
  const nowMs = options.nowMs ?? Date.now;
  const registry = createRegistry(log, limits);
  const upstash = upstashRoutes({ log, registry, limits, nowMs });
  app.route("/upstash", upstash);
  // Where both APIs have the same path, the one that the request speaks answers.
  app.on("GET", ["/topics", "/consumers"], (c, next) => (isUpstash(c) ? upstash.fetch(c.req.raw) : next()));
  metadataRoutes(app, log, limits, options);
  recordRoutes(app, log, limits, nowMs);
  consumerRoutes(app, log, registry, limits);
  app.route("/", upstash);
  return app;
}

function metadataRoutes(app: Hono, log: Log, limits: GatewayLimits, options: GatewayOptions): void {
  app.get("/brokers", async (c) => answer(c, { brokers: (await log.brokers?.()) ?? [BROKER_ID] }));
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
  // Many topics in one request, for callers whose requests are counted.
  app.get("/partitions", async (c) => {
    const names = new Set(c.req.queries("topic") ?? []);
    if (names.size > limits.readPartitionsMax) {
      throw new RestError(
        "too_large",
        `The request names ${names.size} topics, at most ${limits.readPartitionsMax} may be named`,
      );
    }
    // What is remembered of topics must not hide that nobody is there any more.
    const [topics] = await Promise.all([Promise.all([...names].map((name) => log.topic(name))), log.ping()]);
    return answer(c, { topics: topics.flatMap((topic) => (topic === undefined ? [] : [topicCount(topic)])) });
  });
  app.get("/topics/:topic", async (c) => {
    const topic = await topicOf(log, c.req.param("topic"));
    return answer(c, topicEntry(topic, (await log.topicConfigs?.(topic.name)) ?? configsOf(limits, options.retention)));
  });
  app.get("/topics/:topic/partitions", async (c) => {
    return answer(c, partitionEntries(await topicOf(log, c.req.param("topic"))));
  });
  app.get("/topics/:topic/partitions/:partition", async (c) => {
    const topic = await topicOf(log, c.req.param("topic"));
    return answer(c, partitionEntry(topic, partitionOf(topic, c.req.param("partition"))));
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
    const read = request.partitions.filter((_, i) => reads[i] !== undefined && !(reads[i] instanceof LogError));
    const ids = await topicIds(log, new Set(read.map(({ topic }) => topic)));
    return c.body(readAnswer(request.partitions, reads, ids), 200, { "content-type": BINARY });
  });
}

/** Ids of topics that were read. What is not known of one by now keeps no records back. */
async function topicIds(log: Log, names: ReadonlySet<string>): Promise<Map<string, string | undefined>> {
  const ids = new Map<string, string | undefined>();
  for (const name of names) {
    try {
      ids.set(name, (await log.topic(name))?.id);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
    }
  }
  return ids;
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

function answer(c: Context, body: object, status: ContentfulStatusCode = 200): Response {
  return c.body(JSON.stringify(body), status, { "content-type": META });
}
