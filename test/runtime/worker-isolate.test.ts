// A Worker whose Kafka and database are both outside is composed anew for each request: what it came to know by one
// request, the next ones of its isolate know as well. Nothing of it is a request's own.
import type { ExecutionContext, ScheduledController } from "@cloudflare/workers-types";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { topicsOf } from "../../src/flows/configure.ts";
import { flows } from "../../src/flows/index.ts";
import type { Broker } from "../../src/ports/broker.ts";
import type { Database } from "../../src/ports/database.ts";
import { gatewayBundle } from "../support/gateway-bundle.ts";
import { parseMetrics } from "../support/metrics-page.ts";
import { expectProblem } from "../support/problem.ts";
import { ID_SECRET, read } from "../support/service.ts";

const outside = vi.hoisted(() => ({ database: undefined as unknown, broker: {} as Partial<Broker> }));
// The platform's own modules are only there.
vi.mock("../../src/runtime/cloudflare/object.ts", () => ({ OBJECT_NAME: "tidegate", TidegateObject: class {} }));
vi.mock("../../src/runtime/cloudflare/remote.ts", async (original) => {
  const remote = await original<typeof import("../../src/runtime/cloudflare/remote.ts")>();
  const remoteBroker: typeof remote.remoteBroker = (...args) => ({
    ...remote.remoteBroker(...args),
    ...outside.broker,
  });
  return { ...remote, remoteBroker, remoteDatabase: () => outside.database };
});

const URL = "http://worker.test";
const JSON_TYPE = { "content-type": "application/json" };
const BREAKER_OPEN_MS = 5_000;

const down = (): Promise<Response> => Promise.reject(new TypeError("fetch failed"));

const TOPICS = Object.fromEntries(topicsOf(flows).map((name) => [name, 1]));

/** A new isolate, with a Kafka that answers as `kafka` does and a database whose clock is behind by `behindMs`. */
async function startIsolate({ kafka = down, behindMs = 0, env = {} }: Options = {}) {
  vi.resetModules();
  // Of the same modules as the Worker's, so that an error of one is an error of the other.
  const { openTestDatabase } = await import("../support/service.ts");
  const { openFileSql } = await import("../../src/sql/file.ts");
  const asked = { kafka: 0, clock: 0 };
  vi.stubGlobal("fetch", (request: Request) => {
    asked.kafka++;
    return kafka(request);
  });
  const database = openTestDatabase(() => openFileSql(":memory:"));
  const behind: Database = {
    ...database,
    async nowMs() {
      asked.clock++;
      return Date.now() - behindMs;
    },
  };
  outside.database = behind;
  const { default: worker } = await import("../../src/runtime/cloudflare.ts");
  const bindings = {
    TIDEGATE: {} as never,
    ID_SECRET,
    AUTH: "none",
    KAFKA_URL: "http://kafka.test?dialect=tidegate",
    KAFKA_BREAKER_FAILURES: "2",
    KAFKA_BREAKER_OPEN_MS: String(BREAKER_OPEN_MS),
    NEO4J_URL: "http://neo4j.test",
    NEO4J_PASSWORD: "none",
    ...env,
  };
  const hooks = { answered: (): void => undefined };
  const invoke = async <Result>(work: (ctx: ExecutionContext) => Promise<Result>): Promise<Result> => {
    const rest: Promise<unknown>[] = [];
    const result = await work({ waitUntil: (part: Promise<unknown>) => void rest.push(part) } as never);
    hooks.answered();
    await Promise.all(rest);
    return result;
  };
  const request = (path: string, init: RequestInit = {}) =>
    invoke((ctx) => worker.fetch(new Request(URL + path, init), bindings, ctx));
  const remember = async (id: string) => {
    const body = JSON.stringify({ id, user: "u", content: "c" });
    return read(await request("/v1/memory/create", { method: "POST", headers: JSON_TYPE, body }));
  };
  const metrics = async () => parseMetrics(await (await request("/metrics")).text());
  const cron = () => invoke((ctx) => worker.scheduled({ scheduledTime: 0 } as ScheduledController, bindings, ctx));
  return { asked, behind, hooks, request, remember, metrics, cron };
}

interface Options {
  readonly kafka?: (request: Request) => Promise<Response> | Response;
  readonly behindMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

beforeEach(() => {
  outside.broker = {};
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.spyOn(console, "log").mockReturnValue();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("the breaker of an isolate", () => {
  it("is opened by the failures of several requests, and all of them see it", async () => {
    const { asked, request, remember } = await startIsolate();
    const breaker = async () => (await read(await request("/health/kafka"))).body.breaker;
    for (const id of ["a", "b"]) expect((await remember(id)).body.path).toBe("fallback");
    expect(await breaker()).toBe("open");
    const before = asked.kafka;
    expect((await remember("c")).body.path).toBe("fallback");
    expect(asked.kafka).toBe(before);
    vi.setSystemTime(Date.now() + BREAKER_OPEN_MS);
    await remember("d");
    expect(asked.kafka).toBe(before + 1);
  });

  it("is not opened by looks at the lag", async () => {
    const { request, metrics } = await startIsolate({ env: { KAFKA_BREAKER_FAILURES: "1" } });
    expect((await metrics()).value("tidegate_up_kafka")).toBe(0);
    expect((await metrics()).value("tidegate_breaker_state", { state: "closed" })).toBe(1);
    expect((await read(await request("/health/kafka"))).body.detail).toContain("fetch failed");
  });

  it("lets one request try again, and refuses the others at once, also after that one has ended without an outcome", async () => {
    const lost = Promise.withResolvers<Response>();
    const answers: (typeof down)[] = [down];
    const { asked, remember } = await startIsolate({
      kafka: () => (answers.shift() ?? down)(),
      env: { KAFKA_BREAKER_FAILURES: "1" },
    });
    await remember("a");
    vi.setSystemTime(Date.now() + BREAKER_OPEN_MS);
    answers.push(() => lost.promise);
    const trying = remember("b");
    await vi.waitFor(() => expect(asked.kafka).toBe(2));
    expect((await remember("c")).body.path).toBe("fallback");
    expect(asked.kafka).toBe(2);
    // As where its client has gone: nothing of that request runs any more.
    vi.setSystemTime(Date.now() + 60_000);
    await remember("d");
    expect(asked.kafka).toBe(3);
    lost.reject(new TypeError("fetch failed"));
    await trying;
  });
});

describe("the clock of an isolate", () => {
  it("is compared before anything is minted, and refuses while it is off", async () => {
    const { request, remember } = await startIsolate({ behindMs: 60_000 });
    for (const id of ["a", "b"]) {
      const { status, body } = await remember(id);
      expect([status, body.code]).toEqual([503, "clock_skew"]);
    }
    const { status, body } = await read(await request("/readyz"));
    expect([status, body.reasons]).toEqual([503, ["this clock is 60000 ms from the database's: nothing is minted"]]);
  });

  it("is compared once in ten seconds, and the last verdict stands until the next", async () => {
    const { asked, behind, hooks, remember, metrics } = await startIsolate();
    for (const id of ["a", "b", "c"]) expect((await remember(id)).status).toBe(200);
    expect(asked.clock).toBe(1);
    vi.setSystemTime(Date.now() + 10_000);
    // The request that has it compared is answered first.
    const answered = new Promise<void>((resolve) => {
      hooks.answered = resolve;
    });
    Object.assign(behind, { nowMs: () => answered.then(() => Date.now() - 60_000) });
    expect((await remember("d")).status).toBe(200);
    expect((await remember("e")).body.code).toBe("clock_skew");
    expect((await metrics()).value("tidegate_clock_skew_seconds")).toBe(60);
  });

  it("that cannot be compared holds requests up for a bounded time, once in ten seconds", async () => {
    const { asked, behind, request } = await startIsolate();
    const hanging = (): Promise<number> => {
      asked.clock++;
      return new Promise(() => undefined);
    };
    Object.assign(behind, { nowMs: hanging });
    for (let i = 0; i < 3; i++) expect((await request("/livez")).status).toBe(200);
    expect(asked.clock).toBe(1);
  });

  it("mints stamps in the order of requests that come within one millisecond", async () => {
    const { remember } = await startIsolate();
    const stamps: string[] = [];
    for (let i = 0; i < 20; i++) stamps.push((await remember(`k${i}`)).body.stamp);
    expect(stamps).toEqual([...new Set(stamps)].sort());
  });
});

describe("the metrics of an isolate", () => {
  it("count what earlier requests and ticks took", async () => {
    const { remember, metrics, cron } = await startIsolate({ env: { ENABLE_KAFKA: "false" } });
    for (const id of ["a", "b"]) expect((await remember(id)).body.path).toBe("direct");
    await expect(cron()).rejects.toThrow();
    const { value } = await metrics();
    expect(value("tidegate_accept_duration_seconds_count", { flow: "memory", path: "direct" })).toBe(2);
    expect(value("tidegate_apply_duration_seconds_count")).toBe(2);
    expect(value("tidegate_tick_duration_seconds_count")).toBe(1);
  });

  it("know since when a stranger's record has been waiting, and do not look again at once", async () => {
    await using gateway = await gatewayBundle({ topics: TOPICS });
    const { asked, metrics } = await startIsolate({ kafka: (request) => gateway.app.fetch(request) });
    await gateway.broker.produce([{ topic: "memory-operations", key: "k", value: "hello" }]);
    const memory = { flow: "memory" };
    expect((await metrics()).value("tidegate_lag_records", memory)).toBe(1);
    const before = asked.kafka;
    vi.setSystemTime(Date.now() + 1_000);
    await metrics();
    expect(asked.kafka).toBe(before);
    vi.setSystemTime(Date.now() + 9_000);
    expect((await metrics()).value("tidegate_lag_seconds", memory)).toBe(10);
  });
});

it("a tick tells the group of the configuration where it is", async () => {
  await using gateway = await gatewayBundle({ topics: TOPICS });
  const reportPosition = vi.fn<NonNullable<Broker["reportPosition"]>>(async () => undefined);
  outside.broker = { reportPosition };
  const { remember, cron } = await startIsolate({ kafka: (request) => gateway.app.fetch(request) });
  expect((await remember("a")).body.path).toBe("kafka");
  await cron();
  const told = [{ topic: "memory-operations", partition: 0, offset: 1 }];
  expect(reportPosition).toHaveBeenCalledExactlyOnceWith(told, expect.anything());
});

it("cron asks nobody anything where ROLE=api, and the operations stay for who consumes", async () => {
  await using gateway = await gatewayBundle({ topics: TOPICS });
  const { asked, request, remember, cron } = await startIsolate({
    kafka: (request) => gateway.app.fetch(request),
    env: { ROLE: "api" },
  });
  const { id, path } = (await remember("a")).body;
  expect(path).toBe("kafka");
  const before = asked.kafka;
  await cron();
  expect(asked.kafka).toBe(before);
  expect((await read(await request(`/v1/operations/${id}`))).body.state).toBe("pending");
});

it("with ROLE=consumer cron consumes, and operations are not taken", async () => {
  await using gateway = await gatewayBundle({ topics: TOPICS });
  const { remember, metrics, cron } = await startIsolate({
    kafka: (request) => gateway.app.fetch(request),
    env: { ROLE: "consumer" },
  });
  expectProblem(await remember("a"), "not_found");
  await gateway.broker.produce([{ topic: "memory-operations", key: "k", value: "hello" }]);
  await cron();
  expect((await metrics()).value("tidegate_records_total", { flow: "memory", place: "parked" })).toBe(1);
});
