// What a client prefers: to wait, not to wait, to hear little; and what is said to have been applied.
import { describe, expect, it } from "vitest";
import { readPrefer } from "../../src/http/prefer.ts";
import { fakeWebhooks, hanging } from "../support/fake-webhooks.ts";
import { expectProblem } from "../support/problem.ts";
import { type ServiceOptions, type ServiceUnderTest, startService } from "../support/service.ts";
import { waitFor } from "../support/tidegate-process.ts";
import { WAYS } from "../support/ways.ts";

const DIRECT: ServiceOptions = { env: { ENABLE_KAFKA: "false" } };
const [KAFKA, , FALLBACK] = WAYS;

const create = (service: ServiceUnderTest, prefer: string, id = "k") =>
  service.post("/v1/memory/create", { id, user: "u", content: "c" }, { prefer });

describe("the Prefer header", () => {
  it.each([
    ["", {}],
    ["wait=5", { wait: 5 }],
    ['wait="5"', { wait: 5 }],
    ["Wait = 5", { wait: 5 }],
    ["wait=0", { wait: 0 }],
    ["wait=31", { wait: 30 }],
    ["wait=999999999", { wait: 30 }],
    ["wait=9999999999", {}],
    ["wait=-1", {}],
    ["wait=1.5", {}],
    ["wait", {}],
    ["wait=1, wait=9", { wait: 1 }],
    ["respond-async, wait=10", { wait: 10, async: true }],
    ["RESPOND-ASYNC", { async: true }],
    ["return=minimal", { minimal: true }],
    ['return="minimal"', { minimal: true }],
    ["return=representation", {}],
    ["handling=lenient; wait=5", {}],
    ["respond-async; wait=5", { async: true }],
    ['note="a, wait=5", return=minimal', { minimal: true }],
    ['note="a \\", wait=5"', {}],
    [", ,;;=", {}],
    ['"'.repeat(999), {}],
    [`${"x".repeat(1_000)}, wait=5`, {}],
  ])("%.40j", (header, expected) => {
    expect(readPrefer(header)).toEqual(expected);
  });

  it("says nothing when it is not there", () => {
    expect(readPrefer(undefined)).toEqual({});
  });
});

describe("wait", () => {
  it("answers a queued operation once it is applied", async () => {
    await using service = await startService(KAFKA.options);
    const answering = create(service, "wait=30");
    let answered = false;
    void answering.finally(() => {
      answered = true;
    });
    await waitFor("the record to be applied", 10_000, async () => {
      await service.tickToRest();
      return answered;
    });
    const { status, headers, body } = await answering;
    expect([status, headers.get("preference-applied")]).toEqual([200, "wait=30"]);
    expect(body).toMatchObject({
      path: "kafka",
      outcome: "applied",
      current: true,
      entity: { kind: "Memory", id: "k" },
    });
    expect(body).not.toHaveProperty("state");
    expect(headers.get("location")).toBe(`/v1/operations/${body.id}`);
    expect(headers.get("tidegate-stamp")).toBe(body.stamp);
  });

  it.each([KAFKA, FALLBACK])(
    "on the path $path is told when it took longer, or nothing was to be waited for",
    async ({ options, path, status }) => {
      await using service = await startService(options);
      const answer = await create(service, "wait=0");
      expect(answer).toMatchObject({ status, body: { path } });
      expect(answer.headers.get("preference-applied")).toBe("wait=0");
    },
  );

  it("answers 202 with the reason when the operation was set aside meanwhile", async () => {
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
    const answering = create(service, "wait=30");
    await waitFor("the record to be parked", 10_000, async () => {
      await service.tickToRest();
      return (await service.database.backlog()).parked === 1;
    });
    expect(await answering).toMatchObject({ status: 202, body: { outcome: "parked", reason: "handler_failed" } });
  });

  it.each([2, 7])(
    "bounds the whole request, prepared work and the look for its outcome together: %i s",
    async (wait) => {
      let nowMs = Date.now();
      await using service = await startService({
        ...DIRECT,
        webhooks: fakeWebhooks({ slow: hanging }),
        nowMs: () => nowMs,
        databaseNowMs: () => nowMs,
        delay: async (ms) => {
          nowMs += ms;
        },
      });
      const before = nowMs;
      const headers = { prefer: `wait=${wait}` };
      const answer = await service.post("/v1/action/execute", { webhook: "slow" }, headers);
      expect(answer).toMatchObject({ status: 202, body: { outcome: "pending" } });
      expect(nowMs - before).toBe(wait * 1_000);
    },
  );

  it("never turns an accepted operation into a problem", async () => {
    let down = false;
    await using service = await startService({
      ...KAFKA.options,
      database: (database) => ({
        ...database,
        ledgerRows: (keys) =>
          down ? Promise.reject(new TypeError("the connection broke")) : database.ledgerRows(keys),
      }),
    });
    down = true;
    const answer = await create(service, "wait=5");
    expect(answer).toMatchObject({ status: 202, body: { outcome: "queued" } });
    down = false;
    await service.tickToRest();
    expect((await service.get(`/v1/operations/${answer.body.id}`)).body.state).toBe("applied");
  });
});

describe("respond-async", () => {
  it("does not wait for prepared work", async () => {
    const webhooks = fakeWebhooks({ slow: hanging });
    await using service = await startService({ ...DIRECT, webhooks });
    const answer = await service.post("/v1/action/execute", { webhook: "slow" }, { prefer: "respond-async" });
    expect(answer).toMatchObject({ status: 202, body: { outcome: "pending", path: "direct" } });
    expect(answer.headers.get("preference-applied")).toBe("respond-async");
    expect(webhooks.calls).toEqual([]);
  });

  it("is not said to be applied when the answer is there already", async () => {
    await using service = await startService(DIRECT);
    const answer = await create(service, "respond-async");
    expect([answer.status, answer.headers.get("preference-applied")]).toEqual([200, null]);
  });
});

describe("a batch", () => {
  const execute = { flow: "action", type: "execute", data: { webhook: "slow" } };

  it.each([
    [undefined, 5_000],
    ["wait=2", 2_000],
  ])("with the preference %s waits for the work of all its chunks together", async (prefer, waitMs) => {
    let nowMs = Date.now();
    await using service = await startService({
      ...DIRECT,
      webhooks: fakeWebhooks({ slow: hanging }),
      nowMs: () => nowMs,
      databaseNowMs: () => nowMs,
      delay: async (ms) => {
        nowMs += ms;
      },
    });
    const before = nowMs;
    const items = Array.from({ length: 600 }, () => execute);
    const { status, body } = await service.post("/v1/operations", items, prefer === undefined ? {} : { prefer });
    expect(status).toBe(200);
    expect(new Set((body as unknown as { outcome: string }[]).map(({ outcome }) => outcome))).toEqual(
      new Set(["pending"]),
    );
    expect(nowMs - before).toBe(waitMs);
  });

  it("with the preference respond-async waits for none", async () => {
    const webhooks = fakeWebhooks({ slow: hanging });
    await using service = await startService({ ...DIRECT, webhooks });
    const answer = await service.post("/v1/operations", [execute], { prefer: "respond-async" });
    expect(answer).toMatchObject({ status: 200, body: [{ status: 202, outcome: "pending" }] });
    expect(answer.headers.get("preference-applied")).toBe("respond-async");
    expect(webhooks.calls).toEqual([]);
  });
});

describe("return=minimal", () => {
  it.each(WAYS)("leaves the body out on the path $path, and nothing else", async ({ options, status }) => {
    await using service = await startService(options);
    const response = await service.request("/v1/memory/create", {
      method: "POST",
      body: JSON.stringify({ user: "u", content: "c" }),
      headers: { "content-type": "application/json", prefer: "return=minimal" },
    });
    expect([response.status, await response.text()]).toEqual([status, ""]);
    expect(response.headers.get("preference-applied")).toBe("return=minimal");
    expect(response.headers.get("tidegate-stamp")).toMatch(/^[0-9a-f-]{34}$/);
    await service.tickToRest();
    expect((await service.get(response.headers.get("location")!)).body.state).toBe("applied");
  });

  it("does not silence a problem", async () => {
    await using service = await startService(DIRECT);
    const answer = await service.post("/v1/memory/create", { user: 5 }, { prefer: "return=minimal, wait=5" });
    expectProblem(answer, "invalid_input");
    expect(answer.headers.get("preference-applied")).toBeNull();
  });
});
