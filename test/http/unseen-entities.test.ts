// Core-proof #22: 404 only on the direct path, for an entity nobody created, where no backlog is known; otherwise the
// operation merges into the unseen placeholder.
import { describe, expect, it } from "vitest";
import { expectProblem } from "../support/problem.ts";
import { startService } from "../support/service.ts";
import { refusingProduce, WAYS } from "../support/ways.ts";

const DIRECT = { env: { ENABLE_KAFKA: "false" } };
const UPDATE = { id: "nobody", title: "t" };

describe("22: an operation on an entity that nobody created", () => {
  it("is merged before the first tick has seen that there is no backlog", async () => {
    await using service = await startService(DIRECT);
    const answer = await service.post("/v1/session/update", UPDATE);
    expect(answer).toMatchObject({ status: 200, body: { outcome: "applied", unseen: true } });
  });

  it.each([
    ["/v1/session/update", UPDATE],
    ["/v1/session/delete", { id: "nobody" }],
    ["/v1/activity/end", { id: "nobody" }],
  ])("is 404 at %s once a tick has found no backlog, and leaves nothing behind", async (path, data) => {
    await using service = await startService(DIRECT);
    await service.tickToRest();
    expectProblem(await service.post(path, data), "not_found");
    expect(await (await service.request("/v1/dump?registers=true")).text()).toBe("");
    expect((await service.get("/v1/check")).body).toMatchObject({ closed: true, atRest: true, unseen: 0 });
  });

  it("is taken when it creates, and a deleted entity is nobody again", async () => {
    await using service = await startService(DIRECT);
    await service.tickToRest();
    expect((await service.post("/v1/session/create", { id: "s" })).status).toBe(200);
    expect((await service.post("/v1/session/delete", { id: "s" })).status).toBe(200);
    expectProblem(await service.post("/v1/session/update", { id: "s", title: "t" }), "not_found");
  });

  it("answers a retry after the entity's deletion as it was answered before", async () => {
    await using service = await startService(DIRECT);
    await service.tickToRest();
    await service.post("/v1/session/create", { id: "s" });
    const key = { "idempotency-key": "k" };
    const first = await service.post("/v1/session/update", { id: "s", title: "t" }, key);
    await service.post("/v1/session/delete", { id: "s" });
    const again = await service.post("/v1/session/update", { id: "s", title: "t" }, key);
    expect(again).toMatchObject({ status: 200, body: { id: first.body.id, outcome: "applied", values: null } });
  });

  it("is merged while records wait in the topic, though an earlier tick saw none", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false", TICK_RECORDS: "1" }, partitions: 1 });
    await service.tickToRest();
    await using kafka = await startService({ database: () => service.database, gateway: service.gateway });
    for (const id of ["a", "b", "c"]) await kafka.post("/v1/session/create", { id });
    const report = await service.composed.tick({ ...service.composed.budget, waitMs: 0 });
    expect(report).toMatchObject({ records: 1, more: true });
    const answer = await service.post("/v1/session/update", { id: "c", title: "t" });
    expect(answer).toMatchObject({ status: 200, body: { outcome: "applied", unseen: true } });
    await service.tickToRest();
    expect((await service.get("/v1/sessions/c")).body).toMatchObject({ title: "t" });
    await service.tickToRest();
    expectProblem(await service.post("/v1/session/update", UPDATE), "not_found");
  });

  it("is merged while an outbox row waits", async () => {
    await using service = await startService({ broker: refusingProduce() });
    await service.post("/v1/session/create", { id: "other" });
    await using direct = await startService({
      ...DIRECT,
      broker: refusingProduce(),
      database: () => service.database,
      gateway: service.gateway,
    });
    await direct.tickToRest();
    expect((await direct.post("/v1/session/update", UPDATE)).status).toBe(200);
  });

  it.each(WAYS.filter(({ path }) => path !== "direct"))(
    "is never 404 on the path $path",
    async ({ options, status }) => {
      await using service = await startService(options);
      await service.tickToRest();
      expect((await service.post("/v1/session/update", UPDATE)).status).toBe(status);
      await service.tickToRest();
      expect((await service.get("/v1/check")).body).toMatchObject({ closed: true, unseen: 1 });
      await service.post("/v1/session/create", { id: "nobody", prompt: "p" });
      await service.tickToRest();
      expect((await service.get("/v1/sessions/nobody")).body).toMatchObject({ title: "t", prompt: "p" });
    },
  );
});
