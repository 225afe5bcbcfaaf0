// Consumer instances over HTTP, in the v2 dialect: made, subscribed or assigned, read, committed and deleted by
// requests. An instance lives in this process alone.
import type { Context, Hono } from "hono";
import type { Log, TopicPartition } from "../log.ts";
import { BINARY, checkAccept, checkJson, type Format, JSON_RECORDS, META } from "../media-type.ts";
import type { GatewayLimits } from "../options.ts";
import { readJson, readOptionalJson } from "../request-body.ts";
import { RestError } from "../rest-error.ts";
import { parseCommit, parseName, parseNewConsumer, parsePartitions, parseSeeks, parseSubscription } from "./bodies.ts";
import type { Consumer, Delivered } from "./consumer.ts";
import { recordEntry } from "./records.ts";
import type { Registry } from "./registry.ts";

const AUTO_COMMIT_MS = 5_000;
const REQUEST_MS_DEFAULT = 1_000;
const BYTES_DEFAULT = 1024 * 1024;
const INSTANCE = "/consumers/:group/instances/:instance";
const FORMATS: Readonly<Record<Format, string>> = { binary: BINARY, json: JSON_RECORDS };

/** What the dialect adds to an instance. */
interface Settings {
  readonly format: Format;
  readonly requestMs: number;
}

/** Adds the routes of consumer instances. */
export function consumerRoutes(app: Hono, log: Log, registry: Registry, limits: GatewayLimits): void {
  const settings = new WeakMap<Consumer, Settings>();
  const bodyOf = (c: Context): Promise<unknown> => {
    checkJson(c.req.header("content-type"));
    return readJson(c.req.raw, limits.bodyBytesMax);
  };
  const consumerOf = (c: Context): Consumer => {
    const { group, instance } = c.req.param() as { group: string; instance: string };
    const consumer = registry.find(group, instance);
    if (consumer !== undefined && settings.has(consumer)) return consumer;
    throw new RestError("consumer_unknown", `Consumer instance ${instance} of group ${group} not found`);
  };
  const answer = (c: Context, body: object): Response => c.body(JSON.stringify(body), 200, { "content-type": META });

  app.post("/consumers/:group", async (c) => {
    const group = parseName(c.req.param("group"));
    const { name = `tidegate-${crypto.randomUUID()}`, ...wanted } = parseNewConsumer(await bodyOf(c));
    const autoCommitMs = wanted.autoCommit ? AUTO_COMMIT_MS : undefined;
    const consumer = registry.create(group, { name, reset: wanted.reset, autoCommitMs });
    const requestMs = Math.min(wanted.requestMs ?? REQUEST_MS_DEFAULT, limits.waitMsMax);
    settings.set(consumer, { format: wanted.format, requestMs });
    const base = new URL(c.req.url).href.replace(/\?.*$/, "").replace(/\/$/, "");
    return answer(c, { instance_id: name, base_uri: `${base}/instances/${name}` });
  });
  app.delete(INSTANCE, async (c) => {
    consumerOf(c);
    await registry.remove(c.req.param("group"), c.req.param("instance"));
    return c.body(null, 204);
  });

  app.post(`${INSTANCE}/subscription`, async (c) => {
    const consumer = consumerOf(c);
    await consumer.subscribe(parseSubscription(await bodyOf(c)));
    return c.body(null, 204);
  });
  app.get(`${INSTANCE}/subscription`, (c) => {
    const consumer = consumerOf(c);
    const { subscription } = consumer;
    if (subscription !== undefined && "topics" in subscription) return answer(c, { topics: subscription.topics });
    return answer(c, { topics: [...new Set(consumer.partitions().map(({ topic }) => topic))] });
  });
  app.delete(`${INSTANCE}/subscription`, async (c) => {
    await consumerOf(c).subscribe(undefined);
    return c.body(null, 204);
  });
  app.post(`${INSTANCE}/assignments`, async (c) => {
    const consumer = consumerOf(c);
    await consumer.assign(parsePartitions(await bodyOf(c)));
    return c.body(null, 204);
  });
  app.get(`${INSTANCE}/assignments`, (c) => answer(c, { partitions: consumerOf(c).partitions() }));

  app.post(`${INSTANCE}/positions`, async (c) => {
    const consumer = consumerOf(c);
    await consumer.seek(parseSeeks(await bodyOf(c)));
    return c.body(null, 204);
  });
  for (const [path, offset] of [
    ["beginning", "earliest"],
    ["end", "latest"],
  ] as const) {
    app.post(`${INSTANCE}/positions/${path}`, async (c) => {
      const consumer = consumerOf(c);
      await consumer.seek(parsePartitions(await bodyOf(c)).map((place) => ({ ...place, offset })));
      return c.body(null, 204);
    });
  }

  app.get(`${INSTANCE}/records`, async (c) => {
    const consumer = consumerOf(c);
    const { format, requestMs } = settings.get(consumer)!;
    checkFormat(c.req.header("accept"), format);
    const entries: string[] = [];
    const take = (records: readonly Delivered[]): number => {
      for (const record of records) {
        try {
          entries.push(recordEntry(record, format));
        } catch (error) {
          // What comes before it is delivered; then it stays at the head until the client seeks beyond it.
          if (entries.length > 0) break;
          throw error;
        }
      }
      return entries.length;
    };
    const budget = {
      waitMs: Math.min(readCount(c, "timeout") ?? requestMs, requestMs),
      bytesMax: Math.min(readCount(c, "max_bytes") ?? BYTES_DEFAULT, limits.readBytesMax),
      recordsMax: limits.readRecordsMax,
      signal: c.req.raw.signal,
    };
    await consumer.poll(budget, take);
    consumer.lastUsedMs = performance.now();
    return c.body(`[${entries.join(",")}]`, 200, { "content-type": FORMATS[format] });
  });

  app.post(`${INSTANCE}/offsets`, async (c) => {
    const consumer = consumerOf(c);
    const body = await readOptionalJson(c.req.raw, limits.bodyBytesMax);
    const offsets = body === undefined ? undefined : parseCommit(body);
    for (const { topic, partition } of offsets ?? []) {
      const found = await log.topic(topic);
      if (found === undefined) throw new RestError("topic_unknown", `Topic ${topic} not found`);
      if (partition >= found.partitions) throw new RestError("partition_unknown", `Partition ${partition} not found`);
    }
    await consumer.commit(offsets);
    return answer(c, {});
  });
  app.get(`${INSTANCE}/offsets`, async (c) => {
    const consumer = consumerOf(c);
    const places = partitionsAsked(c) ?? consumer.partitions();
    const committed = await consumer.committed(places);
    return answer(c, { offsets: committed.filter((offset) => offset !== undefined) });
  });
}

/** The instance's format decides; naming another one in Accept is refused as the proxies do. */
function checkFormat(accept: string | undefined, format: Format): void {
  try {
    checkAccept(accept, [FORMATS[format]]);
  } catch (error) {
    const other = Object.keys(FORMATS).find((name) => accept?.includes(FORMATS[name as Format]));
    if (other === undefined) throw error;
    throw new RestError("not_acceptable", `Consumer format ${format} does not match the embedded format ${other}`);
  }
}

function readCount(c: Context, name: string): number | undefined {
  const text = c.req.query(name);
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RestError("invalid", `Invalid request format: ${name} is not a whole number`);
}

/** `?partition=topic/0`, as often as there are partitions: a GET has no body where the web's rules hold. */
function partitionsAsked(c: Context): TopicPartition[] | undefined {
  return c.req.queries("partition")?.map((text) => {
    const parts = /^([A-Za-z0-9._-]{1,249})\/(\d{1,9})$/.exec(text);
    if (parts === null) throw new RestError("invalid", "Invalid request format: partition is like topic/0");
    return { topic: parts[1]!, partition: Number(parts[2]) };
  });
}
