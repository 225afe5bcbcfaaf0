// The Upstash REST API as its package calls it (run: `@upstash/kafka` 1.3.5); answers are those of its type declarations.
import { Hono } from "hono";
import { noFaults } from "./faults.ts";
import { proxyLog } from "./log.ts";

const RECORD_BYTES_MAX = 1_048_576;

interface Message {
  readonly topic: string;
  readonly value: string;
  readonly key?: string;
  readonly partition?: number;
}

/** A service with these topics, for one user. */
export function upstashProxy(topics: Readonly<Record<string, number>>) {
  const log = proxyLog(topics);
  const faults = noFaults();
  const requests: string[] = [];
  const app = new Hono();
  const error = (status: number, text: string): Response =>
    Response.json({ result: "Error", error: text, status }, { status });
  app.use(async (c, next) => {
    requests.push(`${c.req.method} ${c.req.path}`);
    if (c.req.header("authorization") !== `Basic ${btoa("user:secret")}`) return error(401, "Unauthorized");
    if (faults.slowMs > 0) await new Promise((resolve) => setTimeout(resolve, faults.slowMs));
    return next();
  });
  app.notFound(() => error(404, "not found"));
  app.get("/topics", () => Response.json(Object.fromEntries(log.names().map((name) => [name, log.partitions(name)]))));
  app.post("/produce", async (c) => {
    const body = (await c.req.json()) as Message | Message[];
    const messages = Array.isArray(body) ? body : [body];
    const bad = messages.find(({ topic }) => log.partitions(topic) === undefined);
    if (bad !== undefined) return error(404, `Topic ${bad.topic} not found`);
    if (messages.some(({ value }) => Buffer.byteLength(value) > RECORD_BYTES_MAX)) return error(413, "too large");
    const appended = messages.map(({ topic, key, value, partition }) => ({
      topic,
      ...log.append(topic, { partition, key: key === undefined ? null : Buffer.from(key), value: Buffer.from(value) })!,
      timestamp: 0,
    }));
    return faults.expiresButWrites ? error(504, "timed out") : Response.json(appended);
  });
  app.post("/fetch", async (c) => {
    const { topicPartitionOffsets = [], timeout = 1_000 } = await c.req.json();
    const found = () =>
      (topicPartitionOffsets as { topic: string; partition: number; offset: number }[]).flatMap(
        ({ topic, partition, offset }) =>
          log.from(topic, partition, offset).map((record) => ({
            topic,
            partition,
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key?.toString() ?? "",
            value: record.value?.toString() ?? "",
            headers: [],
          })),
      );
    if (found().length === 0 && timeout > 0) await log.appended(timeout, c.req.raw.signal);
    return Response.json(found());
  });
  app.post("/offsets/:which", async (c) => {
    const places = (await c.req.json()) as { topic: string; partition: number }[];
    const side = c.req.param("which") === "earliest" ? "begin" : "end";
    return Response.json(places.map((at) => ({ ...at, offset: log.ends(at.topic, at.partition)?.[side] ?? 0 })));
  });
  app.post("/commit/:group/:instance", async (c) => {
    const body = await c.req.json();
    for (const { topic, partition, offset } of Array.isArray(body) ? body : [body]) {
      log.committed.set(`${c.req.param("group")}/${topic}/${partition}`, offset);
    }
    return Response.json({ result: "Success", status: 200 });
  });
  return { app, log, faults, requests };
}
