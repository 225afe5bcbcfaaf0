// Health, ticks, the accounting and the dump: what schedulers and operators call.
import { describe, expect, it } from "vitest";
import { failingBroker } from "../support/failing-broker.ts";
import { type FailingDatabase, failingDatabase } from "../support/failing-database.ts";
import { gatewayBundle } from "../support/gateway-bundle.ts";
import { expectProblem, readProblem } from "../support/problem.ts";
import { type ServiceOptions, startService } from "../support/service.ts";
import { refusingProduce } from "../support/ways.ts";

/** A service whose database a test can switch off. */
async function startFailing(options: ServiceOptions = {}) {
  let failing: FailingDatabase | undefined;
  const service = await startService({
    ...options,
    database: (database) => {
      failing = failingDatabase(database);
      return failing;
    },
  });
  return { service, faults: failing!.faults };
}

describe("health", () => {
  it("is good when everything is", async () => {
    await using service = await startService();
    await service.tickToRest();
    expect(await (await service.request("/livez")).text()).toBe("ok\n");
    expect(await service.get("/readyz")).toMatchObject({ status: 200, body: { ready: true, reasons: [] } });
    expect(await service.get("/health/kafka")).toMatchObject({
      status: 200,
      body: { ok: true, reachable: true, breaker: "closed", topicsMissing: [], outbox: 0, outboxOldestMs: null },
    });
    expect(await service.get("/health")).toMatchObject({
      status: 200,
      body: { name: "tidegate", version: "0.0.0-test", ready: true, kafka: { ok: true }, backlog: { outbox: 0 } },
    });
  });

  it("names the flows whose Kafka is on", async () => {
    await using service = await startService({ env: { USE_KAFKA: "on", KAFKA_SESSION_OPERATIONS: "off" } });
    const { body } = await service.get("/health/kafka");
    expect(body.flowsOn).toEqual([
      "chat-messages",
      "summarization",
      "context-analysis",
      "memory",
      "activity",
      "action",
      "events",
    ]);
  });

  it("is ready while Kafka is down, because the fallback works", async () => {
    await using service = await startService({ broker: failingBroker });
    expect((await service.get("/readyz")).status).toBe(200);
    expect((await service.get("/health")).status).toBe(200);
    const kafka = await service.get("/health/kafka");
    expect(kafka).toMatchObject({ status: 503, body: { ok: false, reachable: false } });
    expect(kafka.body.detail).toContain("connection refused");
  });

  it("is not ready while the database is down, and is alive", async () => {
    const { service, faults } = await startFailing();
    await using _ = service;
    faults.down = true;
    expect(await service.get("/readyz")).toMatchObject({ status: 503, body: { ready: false } });
    expect(await service.get("/health")).toMatchObject({ status: 503, body: { backlog: null, kafka: { ok: true } } });
    expect((await service.request("/livez")).status).toBe(200);
    faults.down = false;
    expect((await service.get("/readyz")).status).toBe(200);
  });

  it("is not ready while the clock is wrong", async () => {
    await using service = await startService({ nowMs: () => Date.now() + 31_000 });
    await service.tickToRest();
    const ready = await service.get("/readyz");
    expect(ready.status).toBe(503);
    expect(String(ready.body.reasons)).toMatch(/this clock is 3\d{4} ms from the database's/);
  });

  it("of Kafka is red while a topic is missing", async () => {
    await using gateway = await gatewayBundle({ topics: { events: 1, "session-operations": 1 } });
    await using service = await startService({ gateway });
    const kafka = await service.get("/health/kafka");
    expect(kafka.status).toBe(503);
    expect(kafka.body.topicsMissing).toEqual([
      "chat-message-requests",
      "summarization-requests",
      "context-analysis-requests",
      "memory-operations",
      "activity-operations",
      "action-operations",
    ]);
    expect(kafka.body.detail).toContain("memory-operations is missing");
    expect((await service.get("/readyz")).status).toBe(200);
  });

  it("of Kafka is red while a record waits that Kafka will never take, and says why", async () => {
    await using service = await startService({
      broker: refusingProduce({ status: "fatal", reason: "not authorised" }),
    });
    await service.post("/v1/session/create", { id: "s" });
    const before = await service.get("/health/kafka");
    expect(before).toMatchObject({ status: 503, body: { ok: false, reachable: true, outbox: 1 } });
    expect(before.body.detail).toContain("not authorised");
    const { backlog } = (await service.get("/health")).body as unknown as { backlog: { oldestOutboxMs: number } };
    for (const age of [before.body.outboxOldestMs as number, backlog.oldestOutboxMs]) {
      expect(age).toBeGreaterThanOrEqual(-50);
      expect(age).toBeLessThan(60_000);
    }
    await service.tickToRest();
    expect((await service.get("/health/kafka")).body.outbox).toBe(1);
    expect((await service.get("/v1/check")).body).toMatchObject({ closed: true, atRest: false, outbox: 1 });
  });

  it("of Kafka stays green while a record waits that Kafka will take later", async () => {
    await using service = await startService({ broker: refusingProduce() });
    await service.post("/v1/session/create", { id: "s" });
    expect(await service.get("/health/kafka")).toMatchObject({ status: 200, body: { ok: true, outbox: 1 } });
  });
});

describe("POST /v1/tick", () => {
  it("says what it did and whether more is left", async () => {
    await using service = await startService({ env: { TICK_RECORDS: "2" }, partitions: 1 });
    for (const id of ["a", "b", "c"]) await service.post("/v1/session/create", { id });
    const tick = async () => (await service.post("/v1/tick", {})).body;
    expect(await tick()).toMatchObject({ records: 2, first: 2, duplicate: 0, parked: 0, more: true, failures: [] });
    expect(await tick()).toMatchObject({ records: 1, first: 1, more: false });
    expect(await tick()).toMatchObject({ records: 0, relayed: 0, swept: 0, more: false });
  });

  it("answers 200 with its failures when a part cannot be done", async () => {
    await using service = await startService({ broker: failingBroker });
    const tick = await service.post("/v1/tick", {});
    expect(tick.status).toBe(200);
    expect(String(tick.body.failures)).toContain("connection refused");
  });
});

describe("GET /v1/check", () => {
  it("shows every partition, every flow and whether the accounts close", async () => {
    await using service = await startService();
    await service.post("/v1/session/create", { id: "s" });
    const before = (await service.get("/v1/check")).body;
    expect(before).toMatchObject({ closed: true, atRest: false, flows: { session: { pending: 1, accounted: 1 } } });
    await service.tickToRest();
    expect((await service.get("/v1/check")).body).toMatchObject({
      closed: true,
      atRest: true,
      flows: { session: { pending: 0, accounted: 1, applied: 1, byPath: { kafka: 1, direct: 0, fallback: 0 } } },
      partitions: [
        { topic: "session-operations", position: 1, end: 1, closed: true, counts: { records: 1, first: 1 } },
      ],
    });
  });

  it("counts what waits in a log that was made anew from its beginning", async () => {
    await using service = await startService({ partitions: 1 });
    for (const id of ["a", "b", "c"]) await service.post("/v1/session/create", { id });
    await service.tickToRest();
    await using gateway = await gatewayBundle({ topics: { "session-operations": 1 } });
    await using anew = await startService({ gateway, database: () => service.database });
    for (const id of ["d", "e", "f", "g"]) await anew.post("/v1/session/create", { id });
    const waiting = (await anew.get("/v1/check")).body;
    expect(waiting).toMatchObject({ atRest: false, flows: { session: { applied: 3, pending: 4 } } });
    await anew.tickToRest();
    const done = (await anew.get("/v1/check")).body;
    expect(done).toMatchObject({ closed: true, atRest: true, flows: { session: { applied: 7, pending: 0 } } });
  });

  it("says that it does not know what waits while Kafka is down", async () => {
    await using service = await startService({ broker: failingBroker });
    expect((await service.get("/v1/check")).body).toMatchObject({
      atRest: false,
      flows: { session: { pending: null } },
    });
  });

  it("is a problem while the database is down", async () => {
    const { service, faults } = await startFailing();
    await using _ = service;
    faults.down = true;
    for (const path of ["/v1/check", "/v1/dump", "/v1/sessions/s", "/v1/operations/x"])
      expectProblem(await service.get(path), "graph_unavailable");
  });
});

describe("GET /v1/dump", () => {
  it("streams the visible graph as canonical JSON Lines, and every register on request", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
    await service.post("/v1/session/create", { id: "s", user: "u", title: "t" });
    await service.post("/v1/session/create", { id: "gone" });
    await service.post("/v1/session/delete", { id: "gone" });
    const response = await service.request("/v1/dump");
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect((await response.text()).split("\n")).toEqual([
      '{"fields":{"title":"t"},"labels":["Session"],"node":"default/Session/s"}',
      '{"fields":{},"labels":["User"],"node":"default/User/u"}',
      '{"edge":"HAS","from":"default/User/u","to":"default/Session/s"}',
      "",
    ]);
    const registers = await (await service.request("/v1/dump?registers=true")).text();
    const lines = registers.split("\n").filter(Boolean);
    expect(lines.map((line) => JSON.parse(line).entity).filter(Boolean)).toEqual([
      "default/Session/gone",
      "default/Session/s",
      "default/User/u",
    ]);
    expect(registers).toContain('"died":');
  });

  it("is a problem when it cannot begin", async () => {
    const { service, faults } = await startFailing();
    await using _ = service;
    faults.down = true;
    await readProblem(await service.request("/v1/dump"), "graph_unavailable");
  });
});
