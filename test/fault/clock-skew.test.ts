// Core-proof #27: an instance whose clock is more than 30 seconds from the database's mints nothing.
import { describe, expect, it } from "vitest";
import type { Webhooks } from "../../src/ports/webhook.ts";
import { expectProblem } from "../support/problem.ts";
import { type ServiceOptions, startService } from "../support/service.ts";
import { STILL_WEBHOOKS } from "../support/still-outside.ts";
import { WAYS } from "../support/ways.ts";

const CREATE = "/v1/session/create";

/** A service whose clock a test can turn. */
async function startTurning(options: ServiceOptions = {}) {
  const clock = { ms: 1_800_000_000_000, aheadMs: 0 };
  const service = await startService({
    ...options,
    nowMs: () => clock.ms + clock.aheadMs,
    databaseNowMs: () => clock.ms,
  });
  return { service, clock };
}

describe.each(WAYS)("27: a wrong clock on the path $path", ({ options, status }) => {
  it.each([30_001, -30_001])("by %i ms is 503 and nothing is minted, until it is right again", async (aheadMs) => {
    const { service, clock } = await startTurning(options);
    await using _ = service;
    await service.tickToRest();
    clock.aheadMs = aheadMs;
    await service.tickToRest();
    const answer = await service.post(CREATE, { id: "s" }, { "idempotency-key": "k" });
    expect(expectProblem(answer, "clock_skew").detail).toContain(`${aheadMs} ms`);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(answer.headers.get("location")).toBeNull();
    const batch = await service.post("/v1/operations", [{ flow: "session", type: "create", data: {}, key: "k2" }]);
    expect(batch.body).toMatchObject([{ status: 503, problem: { code: "clock_skew" } }]);
    expectProblem(await service.post("/events", { type: "t" }), "clock_skew");
    expect((await service.get("/readyz")).status).toBe(503);
    expect(service.sql().all("SELECT key FROM idempotency_key")).toEqual([]);
    expect((await service.get("/v1/check")).body).toMatchObject({ atRest: true });
    expect(service.lines.at(-1)).toMatchObject({ level: "error", skewMs: aheadMs });

    clock.aheadMs = 0;
    await service.tickToRest();
    expect((await service.post(CREATE, { id: "s" }, { "idempotency-key": "k" })).status).toBe(status);
    expect((await service.get("/readyz")).status).toBe(200);
  });
});

describe("27: a clock that is a little wrong", () => {
  it.each([30_000, -30_000])("by %i ms is taken", async (aheadMs) => {
    const { service, clock } = await startTurning();
    await using _ = service;
    clock.aheadMs = aheadMs;
    await service.tickToRest();
    expect((await service.post(CREATE, { id: "s" })).status).toBe(202);
  });

  it("does not stop the consumer: what others minted is applied", async () => {
    const { service, clock } = await startTurning();
    await using _ = service;
    await service.post(CREATE, { id: "s" });
    clock.aheadMs = -90_000;
    await service.tickToRest();
    expect((await service.get("/v1/sessions/s")).status).toBe(200);
  });

  it("that goes back never mints a stamp before those it gave out", async () => {
    const { service, clock } = await startTurning();
    await using _ = service;
    const first = (await service.post(CREATE, { id: "s", title: "1" })).body;
    clock.aheadMs = -20_000;
    const second = (await service.post("/v1/session/update", { id: "s", title: "2" })).body;
    expect(second.stamp > first.stamp).toBe(true);
    await service.tickToRest();
    expect((await service.get("/v1/sessions/s")).body).toMatchObject({ title: "2" });
  });

  it("begins no prepared work and forgets nothing; both go on once it is right", async () => {
    const asked: number[] = [];
    const webhooks: Webhooks = {
      ...STILL_WEBHOOKS,
      call: async (...args) => {
        asked.push(1);
        return STILL_WEBHOOKS.call(...args);
      },
    };
    const { service, clock } = await startTurning({ webhooks });
    await using _ = service;
    await service.post("/v1/action/execute", { id: "a", webhook: "echo", input: 1 }, { "idempotency-key": "k" });
    // So far ahead that every key would be past its time.
    clock.aheadMs = 8 * 86_400_000;
    await service.tickToRest();
    await service.composed.prepare.idle();
    expect(asked).toEqual([]);
    expect(service.sql().all("SELECT count(*) AS n FROM idempotency_key")).toEqual([{ n: 1 }]);

    clock.aheadMs = 0;
    await service.tickToRest();
    expect(asked).toEqual([1]);
    expect((await service.get("/v1/actions/a")).body).toMatchObject({ status: "completed" });
  });
});
