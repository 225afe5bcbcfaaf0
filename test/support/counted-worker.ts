// A Worker in front of a proxy of the tests, whose every outside request is counted: those to the proxy are the real ones,
// and the database's are what Neo4j's Query API would take.
import { fetchOf } from "../../src/adapters/broker/proxy-call.ts";
import type { Submission } from "../../src/app/intake.ts";
import type { TickReport } from "../../src/app/tick.ts";
import type { Dialect } from "../../src/config/kafka-url.ts";
import { parseConfig } from "../../src/config.ts";
import { configureFlows, topicsOf } from "../../src/flows/configure.ts";
import { flows } from "../../src/flows/index.ts";
import type { Broker } from "../../src/ports/broker.ts";
import type { Database } from "../../src/ports/database.ts";
import { countedFetch } from "../../src/runtime/cloudflare/counted-fetch.ts";
import { createWorkerService } from "../../src/runtime/cloudflare/service.ts";
import { dialects } from "../../src/runtime/dialects.ts";
import { openFileSql } from "../../src/sql/file.ts";
import type { AnyProxy } from "./proxies/every.ts";
import { ID_SECRET, type LogLine, openTestDatabase } from "./service.ts";

const URL = "http://outside.test";

export interface CountedWorker {
  readonly proxy: AnyProxy;
  readonly lines: LogLine[];
  readonly topics: readonly string[];
  /** Gives operations in, and expects that all of them are taken. */
  send(items: readonly Submission[]): Promise<void>;
  /** One invocation of cron, composed anew as on Workers, and the outside requests that it made. */
  tick(minute: number): Promise<{ readonly report: TickReport; readonly made: number; readonly toProxy: number }>;
  get(path: string): Promise<unknown>;
}

/** Starts one with so many partitions a topic and a budget of outside requests. */
export function countedWorker(
  dialect: Dialect,
  proxyOf: (topics: Readonly<Record<string, number>>) => AnyProxy,
  { partitions, allowance, ...env }: { partitions: number; allowance: number; [variable: string]: string | number },
): CountedWorker {
  const texts = Object.entries(env).map(([name, value]) => [name, String(value)]);
  const base = {
    ID_SECRET,
    USE_KAFKA: "true",
    AUTH: "none",
    KAFKA_TOPIC_PARTITIONS: String(partitions),
    TICK_RECORDS: "100",
  };
  const config = parseConfig({ ...base, ...Object.fromEntries(texts) }, flows);
  const topics = topicsOf(configureFlows(flows, config));
  const proxy = proxyOf(Object.fromEntries(topics.map((topic) => [topic, partitions])));
  const lines: LogLine[] = [];
  let [made, toProxy] = [0, 0];
  const requests = countedFetch(allowance, async (request) => {
    made++;
    if (!request.url.startsWith(`${URL}/proxy/`)) return new Response();
    toProxy++;
    return proxy.app.fetch(new Request(request.url.replace("/proxy/", "/"), request));
  });
  const inner = openTestDatabase(() => openFileSql(":memory:"));
  const costing = Object.entries(inner).map(([name, method]) => [
    name,
    async (...args: never[]) => {
      for (let i = 0; i < (name === "transact" ? 2 : 1); i++) await requests.fetch(new Request(`${URL}/database`));
      return (method as (...args: never[]) => unknown)(...args);
    },
  ]);
  // As in a fresh isolate: the minute between two ticks, after which nothing remembered counts, does not pass here.
  const broker = (): Broker =>
    dialects[dialect]({
      url: `${URL}/proxy`,
      cluster: "test",
      partitions,
      fetch: fetchOf(requests.fetch),
      reportGroup: config.KAFKA_REPORT_GROUP,
    });
  const compose = () =>
    createWorkerService(config, {
      bindings: {},
      broker: broker(),
      database: Object.fromEntries(costing) as Database,
      write: (level, message, fields) => lines.push({ level, message, ...fields }),
      requests,
    });
  const ask = async (path: string, init?: RequestInit): Promise<unknown> => {
    const worker = compose();
    const answer = await worker.fetch(new Request(URL + path, init));
    await worker.rest();
    return answer.json();
  };
  return {
    proxy,
    lines,
    topics,
    get: ask,
    async send(items) {
      const headers = { "content-type": "application/json" };
      const answers = await ask("/v1/operations", { method: "POST", headers, body: JSON.stringify(items) });
      const refused = (answers as object[]).filter((answer) => "problem" in answer);
      if (refused.length > 0) throw new Error(`Refused: ${JSON.stringify(refused[0])}`);
    },
    async tick(minute) {
      [made, toProxy] = [0, 0];
      const report = await compose().tick(minute);
      return { report, made, toProxy };
    },
  };
}
