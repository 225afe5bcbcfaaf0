// Outside requests of a Worker are counted for each invocation by itself, and bind what nobody waits for.
import { describe, expect, it } from "vitest";
import { fetchOf } from "../../src/adapters/broker/proxy-call.ts";
import { tidegate } from "../../src/adapters/broker/tidegate.ts";
import { parseConfig } from "../../src/config.ts";
import { ledgerKey } from "../../src/domain/key.ts";
import { flows } from "../../src/flows/index.ts";
import type { Database } from "../../src/ports/database.ts";
import { countedFetch } from "../../src/runtime/cloudflare/counted-fetch.ts";
import { createWorkerService } from "../../src/runtime/cloudflare/service.ts";
import { openFileSql } from "../../src/sql/file.ts";
import { ID_SECRET, openTestDatabase } from "../support/service.ts";

const URL = "http://outside.test/";
const ALLOWANCE = 40;
const MANY = 30;
const JSON_TYPE = { "content-type": "application/json" };

/** A Worker without Kafka whose every call of the database is an outside request. */
async function startWorker() {
  const env = { ID_SECRET, ENABLE_KAFKA: "false", AUTH: "none", PREPARE_AT_ONCE: "1" };
  const config = parseConfig(env, flows);
  let made = 0;
  const requests = countedFetch(ALLOWANCE, async () => {
    made++;
    return new Response("{}");
  });
  const inner = openTestDatabase(() => openFileSql(":memory:"));
  const counted = Object.entries(inner).map(([name, method]) => [
    name,
    async (...args: never[]) => {
      await requests.fetch(new Request(URL));
      return (method as (...args: never[]) => unknown)(...args);
    },
  ]);
  const worker = createWorkerService(config, {
    bindings: {},
    broker: tidegate({ url: URL, cluster: "none", partitions: 3, fetch: fetchOf(requests.fetch) }),
    database: Object.fromEntries(counted) as Database,
    write: () => undefined,
    requests,
  });
  const post = async (path: string, data: unknown, headers = {}) => {
    const init = { method: "POST", headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(data) };
    const answer = await worker.fetch(new Request(URL + path, init));
    await worker.rest();
    return answer.json() as Promise<unknown>;
  };
  const generate = (id: string) => ({ flow: "summarization", type: "generate", data: { id, session: "s" } });
  const summarise = (id: string) => post("v1/summarization/generate", generate(id).data);
  /** Asks for many summaries in one request; answers how many of them are still to be made. */
  const summariseMany = async (headers = {}) => {
    const items = Array.from({ length: MANY }, (_, i) => generate(`many${i}`));
    const answers = (await post("v1/operations", items, headers)) as { readonly id: string }[];
    const keys = answers.map(({ id }) => ledgerKey("default", id));
    return async (): Promise<number> => (await inner.retryRows(keys)).size;
  };
  /** The outside requests of some work. */
  const spent = async (work: () => Promise<unknown>): Promise<number> => {
    const before = made;
    await work();
    return made - before;
  };
  await post("v1/session/create", { id: "s", user: "u" });
  return { worker, summarise, summariseMany, spent };
}

const READY = { values: { status: "ready" } };

describe("an allowance of outside requests", () => {
  it("does not run out in an isolate that only serves requests", async () => {
    const { summarise, spent } = await startWorker();
    let total = 0;
    for (let i = 0; total < 3 * ALLOWANCE; i++)
      total += await spent(async () => expect(await summarise(`one${i}`)).toMatchObject(READY));
  });

  it("does not bind work that a client waits for", async () => {
    const { summariseMany, spent } = await startWorker();
    let left = async (): Promise<number> => MANY;
    const cost = await spent(async () => {
      left = await summariseMany();
    });
    expect(cost).toBeGreaterThan(ALLOWANCE);
    expect(await left()).toBe(0);
  });

  it("binds what a request and a tick do of the work that nobody waits for, and the next ticks go on", async () => {
    const { worker, summarise, summariseMany, spent } = await startWorker();
    const left = await summariseMany({ prefer: "respond-async" });
    expect(await left()).toBe(MANY);
    expect(await spent(() => summarise("one"))).toBeLessThanOrEqual(ALLOWANCE);
    const afterRequest = await left();
    expect(afterRequest).toBeGreaterThan(0);
    expect(await spent(() => worker.tick(1))).toBeLessThanOrEqual(ALLOWANCE);
    expect(await left()).toBeGreaterThan(0);
    expect(await left()).toBeLessThan(afterRequest);
    for (let minute = 2; (await left()) > 0 && minute < 20; minute++) await worker.tick(minute);
    expect(await left()).toBe(0);
  });

  it("is each invocation's own", async () => {
    const { fetch, within, left } = countedFetch(ALLOWANCE, async () => new Response());
    const request = () => fetch(new Request(URL));
    const others = Promise.withResolvers<void>();
    const tick = within(async () => {
      await request();
      await others.promise;
      return left();
    });
    await within(async () => {
      for (let i = 0; i < 2 * ALLOWANCE; i++) await request();
    });
    await request();
    others.resolve();
    expect(await tick).toBe(ALLOWANCE - 1);
  });
});
