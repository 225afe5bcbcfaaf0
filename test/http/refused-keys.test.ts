// A 404 is a refusal before acceptance (core-proof #22): the key it came with is free again, unless another request may
// have the same operation applied (#25).
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import type { Database } from "../../src/ports/database.ts";
import { expectProblem } from "../support/problem.ts";
import { type ServiceOptions, type ServiceUnderTest, startService } from "../support/service.ts";

const RENAME = { id: "s1", title: "New title" };
const KEY = { "idempotency-key": "rename-1" };

const rename = (service: ServiceUnderTest, headers: object = {}) =>
  service.post("/v1/session/update", RENAME, { ...KEY, ...headers });
const create = (service: ServiceUnderTest) =>
  service.post("/v1/session/create", { id: "s1", user: "u", title: "Old title" });
const titleOf = async (service: ServiceUnderTest) => (await service.get("/v1/sessions/s1")).body.title;

/** Applies at once, and knows that nothing waits: what is not there does not exist. */
async function directly(options: ServiceOptions = {}): Promise<ServiceUnderTest> {
  const service = await startService({ env: { ENABLE_KAFKA: "false" }, ...options });
  await service.tickToRest();
  return service;
}

describe("a key that came with a 404", () => {
  it("stands for nothing: the same request later is a new operation, and takes effect once", async () => {
    await using service = await directly();
    for (let i = 0; i < 2; i++) expectProblem(await rename(service), "not_found");
    const created = await create(service);
    const renamed = await rename(service, { "tidegate-after": created.body.stamp });
    expect(renamed).toMatchObject({ status: 200, body: { outcome: "applied" } });
    expect(await titleOf(service)).toBe("New title");
    expect((await rename(service)).body).toEqual(renamed.body);
    expect((await service.get("/v1/check")).body).toMatchObject({ closed: true, flows: { session: { applied: 2 } } });
  });

  it("may come with another body then", async () => {
    await using service = await directly();
    expectProblem(await rename(service), "not_found");
    await create(service);
    expect((await service.post("/v1/session/update", { id: "s1", title: "Other" }, KEY)).status).toBe(200);
  });

  it("is free in a batch, of those items alone that were refused", async () => {
    await using service = await directly();
    const items = [
      { flow: "session", type: "update", data: RENAME, key: "rename-1" },
      { flow: "session", type: "create", data: { id: "s2", user: "u" }, key: "create-2" },
    ];
    const send = async () => (await service.post("/v1/operations", items)).body as unknown as { status: number }[];
    const first = await send();
    expect(first.map(({ status }) => status)).toEqual([404, 200]);
    await create(service);
    const again = await send();
    expect(again.map(({ status }) => status)).toEqual([200, 200]);
    expect(again[1]).toEqual(first[1]);
    expect(await titleOf(service)).toBe("New title");
  });

  it("stays with its operation where a request beside it was given the same one, and had it applied", async () => {
    let meanwhile: (() => Promise<void>) | undefined;
    const database = (inner: Database): Database => ({
      ...inner,
      async releaseKeys(rows) {
        await meanwhile?.();
        meanwhile = undefined;
        return inner.releaseKeys(rows);
      },
    });
    await using service = await directly({ database });
    let beside: unknown;
    meanwhile = async () => {
      await create(service);
      beside = (await rename(service)).body;
    };
    expectProblem(await rename(service), "not_found");
    expect((await rename(service)).body).toEqual(beside);
    expect((await service.get("/v1/check")).body).toMatchObject({ closed: true, flows: { session: { accounted: 2 } } });
  });

  it("stays with its operation where an earlier attempt may still land, whatever its retry is told", async () => {
    let fails = false;
    const database = (inner: Database): Database => ({
      ...inner,
      async transact(...args) {
        if (!fails) return inner.transact(...args);
        fails = false;
        throw new AppError("graph_unavailable", "Cannot use the database: no answer", { ambiguous: true });
      },
    });
    await using service = await directly({ database });
    fails = true;
    const { body } = await rename(service);
    expect(body).toMatchObject({ code: "outcome_unknown" });
    expectProblem(await rename(service, { "tidegate-retry": body.retryToken }), "not_found");
    await create(service);
    expect((await rename(service)).body.id).toBe(body.id);
  });

  it("stays with its operation where it could not be released, which the operator is told and the client is not", async () => {
    const database = (inner: Database): Database => ({
      ...inner,
      releaseKeys: async () => {
        throw new AppError("graph_unavailable", "Cannot use the database: connection refused");
      },
    });
    await using service = await directly({ database });
    for (let i = 0; i < 2; i++) expectProblem(await rename(service), "not_found");
    const told = service.lines.filter(({ message }) => message.includes("release idempotency keys"));
    expect(told).toMatchObject([{ level: "error", error: expect.stringContaining("connection refused") }]);
  });
});
