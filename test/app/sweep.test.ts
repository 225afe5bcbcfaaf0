// A sweep recomputes members in chunks: fewer at a time where a chunk is too much, and none of it in another's way.
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import type { Database, TransactRequest } from "../../src/ports/database.ts";
import { startService } from "../support/service.ts";

const MESSAGES = 30;

const tooMuch = () => new AppError("graph_unavailable", "Not written in time", { divisible: true });

/** A service with two deleted sessions of 30 messages each, whose database may refuse what sweeps write. */
async function deleted(refuses: (request: TransactRequest) => boolean) {
  const sizes: number[] = [];
  const state = { isDeleted: false };
  const service = await startService({
    env: { ENABLE_KAFKA: "false" },
    database: (inner): Database => ({
      ...inner,
      async transact(request, decide) {
        const sweeps = state.isDeleted && request.ledger.length === 0 && request.keys.length > 0;
        if (sweeps) sizes.push(request.keys.length);
        if (sweeps && refuses(request)) throw tooMuch();
        await inner.transact(request, decide);
      },
    }),
  });
  const take = async (flow: string, type: string, data: object) =>
    expect(await service.composed.service.accept([{ flow, type, data }], "default")).toMatchObject([{ status: 200 }]);
  for (const session of ["a", "b"]) {
    await take("session", "create", { id: session });
    for (let i = 0; i < MESSAGES; i++)
      await take("chat-messages", "create", { id: `${session}${i}`, session, user: "u", content: "Hello" });
  }
  await service.tickToRest();
  for (const id of ["a", "b"]) await take("session", "delete", { id });
  state.isDeleted = true;
  return { service, sizes };
}

describe("a sweep", () => {
  it("takes half as many at a time, and half again, where they are too much for the database", async () => {
    const { service, sizes } = await deleted(({ keys }) => keys.length > 10);
    await using _ = service;
    await service.tickToRest();
    expect(Math.max(...sizes)).toBe(MESSAGES + 1);
    expect((await service.get("/v1/check")).body).toMatchObject({ closed: true, atRest: true, sweeps: 0 });
    for (const id of ["a0", "b29"]) expect((await service.get(`/v1/messages/${id}`)).status).toBe(404);
  });

  it("that cannot be done holds up no other one, and is told", async () => {
    const { service } = await deleted(({ keys }) => keys.includes("default/Session/a"));
    await using _ = service;
    for (let i = 0; i < 5; i++) {
      const { failures } = await service.composed.tick({ ...service.composed.budget, waitMs: 0 });
      expect(failures).toEqual([expect.stringContaining("Cannot sweep")]);
    }
    expect(await service.database.dueSweeps(10)).toEqual([expect.objectContaining({ key: "default/Session/a" })]);
  });

  it("ends with the signal of its tick, between two transactions", async () => {
    const stopping = new AbortController();
    const { service, sizes } = await deleted(() => {
      stopping.abort();
      return false;
    });
    await using _ = service;
    await service.composed.tick({ ...service.composed.budget, waitMs: 0, signal: stopping.signal });
    expect(sizes).toHaveLength(1);
    const due = (await service.database.dueSweeps(100)).map(({ key }) => key);
    expect(due.filter((key) => key.startsWith("default/Session/"))).toHaveLength(1);
  });
});
