// Roles: an api and consumers as processes of their own that share one folder of embedded files.
import { describe, expect, it } from "vitest";
import { expectProblem } from "../support/problem.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";

describe("processes that share embedded files", () => {
  it("started together: the api accepts, each consumer applies its flows, and every secret is one", async () => {
    using folder = tempFolder();
    const [starting, other] = [
      startServiceProcess(folder.root, { ROLE: "api" }),
      startServiceProcess(folder.root, { ROLE: "consumer", CONSUME: "memory" }),
    ];
    await using api = await starting;
    await using memories = await other;
    const memory = (await api.post("/v1/memory/create", { id: "k", user: "u", content: "c" })).body;
    const session = (await api.post("/v1/session/create", { id: "s" })).body;
    const stateOf = async (id: string) => (await api.get(`/v1/operations/${id}`)).body.state;
    await api.until("the memory", async () => (await stateOf(memory.id)) === "applied");
    expect(await stateOf(session.id)).toBe("pending");
    expect((await memories.get(`/v1/operations/${session.id}`)).body).toEqual({ id: session.id, state: "pending" });
    expectProblem(await memories.post("/v1/memory/create", { user: "u", content: "c" }), "not_found");

    await using sessions = await startServiceProcess(folder.root, { ROLE: "consumer", CONSUME: "session,activity" });
    await api.until("the session", async () => (await stateOf(session.id)) === "applied");
    expect((await api.get("/v1/sessions/s")).status).toBe(200);
    expect(sessions.output()).toMatch(/"consumes":"session, activity"/);
    expect(api.output()).not.toContain('"consumes"');
    const check = (await api.get("/v1/check")).body;
    expect(check).toMatchObject({
      closed: true,
      atRest: true,
      flows: { memory: { foreign: 0 }, session: { applied: 1 } },
    });
    expect(await Promise.all([api.stop(), memories.stop(), sessions.stop()])).toEqual([0, 0, 0]);
  });

  it("share the partitions of a flow; when one is killed the others take its share over", async () => {
    using folder = tempFolder();
    const consumer = { ROLE: "consumer", CONSUME: "memory", CONSUMER_KEEP_MS: "1000" };
    const [starting, ...others] = [
      startServiceProcess(folder.root, { ROLE: "api" }),
      ...[1, 2, 3].map(() => startServiceProcess(folder.root, consumer)),
    ];
    await using api = await starting!;
    const [first, second, third] = await Promise.all(others);
    await using _first = first!;
    await using _second = second!;
    await using _third = third!;
    const remember = (from: number, count: number) =>
      api.post(
        "/v1/operations",
        Array.from({ length: count }, (_, i) => ({
          flow: "memory",
          type: "create",
          data: { id: `k${from + i}`, user: `u${(from + i) % 20}`, content: "c" },
        })),
      );
    const applied = async () =>
      ((await api.get("/v1/check")).body.flows as { memory: { applied: number } }).memory.applied;
    await remember(0, 200);
    await api.until("the first memories", async () => (await applied()) === 200);
    await third!.stop("SIGKILL");
    await remember(200, 200);
    await api.until("the memories after a consumer was killed", async () => (await applied()) === 400);
    expect((await api.get("/v1/check")).body).toMatchObject({ closed: true, flows: { memory: { accounted: 400 } } });
    expect(await Promise.all([api.stop(), first!.stop(), second!.stop()])).toEqual([0, 0, 0]);
  });
});
