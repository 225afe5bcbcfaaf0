// The Upstash REST API, so that programs written with `@upstash/kafka` for the retired service run on any log. All of
// it lies below `/upstash`, and below `/` as well where the v2 dialect has nothing of that name. Paths, bodies and
// answers are those that version 1.3.5 of the package sends and declares.
import { type Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Consumer, Delivered } from "../consumers/consumer.ts";
import type { Registry } from "../consumers/registry.ts";
import { type AppendRecord, type Log, LogError, type TopicPartition } from "../log.ts";
import type { GatewayLimits } from "../options.ts";
import { readMany } from "../read-request.ts";
import { readJson, readOptionalJson } from "../request-body.ts";
import { REST_ERRORS, RestError, type RestErrorKind } from "../rest-error.ts";
import {
  type Message,
  messageEntry,
  parseConsume,
  parseFetch,
  parseMessages,
  parseOffsets,
  parsePlaces,
  parseSettings,
  recordOf,
} from "./bodies.ts";
import { appendAll } from "./produce.ts";

const TIMEOUT_MS_DEFAULT = 1_000;
const BYTES_MAX = 4 * 1024 * 1024;
const RECORDS_MAX = 1_000;
const SUCCESS = { result: "Success", status: 200 };

/** Paths that only this API has. `GET /topics` and `/consumers/…` belong to the v2 dialect. */
const OWN = /^\/(upstash|produce|consume|commit|committed|fetch|offsets|delete-consumer)(\/|$)/;

/** Whether a request speaks this API: by its path, or as the package asks for topics and consumers, with a JSON type. */
export function isUpstash(c: Context): boolean {
  if (OWN.test(c.req.path)) return true;
  if (c.req.method !== "GET" || (c.req.path !== "/topics" && c.req.path !== "/consumers")) return false;
  const accept = c.req.header("accept") ?? "";
  return c.req.header("content-type") === "application/json" && !accept.includes("application/vnd.kafka");
}

/** An error as the API answers it; the package reads the status from the body. */
export function upstashError(c: Context, kind: RestErrorKind, message: string): Response {
  const { status } = REST_ERRORS[kind];
  return c.json({ result: "Error", error: message, status }, status as ContentfulStatusCode);
}

/** What the API stands on. */
export interface UpstashDeps {
  readonly log: Log;
  readonly registry: Registry;
  readonly limits: GatewayLimits;
  readonly nowMs: () => number;
}

/** The routes, to be mounted below `/` and `/upstash`. */
export function upstashRoutes(deps: UpstashDeps): Hono {
  const app = new Hono();
  // Whoever mounts the routes answers their errors.
  app.onError((error) => {
    throw error;
  });
  produceRoutes(app, deps);
  consumeRoutes(app, deps);
  lookRoutes(app, deps);
  return app;
}

function produceRoutes(app: Hono, { log, limits, nowMs }: UpstashDeps): void {
  const append = (messages: readonly Message[]) => appendAll(log, limits, messages);
  app.post("/produce", async (c) => c.json(await append(await messagesOf(c, undefined))));
  app.post("/produce/:topic", async (c) => c.json(await append(await messagesOf(c, c.req.param("topic")))));
  const single = async (c: Context): Promise<Response> => {
    const { topic, message } = c.req.param() as { topic: string; message: string };
    const record: AppendRecord = recordOf({ value: message, key: c.req.query("key") }, nowMs());
    return c.json((await append([{ topic, record }]))[0]!);
  };
  app.get("/produce/:topic/:message{.+}", single);
  app.post("/produce/:topic/:message{.+}", single);

  const messagesOf = async (c: Context, topic: string | undefined): Promise<Message[]> =>
    parseMessages(await readJson(c.req.raw, limits.bodyBytesMax), topic, nowMs());
}

function consumeRoutes(app: Hono, { log, registry, limits }: UpstashDeps): void {
  const waitOf = (timeoutMs: number | undefined): number => Math.min(timeoutMs ?? TIMEOUT_MS_DEFAULT, limits.waitMsMax);
  const existing = (c: Context): Consumer => {
    const { group, instance } = c.req.param() as { group: string; instance: string };
    const consumer = registry.find(group, instance);
    if (consumer !== undefined) return consumer;
    throw new RestError("consumer_unknown", `Consumer instance ${instance} of group ${group} not found`);
  };

  app.post("/consume/:group/:instance", async (c) => {
    const { group, instance } = c.req.param();
    const { topics, timeoutMs } = parseConsume(await readJson(c.req.raw, limits.bodyBytesMax));
    const settings = parseSettings((name) => c.req.header(name));
    const consumer = registry.find(group, instance) ?? registry.create(group, { name: instance, ...settings });
    if (!isSubscribed(consumer, topics)) await consumer.subscribe({ topics });
    const budget = {
      waitMs: waitOf(timeoutMs),
      bytesMax: BYTES_MAX,
      recordsMax: RECORDS_MAX,
      signal: c.req.raw.signal,
    };
    const delivered = await consumer.poll(budget);
    consumer.lastUsedMs = performance.now();
    return c.json(delivered.map(messageEntry));
  });
  app.post("/commit/:group/:instance", async (c) => {
    const body = await readOptionalJson(c.req.raw, limits.bodyBytesMax);
    if (body === undefined) await existing(c).commit();
    else {
      const { group, instance } = c.req.param();
      const offsets = parseOffsets(body);
      // Offsets belong to the group: they can be committed though the instance is gone.
      const consumer = registry.find(group, instance);
      if (consumer === undefined) await log.commit(group, offsets);
      else await consumer.commit(offsets);
    }
    return c.json(SUCCESS);
  });
  app.post("/committed/:group/:instance", async (c) => {
    const places = parsePlaces(await readJson(c.req.raw, limits.bodyBytesMax));
    const committed = await log.committed(c.req.param("group"), places);
    const kept = committed.filter((offset) => offset !== undefined);
    return c.json(kept.map(({ topic, partition, offset }) => ({ topic, partition, offset })));
  });
  app.post("/delete-consumer/:group/:instance", async (c) => {
    existing(c);
    await registry.remove(c.req.param("group"), c.req.param("instance"));
    return c.json(SUCCESS);
  });
  let turn = 0;
  app.post("/fetch", async (c) => {
    const { froms, timeoutMs } = parseFetch(await readJson(c.req.raw, limits.bodyBytesMax));
    for (const from of froms) await demandPlace(log, from);
    const request = { partitions: froms, waitMs: waitOf(timeoutMs), bytesMax: BYTES_MAX, recordsMax: RECORDS_MAX };
    const reads = await readMany(log, request, () => turn++, c.req.raw.signal);
    const found: Delivered[] = [];
    for (const [i, read] of reads.entries()) {
      if (read instanceof LogError) throw read;
      for (const record of read?.records ?? []) found.push({ ...froms[i]!, record });
    }
    return c.json(found.map(messageEntry));
  });
}

function lookRoutes(app: Hono, { log, registry, limits }: UpstashDeps): void {
  app.get("/topics", async (c) => {
    return c.json(Object.fromEntries((await log.topics()).map(({ name, partitions }) => [name, partitions])));
  });
  app.get("/consumers", (c) =>
    c.json(
      registry.groups().map(({ name, consumers }) => ({
        name,
        instances: [...consumers.values()].map((consumer) => ({
          name: consumer.options.name,
          topics: [...Map.groupBy(consumer.partitions(), ({ topic }) => topic)].map(([topic, places]) => ({
            topic,
            partitions: places.map(({ partition }) => partition),
          })),
        })),
      })),
    ),
  );
  app.post("/offsets/:when", async (c) => {
    const when = c.req.param("when");
    if (!/^(earliest|latest|\d{1,15})$/.test(when)) {
      throw new RestError("invalid", "Offsets are asked for at earliest, latest or a timestamp in milliseconds");
    }
    const places = parsePlaces(await readJson(c.req.raw, limits.bodyBytesMax));
    const offsets = await Promise.all(
      places.map(async (place) => {
        await demandPlace(log, place);
        const { topic, partition } = place;
        if (/^\d/.test(when)) return { topic, partition, offset: await log.offsetAt(topic, partition, Number(when)) };
        const ends = (await log.offsets(topic, partition))!;
        return { topic, partition, offset: when === "earliest" ? ends.begin : ends.end };
      }),
    );
    return c.json(offsets);
  });
}

async function demandPlace(log: Log, { topic, partition }: TopicPartition): Promise<void> {
  const found = await log.topic(topic);
  if (found === undefined) throw new RestError("topic_unknown", `Topic ${topic} not found`);
  if (partition >= found.partitions)
    throw new RestError("partition_unknown", `Partition ${topic}/${partition} not found`);
}

function isSubscribed({ subscription }: Consumer, topics: readonly string[]): boolean {
  if (subscription === undefined || !("topics" in subscription)) return false;
  return subscription.topics.length === topics.length && topics.every((topic) => subscription.topics.includes(topic));
}
