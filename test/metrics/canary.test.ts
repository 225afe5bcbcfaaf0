import { describe, expect, test } from "vitest";
import { type FailingDatabase, failingDatabase } from "../support/failing-database.ts";
import { startService } from "../support/service.ts";

describe("the canary", () => {
  test("arrives in every flow whose Kafka is on, changes nothing, and is no client's operation", async () => {
    await using service = await startService({ env: { KAFKA_SESSION_OPERATIONS: "off" } });
    const { canary } = service.composed;
    const before = await (await service.request("/v1/dump?registers=true")).text();
    await canary.send();
    await service.tickToRest();
    const flights = await canary.flights();
    expect([...flights.keys()].sort()).toEqual([...service.config.flowsOn].sort());
    expect([...flights.values()].every(({ arrived }) => arrived)).toBe(true);
    expect(await (await service.request("/v1/dump?registers=true")).text()).toBe(before);
    const { body } = await service.get("/v1/check");
    expect(body).toMatchObject({ closed: true, flows: { memory: { accounted: 0, derived: 1 } } });
  });

  test("that does not arrive turns readiness red past the limit, and no second one hides it", async () => {
    let nowMs = Date.now();
    await using service = await startService({ nowMs: () => nowMs, databaseNowMs: () => nowMs });
    const { canary } = service.composed;
    await canary.send();
    nowMs += 200_000;
    await canary.send();
    expect((await service.get("/readyz")).status).toBe(200);
    nowMs += 200_000;
    const { status, body } = await service.get("/readyz");
    expect(status).toBe(503);
    expect(body.reasons).toContain("flow memory: a canary that has not arrived is 400 s old (limit 300 s)");
    expect(await (await service.request("/metrics")).text()).toContain('tidegate_canary_seconds{flow="memory"} 400');
    await service.tickToRest();
    nowMs += 10_000;
    expect((await service.get("/readyz")).status).toBe(200);
  });

  test("that is lost with its log is given up once one that was sent later has arrived", async () => {
    let nowMs = Date.now();
    let loses = true;
    const keys: (string | null | undefined)[] = [];
    await using service = await startService({
      nowMs: () => nowMs,
      databaseNowMs: () => nowMs,
      broker: (broker) => ({
        ...broker,
        produce: async (records, signal) => {
          keys.push(...records.filter(({ topic }) => topic === "memory-operations").map(({ key }) => key));
          return loses
            ? records.map(() => ({ status: "ok", partition: 0, offset: 0 }))
            : broker.produce(records, signal);
        },
      }),
    });
    const { canary } = service.composed;
    await canary.send();
    loses = false;
    for (let i = 0; i < 2; i++) {
      nowMs += 310_000;
      expect((await service.get("/readyz")).status).toBe(503);
      await canary.send();
    }
    expect((await canary.flights()).get("memory")).toMatchObject({ arrived: false, ms: 620_000 });
    // All went the same way: one that arrives has overtaken none.
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    await service.tickToRest();
    nowMs += 10_000;
    const { status, body } = await service.get("/readyz");
    expect([status, body.reasons]).toEqual([200, []]);
    expect((await canary.flights()).get("memory")).toMatchObject({ arrived: true });
    expect(service.lines).toContainEqual(expect.objectContaining({ error: expect.stringContaining("is lost") }));
  });

  test("is not sent by request", async () => {
    await using service = await startService();
    expect((await service.post("/v1/memory/canary", {})).status).toBe(404);
  });

  test("survives a database that does not answer", async () => {
    let failing: FailingDatabase | undefined;
    await using service = await startService({
      database: (database) => {
        failing = failingDatabase(database);
        return failing;
      },
    });
    await service.composed.canary.send();
    failing!.faults.down = true;
    await service.composed.canary.send();
    expect((await service.composed.canary.flights()).get("memory")).toMatchObject({ arrived: false });
  });
});
