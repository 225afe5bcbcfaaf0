// The Worker as it is built, inside workerd: who is let in, what a wrong deployment says, a Kafka that never answers, ticks
// by alarm and by cron, a budget that runs out, and an object that ends in the middle.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildWorker } from "../../build/worker.ts";
import { expectProblem } from "../support/problem.ts";
import { type Answered, read } from "../support/service.ts";
import { type Env, waitFor } from "../support/tidegate-process.ts";
import { type RunningService, startService } from "./runtime.ts";
import { workerdRuntime } from "./workerd.ts";

const SOON_MS = 20_000;

const root = mkdtempSync(join(tmpdir(), "tidegate-workerd-"));
const modules = join(root, "modules");
beforeAll(() => buildWorker({ modules, assets: join(root, "assets") }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let serial = 0;
const newFolder = (): string => join(root, `service-${serial++}`);
const start = (env: Env = {}, folder = newFolder(), port?: number): Promise<RunningService> =>
  startService(workerdRuntime({ modules }), folder, env, port);

const get = async ({ url }: RunningService, path: string): Promise<Answered> => read(await fetch(url + path));

async function post({ url }: RunningService, path: string, data: unknown): Promise<Answered> {
  const headers = { "content-type": "application/json" };
  return read(await fetch(url + path, { method: "POST", headers, body: JSON.stringify(data) }));
}

/** Accepts memories and answers their operations' ids. */
async function remember(service: RunningService, from: number, count: number): Promise<string[]> {
  const items = Array.from({ length: count }, (_, i) => ({
    ...{ flow: "memory", type: "create" },
    data: { id: `k${from + i}`, user: `u${(from + i) % 5}`, content: "the tide turns" },
  }));
  const { status, body } = await post(service, "/v1/operations", items);
  expect(status).toBe(200);
  return (body as unknown as { id: string }[]).map(({ id }) => id);
}

async function checked(service: RunningService) {
  const { body } = await get(service, "/v1/check");
  return body as unknown as { closed: boolean; atRest: boolean; flows: { memory: { applied: number } } };
}

/** A port that takes connections and never answers. */
async function blackHole(): Promise<AsyncDisposable & { readonly url: string; produces(): number }> {
  const sockets = new Set<Socket>();
  let produces = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("data", (head) => {
      if (head.toString().startsWith("POST /topics/")) produces++;
    });
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    produces: () => produces,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

describe("a Worker's credentials", () => {
  it("are asked for where neither API_KEYS nor AUTH=none is set", async () => {
    await using service = await start({ AUTH: "" });
    expectProblem(await post(service, "/v1/memory/create", { user: "u", content: "c" }), "unauthenticated");
    expectProblem(await get(service, "/v1/check"), "unauthenticated");
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
  });

  it("are not asked for with AUTH=none", async () => {
    await using service = await start({ AUTH: "none" });
    expect((await post(service, "/v1/memory/create", { user: "u", content: "c" })).status).toBe(202);
  });
});

describe("a Worker that is wrongly deployed names at its first request", () => {
  const firstAnswer = async (service: RunningService): Promise<string> => {
    const answer = await post(service, "/v1/memory/create", { user: "u", content: "c" });
    expectProblem(answer, "internal");
    return answer.body.detail;
  };

  it("the secret that is missing", async () => {
    await using service = await start({ ID_SECRET: "" });
    expect(await firstAnswer(service)).toMatch(/ID_SECRET must be set: npx wrangler secret put ID_SECRET/);
  });

  it("the binding that is missing", async () => {
    await using service = await startService(workerdRuntime({ modules, bound: false }), newFolder());
    expect(await firstAnswer(service)).toMatch(
      /the binding TIDEGATE is missing: see \[\[durable_objects\.bindings\]\]/,
    );
  });

  it("every variable that is wrong, together with what is missing", async () => {
    await using service = await start({ TICK_RECORDS: "many", ID_SECRET: "" });
    const detail = await firstAnswer(service);
    expect(detail).toContain("TICK_RECORDS must be a whole number");
    expect(detail).toContain("ID_SECRET must be set");
  });

  it("bolt, which it does not speak", async () => {
    await using service = await start({ NEO4J_URL: "bolt://127.0.0.1:7687", NEO4J_PASSWORD: "none" });
    expect(await firstAnswer(service)).toMatch(/NEO4J_URL must be http\(s\)/);
  });
});

describe("a Worker whose Kafka never answers", () => {
  it("answers by the fallback within its deadline, and does not wait again once the breaker is open", async () => {
    await using kafka = await blackHole();
    const env = { KAFKA_URL: kafka.url, KAFKA_PRODUCE_DEADLINE_MS: "300", KAFKA_BREAKER_FAILURES: "1" };
    await using service = await start(env);
    const timed = async (id: string) => {
      const beganMs = performance.now();
      const { status, body } = await post(service, "/v1/memory/create", { id, user: "u", content: "c" });
      expect([status, body.path]).toEqual([200, "fallback"]);
      return performance.now() - beganMs;
    };
    const first = await timed("first");
    expect(first).toBeGreaterThan(250);
    expect(first).toBeLessThan(5_000);
    const second = await timed("second");
    expect(second).toBeLessThan(first);
    expect((await get(service, "/v1/memories/second")).status).toBe(200);
  });
});

describe("a Worker whose Kafka and database are both outside", () => {
  it("knows by its earlier requests that Kafka is down, and then one request tries again while the others do not wait", async () => {
    await using kafka = await blackHole();
    const env = {
      KAFKA_URL: kafka.url,
      KAFKA_PRODUCE_DEADLINE_MS: "1000",
      KAFKA_READ_DEADLINE_MS: "500",
      KAFKA_BREAKER_FAILURES: "1",
      KAFKA_BREAKER_OPEN_MS: "100",
      // Nothing listens there.
      NEO4J_URL: "http://127.0.0.1:1",
      NEO4J_PASSWORD: "none",
    };
    await using service = await start(env);
    const remember = () => post(service, "/v1/memory/create", { user: "u", content: "c" });
    expect((await remember()).status).toBe(503);
    for (const round of [2, 3]) {
      expect((await get(service, "/health/kafka")).body.breaker).toBe("open");
      await waitFor("a request that tries again", SOON_MS, async () => {
        for (const { status } of await Promise.all([remember(), remember(), remember()])) expect(status).toBe(503);
        return kafka.produces() >= round;
      });
      expect(kafka.produces()).toBe(round);
    }
  });
});

describe("ticks in workerd", () => {
  it("come by the alarm within seconds of a produce, without cron", async () => {
    await using service = await start({ TICK_ALARM_MS: "200" });
    for (const round of [0, 1]) {
      const ids = await remember(service, round * 10, 10);
      await waitFor("the alarm's tick", SOON_MS, async () => {
        const { body } = await get(service, `/v1/operations/${ids.at(-1)}`);
        return body.state === "applied";
      });
    }
    expect(await checked(service)).toMatchObject({ closed: true, atRest: true, flows: { memory: { applied: 20 } } });
  });

  it("do not come by themselves where no alarm is set", async () => {
    await using service = await start();
    const [id] = await remember(service, 0, 1);
    expect((await get(service, `/v1/operations/${id}`)).body.state).toBe("pending");
    await service.scheduled(1);
    expect((await get(service, `/v1/operations/${id}`)).body.state).toBe("applied");
  });

  it("stop where the budget of records ends, and the next go on from there", async () => {
    await using service = await start({ TICK_RECORDS: "10" });
    await remember(service, 0, 25);
    for (const [minute, applied] of [10, 20, 25].entries()) {
      await service.scheduled(minute);
      const { closed, atRest, flows } = await checked(service);
      expect([closed, atRest, flows.memory.applied]).toEqual([true, applied === 25, applied]);
    }
  });

  it("that come twice at once, and a service that is killed among them, apply nothing twice and lose nothing", async () => {
    const folder = newFolder();
    const env = { TICK_RECORDS: "20" };
    let service = await start(env, folder);
    const port = Number(new URL(service.url).port);
    try {
      await remember(service, 0, 100);
      await Promise.all([service.scheduled(0), service.scheduled(0)]);
      const underWay = Promise.allSettled([service.scheduled(1), service.scheduled(1)]);
      await service.stop("SIGKILL");
      await underWay;
      service = await start(env, folder, port);
      await remember(service, 100, 50);
      const rest = async (): Promise<boolean> => {
        await Promise.all([service.scheduled(2), service.scheduled(3)]);
        return (await checked(service)).atRest;
      };
      await waitFor("rest", SOON_MS, rest, { everyMs: 1 });
      expect(await checked(service)).toMatchObject({ closed: true, flows: { memory: { applied: 150 } } });
    } finally {
      await service.stop("SIGKILL");
    }
  });
});
