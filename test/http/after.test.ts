// `?after=`: a read that waits for what its client wrote.
import { describe, expect, it } from "vitest";
import { expectProblem } from "../support/problem.ts";
import { type ServiceOptions, type ServiceUnderTest, startService } from "../support/service.ts";
import { waitFor } from "../support/tidegate-process.ts";
import { WAYS } from "../support/ways.ts";

const READS = [
  "/v1/memories/k?",
  "/v1/memories?text=tea&",
  "/v1/sessions?user=u&",
  "/v1/sessions/s?",
  "/v1/sessions/s/messages?",
  "/v1/users/u/summary?",
  "/v1/graph/User/u?",
];

const [KAFKA] = WAYS;

async function seeded(options: ServiceOptions): Promise<ServiceUnderTest> {
  const service = await startService(options);
  await service.post("/v1/session/create", { id: "s", user: "u" });
  await service.post("/v1/summarization/generate", { id: "sum", user: "u" });
  await service.tickToRest();
  return service;
}

const create = (service: ServiceUnderTest) =>
  service.post("/v1/memory/create", { id: "k", user: "u", content: "green tea" });

describe.each(WAYS)("after an operation of the path $path", ({ options, path }) => {
  it.each(READS)("GET %safter= waits until it is applied", async (read) => {
    await using service = await seeded(options);
    const { body } = await create(service);
    const reading = service.get(`${read}after=${body.id}`);
    let answered = false;
    void reading.finally(() => {
      answered = true;
    });
    if (path === "kafka") {
      expect((await service.get(`/v1/operations/${body.id}`)).body.state).toBe("pending");
      expect(answered).toBe(false);
    }
    await waitFor("the answer", 10_000, async () => {
      await service.tickToRest();
      return answered;
    });
    const { status, body: found } = await reading;
    expect(status).toBe(200);
    if (read.startsWith("/v1/memories")) expect(JSON.stringify(found)).toContain("green tea");
  });
});

describe("a read after an operation", () => {
  it("says that it took too long, by the time the client prefers, and that it may be asked again", async () => {
    let nowMs = Date.now();
    await using service = await startService({
      ...KAFKA.options,
      nowMs: () => nowMs,
      delay: async (ms) => {
        nowMs += ms;
      },
    });
    const { id } = (await create(service)).body;
    for (const [prefer, waitMs] of [
      [undefined, 5_000],
      ["wait=2", 2_000],
      ["wait=0", 0],
      ["wait=99", 30_000],
    ] as const) {
      const since = nowMs;
      const headers = prefer === undefined ? {} : { prefer };
      const response = await service.request(`/v1/memories/k?after=${id}`, { headers });
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await response.json()).toMatchObject({ code: "not_yet_applied", retryable: true });
      expect(nowMs - since).toBe(waitMs);
    }
  });

  it("does not wait for one that was set aside or discarded", async () => {
    await using service = await startService({
      ...KAFKA.options,
      database: (database) => ({
        ...database,
        transact(request, decide) {
          if (request.keys.length > 0) throw new TypeError("this entity breaks us");
          return database.transact(request, decide);
        },
      }),
    });
    const { id } = (await create(service)).body;
    await service.tickToRest();
    expect((await service.get(`/v1/memories?after=${id}`)).body).toEqual({ items: [], next: null });
    await service.post("/v1/parked/discard", {});
    await service.tickToRest();
    expect((await service.get(`/v1/memories?after=${id}`)).status).toBe(200);
  });

  it.each(["nothing", "", "00000000-0000-7000-8000-000000000000", "%00", "a/b"])(
    "refuses the id %j, which was never given out",
    async (id) => {
      await using service = await startService(KAFKA.options);
      for (const read of READS) {
        const problem = expectProblem(await service.get(`${read}after=${id}`), "invalid_input");
        expect(problem.errors?.[0]?.pointer).toBe("#/after");
      }
    },
  );

  it("refuses another tenant's id", async () => {
    await using service = await startService(KAFKA.options);
    const submission = { flow: "memory", type: "create", data: { id: "k", user: "u", content: "c" } };
    const [answer] = await service.composed.service.accept([submission], "other");
    await service.tickToRest();
    const { id } = answer as { id: string };
    expectProblem(await service.get(`/v1/memories?after=${id}`), "invalid_input");
  });
});
