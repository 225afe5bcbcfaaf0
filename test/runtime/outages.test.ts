// The service as a process that starts while something it needs is down, and goes on when that comes back.
import { mkdirSync, rmdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { flows } from "../../src/flows/index.ts";
import { listen } from "../../src/runtime/listen.ts";
import { gatewayBundle } from "../support/gateway-bundle.ts";
import { expectProblem } from "../support/problem.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { freePort } from "../support/tidegate-process.ts";

const SESSION = "/v1/session/create";

describe("a service that starts while Kafka is down", () => {
  it("works by fallback, and completes the log once Kafka is there", async () => {
    using folder = tempFolder();
    const port = await freePort();
    const env = { KAFKA_URL: `http://127.0.0.1:${port}`, KAFKA_BREAKER_OPEN_MS: "50", KAFKA_BREAKER_FAILURES: "2" };
    await using service = await startServiceProcess(folder.root, env);
    expect((await service.get("/readyz")).status).toBe(200);
    expect((await service.get("/health/kafka")).body).toMatchObject({ ok: false, reachable: false });
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const answer = await service.post(SESSION, { id: `s${i}` });
      expect(answer).toMatchObject({ status: 200, body: { path: "fallback", outcome: "applied" } });
      ids.push(answer.body.id);
    }
    expect((await service.get("/v1/sessions/s4")).status).toBe(200);
    expect(service.output()).toContain("Kafka did not take operations");

    await using gateway = await gatewayBundle({ topics: Object.fromEntries(flows.map(({ topic }) => [topic, 1])) });
    const server = await listen((request) => gateway.app.fetch(request), { host: "127.0.0.1", port });
    await service.until("a complete log", async () => {
      const { body } = await service.get("/v1/check");
      return body.atRest === true && body.outbox === 0;
    });
    const [read] = await gateway.broker.read([{ topic: "session-operations", partition: 0, offset: 0 }], {
      waitMs: 0,
      bytesMax: 1e6,
      recordsMax: 100,
    });
    const logged = read!.records.map(({ value }) => JSON.parse(new TextDecoder().decode(value!)).id as string);
    expect(new Set(logged)).toEqual(new Set(ids));
    await service.until("Kafka's turn", async () => (await service.post(SESSION, {})).body.path === "kafka");
    expect(await service.stop()).toBe(0);
    await server.stop(1_000);
  });
});

describe("a service that starts while the database is down", () => {
  it("takes what goes through Kafka, refuses the rest in words, and catches up", async () => {
    using folder = tempFolder();
    const graph = folder.path("data/graph.sqlite");
    mkdirSync(graph, { recursive: true });
    await using service = await startServiceProcess(folder.root);
    const ready = await service.get("/readyz");
    expect(ready).toMatchObject({
      status: 503,
      body: { ready: false, reasons: [expect.stringMatching(/^Cannot use the database /)] },
    });
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    expect((await service.get("/health/kafka")).status).toBe(200);
    const queued = await service.post(SESSION, { id: "s" });
    expect(queued).toMatchObject({ status: 202, body: { path: "kafka" } });
    expectProblem(await service.post("/events", { type: "t" }), "nothing_accepted");
    const keyed = { "idempotency-key": "k" };
    expect((await service.post(SESSION, { id: "t" }, keyed)).status).toBe(202);
    expectProblem(await service.post(SESSION, { id: "t" }, keyed), "nothing_accepted");
    expectProblem(await service.get("/v1/sessions/s"), "graph_unavailable");
    expectProblem(await service.get(queued.headers.get("location")!), "graph_unavailable");
    expectProblem(await service.get("/v1/check"), "graph_unavailable");

    rmdirSync(graph);
    await service.until("readiness", async () => (await service.get("/readyz")).status === 200);
    await service.until("the session", async () => (await service.get("/v1/sessions/s")).status === 200);
    expect((await service.post("/events", { type: "t" })).status).toBe(200);
    expect((await service.get("/v1/check")).body).toMatchObject({ closed: true });
    expect(await service.stop()).toBe(0);
  });
});
