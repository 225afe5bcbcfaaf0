// A REST proxy of the v2 family for tests: topics, produce, consumer instances. What distinguishes its dialects stands
// in their own files, with where it is known from.
import { type Context, Hono } from "hono";
import { noFaults, type ProxyFaults } from "./faults.ts";
import type { LogRecord, ProxyLog } from "./log.ts";

/** An answer with an error code. */
export interface Refusal {
  readonly status: number;
  readonly body: object | string;
}

export interface V2Record {
  readonly key?: unknown;
  readonly value?: unknown;
  readonly partition?: number;
  readonly headers?: { key: string; value: string }[];
  readonly timestamp?: number;
}

export interface Instance {
  readonly group: string;
  readonly name: string;
  readonly format: string;
  assigned: { topic: string; partition: number }[];
  /** What the proxy has fetched and not yet given. */
  cache: { topic: string; partition: number; record: LogRecord }[] | undefined;
  readonly positions: Map<string, number>;
  reads: number;
}

/** What a dialect does its own way. */
export interface V2Style {
  readonly metaType: string;
  readonly root: { readonly status: number; readonly body: string };
  noTopic(topic: string): Refusal;
  noPartition(topic: string, partition: string): Refusal;
  noInstance(group: string, name: string): Refusal;
  nameTaken(name: string): Refusal;
  notAssigned(topic: string, partition: number): Refusal;
  formatMismatch(format: string, accepted: string): Refusal;
  /** What is wrong with a request to create an instance. */
  refuseCreate(body: Readonly<Record<string, unknown>>): Refusal | undefined;
  created(origin: string, group: string, name: string): object;
  /** The whole answer to a produce. */
  produce(context: ProduceContext): { status: number; body: object | string };
  /** Records of one read and whether it fails with what they are, after the position moved. */
  take(instance: Instance, log: ProxyLog, bytesMax: number): { records: TakenRecord[]; refusal?: Refusal };
  readonly poison: (reason: string) => Refusal;
  /** Where records that could not be decoded stay with the instance. */
  keepPoison?(instance: Instance, records: readonly TakenRecord[]): void;
  /** Fields of a record beside key, value, topic, partition, offset. */
  extra(record: LogRecord): object;
  readonly commitStatus: 200 | 204;
  /** What a commit of X stores. */
  stored(offset: number): number;
  refuseCommit?(body: unknown): Refusal | undefined;
  /** Header that says which content type belongs to an error that is a text. */
  readonly hasAdmin: boolean;
}

export interface TakenRecord {
  readonly topic: string;
  readonly partition: number;
  readonly record: LogRecord;
}

export interface ProduceContext {
  readonly log: ProxyLog;
  readonly faults: ProxyFaults;
  readonly topic: string;
  readonly partition: number | undefined;
  readonly contentType: string;
  readonly text: string;
}

/** In place of a status: the request is not answered before its client gives up. */
export const NO_ANSWER = 0;

/** A proxy, and what a test may do to it. */
export interface V2Proxy {
  readonly app: Hono;
  readonly log: ProxyLog;
  readonly faults: ProxyFaults;
  /** Instances that exist now. */
  instances(): number;
  /** Requests so far, as `METHOD path`. */
  readonly requests: string[];
  /** Forgets every instance, as a restart does. */
  restart(): void;
}

export function v2Proxy(style: V2Style, log: ProxyLog): V2Proxy {
  const app = new Hono();
  const faults = noFaults();
  const instances = new Map<string, Instance>();
  const requests: string[] = [];
  const answer = (status: number, body: object | string, type = style.metaType): Response =>
    status === 204
      ? new Response(null, { status })
      : new Response(typeof body === "string" ? body : JSON.stringify(body), {
          status,
          headers: { "content-type": typeof body === "string" ? "text/plain; charset=utf-8" : type },
        });
  const refuse = ({ status, body }: Refusal): Response => answer(status, body);

  app.use(async (c, next) => {
    requests.push(`${c.req.method} ${c.req.path}`);
    if (faults.slowMs > 0) await new Promise((resolve) => setTimeout(resolve, faults.slowMs));
    await next();
  });
  app.notFound(() => answer(404, "404: Not Found"));
  app.get("/", () => answer(style.root.status, JSON.parse(style.root.body)));
  app.get("/topics", () => answer(200, log.names()));
  const partitionsOf = (topic: string) =>
    Array.from({ length: log.partitions(topic)! }, (_, partition) => ({
      partition,
      leader: 1,
      replicas: [{ broker: 1, leader: true, in_sync: true }],
    }));
  app.get("/topics/:topic", (c) => {
    const name = c.req.param("topic");
    if (log.partitions(name) === undefined) return refuse(style.noTopic(name));
    return answer(200, { name, configs: {}, partitions: partitionsOf(name) });
  });
  app.get("/topics/:topic/partitions", (c) => {
    const name = c.req.param("topic");
    return log.partitions(name) === undefined ? refuse(style.noTopic(name)) : answer(200, partitionsOf(name));
  });
  app.get("/topics/:topic/partitions/:partition/offsets", (c) => {
    const { topic, partition } = c.req.param();
    if (log.partitions(topic) === undefined) return refuse(style.noTopic(topic));
    const ends = log.ends(topic, Number(partition));
    if (ends === undefined) return refuse(style.noPartition(topic, partition));
    return answer(200, { beginning_offset: ends.begin, end_offset: ends.end });
  });
  if (style.hasAdmin) {
    app.post("/admin/topics", async (c) => {
      if (c.req.header("content-type") !== "application/vnd.kafka.json.v2+json") {
        const message = "Validation error on: The format of the request body is not supported";
        return answer(400, { error_code: 400, message });
      }
      const { topic_name, partitions_count = 1 } = await c.req.json();
      if (log.partitions(topic_name) !== undefined) {
        return answer(500, { error_code: 500, message: `Topic '${topic_name}' already exists.` });
      }
      log.create(topic_name, partitions_count);
      return answer(201, {});
    });
  }
  const produce = async (c: Context, partition?: number): Promise<Response> => {
    const topic = decodeURIComponent(c.req.param("topic")!);
    const contentType = c.req.header("content-type") ?? "";
    const text = await c.req.text();
    const { status, body } = style.produce({ log, faults, topic, partition, contentType, text });
    if (status === NO_ANSWER) await new Promise((resolve) => c.req.raw.signal.addEventListener("abort", resolve));
    return answer(status === NO_ANSWER ? 500 : status, body);
  };
  app.post("/topics/:topic", (c) => produce(c));
  app.post("/topics/:topic/partitions/:partition", (c) => produce(c, Number(c.req.param("partition"))));
  instanceRoutes(app, { style, log, faults, instances, answer, refuse });
  return { app, log, faults, instances: () => instances.size, requests, restart: () => instances.clear() };
}

interface Parts {
  readonly style: V2Style;
  readonly log: ProxyLog;
  readonly faults: ProxyFaults;
  readonly instances: Map<string, Instance>;
  answer(status: number, body: object | string, type?: string): Response;
  refuse(refusal: Refusal): Response;
}

const NAME = ({ topic, partition }: { topic: string; partition: number }): string => `${topic}/${partition}`;

function instanceRoutes(app: Hono, { style, log, faults, instances, answer, refuse }: Parts): void {
  app.post("/consumers/:group", async (c) => {
    const group = c.req.param("group");
    const body = (await c.req.json()) as Record<string, unknown>;
    const refusal = style.refuseCreate(body);
    if (refusal !== undefined) return refuse(refusal);
    const name = String(body.name ?? crypto.randomUUID());
    if (faults.namesTaken > 0 || instances.has(`${group}/${name}`)) {
      faults.namesTaken = Math.max(0, faults.namesTaken - 1);
      return refuse(style.nameTaken(name));
    }
    const format = String(body.format ?? "binary");
    instances.set(`${group}/${name}`, {
      group,
      name,
      format,
      assigned: [],
      cache: undefined,
      positions: new Map(),
      reads: 0,
    });
    return answer(200, style.created(new URL(c.req.url).origin, group, name));
  });
  const on = (
    method: "GET" | "POST" | "DELETE",
    resource: string,
    handle: (instance: Instance, c: Context) => Response | Promise<Response>,
  ): void => {
    app.on(method, `/consumers/:group/instances/:name${resource}`, (c) => {
      const { group, name } = c.req.param() as { group: string; name: string };
      if (faults.losesInstances > 0) {
        faults.losesInstances--;
        instances.clear();
      }
      const instance = instances.get(`${group}/${name}`);
      return instance === undefined ? refuse(style.noInstance(group, name)) : handle(instance, c);
    });
  };
  on("POST", "/assignments", async (instance, c) => {
    const { partitions } = await c.req.json();
    instance.assigned = partitions;
    for (const at of partitions) {
      const stored = log.committed.get(`${instance.group}/${NAME(at)}`);
      instance.positions.set(NAME(at), stored ?? log.ends(at.topic, at.partition)?.begin ?? 0);
    }
    return answer(204, "");
  });
  on("POST", "/subscription", async (instance, c) => {
    const { topics } = await c.req.json();
    instance.assigned = (topics as string[]).flatMap((topic) =>
      Array.from({ length: log.partitions(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
    );
    for (const at of instance.assigned) {
      const stored = log.committed.get(`${instance.group}/${NAME(at)}`);
      instance.positions.set(NAME(at), stored ?? log.ends(at.topic, at.partition)!.begin);
    }
    return answer(204, "");
  });
  on("POST", "/positions", async (instance, c) => {
    const { offsets } = await c.req.json();
    for (const { topic, partition, offset } of offsets) {
      if (!instance.positions.has(NAME({ topic, partition }))) return refuse(style.notAssigned(topic, partition));
      instance.positions.set(NAME({ topic, partition }), offset);
    }
    return answer(204, "");
  });
  on("POST", "/offsets", async (instance, c) => {
    const text = await c.req.text();
    const body = text === "" ? undefined : JSON.parse(text);
    const refusal = style.refuseCommit?.(body);
    if (refusal !== undefined) return refuse(refusal);
    for (const { topic, partition, offset } of body?.offsets ?? []) {
      log.committed.set(`${instance.group}/${topic}/${partition}`, style.stored(offset));
    }
    return answer(style.commitStatus, style.commitStatus === 200 ? {} : "");
  });
  on("GET", "/records", (instance, c) => read(instance, c, { style, log, faults, instances, answer, refuse }));
  on("DELETE", "", (instance) => {
    instances.delete(`${instance.group}/${instance.name}`);
    return answer(204, "");
  });
}

async function read(instance: Instance, c: Context, { style, log, faults, answer, refuse }: Parts): Promise<Response> {
  const accepted = c.req.header("accept") ?? "";
  const type = `application/vnd.kafka.${instance.format}.v2+json`;
  if (accepted !== type) return refuse(style.formatMismatch(instance.format, accepted));
  const bytesMax = Number(c.req.query("max_bytes") ?? 1_000_000);
  if (instance.reads++ < faults.emptyReads) return answer(200, [], type);
  const untilMs = performance.now() + Number(c.req.query("timeout") ?? 100);
  let taken = style.take(instance, log, bytesMax);
  while (taken.records.length === 0 && taken.refusal === undefined) {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0 || c.req.raw.signal.aborted) break;
    await log.appended(leftMs, c.req.raw.signal);
    taken = style.take(instance, log, bytesMax);
  }
  if (taken.refusal !== undefined) return refuse(taken.refusal);
  try {
    const entries = taken.records.map(({ topic, partition, record }) => ({
      topic,
      key: shown(record.key, instance.format),
      value: shown(record.value, instance.format),
      partition,
      offset: record.offset,
      ...style.extra(record),
    }));
    return answer(200, faults.repeats ? [...entries, ...entries] : entries, type);
  } catch (error) {
    style.keepPoison?.(instance, taken.records);
    return refuse(style.poison((error as Error).message));
  }
}

function shown(bytes: Buffer | null, format: string): unknown {
  if (bytes === null) return null;
  return format === "json" ? JSON.parse(bytes.toString()) : bytes.toString("base64");
}

/** Everything that is there from the positions on, which move. */
export function takeAll(instance: Instance, log: ProxyLog, recordsMax = 500): TakenRecord[] {
  const records: TakenRecord[] = [];
  for (const at of instance.assigned) {
    const position = instance.positions.get(NAME(at))!;
    // Beyond the end, auto.offset.reset leads to the beginning.
    const end = log.ends(at.topic, at.partition)?.end ?? 0;
    const found = log.from(at.topic, at.partition, position > end ? 0 : position).slice(0, recordsMax - records.length);
    records.push(...found.map((record) => ({ ...at, record })));
    const last = found.at(-1);
    if (last !== undefined) instance.positions.set(NAME(at), last.offset + 1);
  }
  return records;
}

/** Bytes of a record's key and value. */
export function sizeOf({ key, value }: LogRecord): number {
  return (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
}

/** Bytes of the base64 of a request; Java's and Python's decoders are as lenient as this one. */
export function fromBase64(text: unknown): Buffer | null {
  return typeof text === "string" ? Buffer.from(text, "base64") : null;
}

/** What a JSON value is in the log. */
export function asJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
