// Prepared work and queries on every path: core-proof #32, #33, #34, and what the accounting says of them.
import { describe, expect, test } from "vitest";
import type { Webhooks } from "../../src/ports/webhook.ts";
import { fakeWebhooks, refusing } from "../support/fake-webhooks.ts";
import { type ServiceOptions, type ServiceUnderTest, startService } from "../support/service.ts";
import type { STILL_MODEL } from "../support/still-outside.ts";

const down = () => ({
  cluster: "down",
  produce: async (records: readonly unknown[]) =>
    records.map(() => ({ status: "retryable" as const, reason: "connection refused" })),
  read: async () => Promise.reject(new Error("down")),
  topics: async () => Promise.reject(new Error("down")),
});

const PATHS: readonly (readonly [name: string, options: ServiceOptions])[] = [
  ["kafka", {}],
  ["direct", { env: { ENABLE_KAFKA: "false" } }],
  ["fallback", { broker: down as never }],
];

async function seed(service: ServiceUnderTest): Promise<void> {
  await service.post("/v1/session/create", { id: "s", user: "u" });
  await service.post("/v1/chat-messages/create", { id: "m1", session: "s", user: "u", content: "Hello there." });
  await service.post("/v1/chat-messages/create", { id: "m2", session: "s", user: "v", content: "Who are you?" });
  await service.tickToRest();
}

async function dump(service: ServiceUnderTest, registers = false): Promise<string> {
  return (await service.request(`/v1/dump${registers ? "?registers=true" : ""}`)).text();
}

describe.each(PATHS)("by %s", (path, options) => {
  test("#32 a summary is generated once, as an operation of its own, and the request becomes terminal with it", async () => {
    await using service = await startService(options);
    await seed(service);
    const made = await service.post("/v1/summarization/generate", { id: "sum", session: "s" });
    expect(made.body).toMatchObject(
      path === "kafka" ? { path, outcome: "queued" } : { path, outcome: "applied", values: { status: "ready" } },
    );
    await service.tickToRest();
    const { body } = await service.get(`/v1/operations/${made.body.id}`);
    expect(body).toMatchObject({ state: "applied", flow: "summarization", type: "generate", path, current: true });
    expect((await service.get("/v1/summaries/sum")).body).toMatchObject({
      status: "ready",
      stale: false,
      of: { kind: "Session", id: "s" },
      summary: { text: "2 texts", restsOn: ["m1", "m2"], model: "still" },
    });
    expect((await service.get("/v1/sessions/s")).status).toBe(200);
    const { body: check } = await service.get("/v1/check");
    expect(check.closed).toBe(true);
    expect(check.flows).toMatchObject({ summarization: { accounted: 1, applied: 2, derived: 1, waiting: 0 } });
  });

  test("#33 a summary is stale once what it rests on is not what is visible, up to its cut", async () => {
    await using service = await startService(options);
    await seed(service);
    await service.post("/v1/summarization/generate", { id: "sum", session: "s" });
    await service.tickToRest();
    await service.post("/v1/chat-messages/create", { id: "m3", session: "s", user: "u", content: "Later." });
    await service.tickToRest();
    expect((await service.get("/v1/summaries/sum")).body.stale).toBe(false);
    await service.post("/v1/chat-messages/delete", { id: "m1" });
    await service.tickToRest();
    expect((await service.get("/v1/summaries/sum")).body.stale).toBe(true);
  });

  test("#33 what is said after the cut, however much, neither hides what a summary rests on nor makes it stale", async () => {
    await using service = await startService(options);
    await seed(service);
    const later = Array.from({ length: 310 }, (_, i) => ({
      flow: "chat-messages",
      type: "create",
      data: { id: `later-${i}`, session: "s", user: "u", content: "Later." },
    }));
    const generate = { flow: "summarization", type: "generate", data: { id: "sum", session: "s" } };
    await service.post("/v1/operations", [generate, ...later]);
    await service.tickToRest();
    expect((await service.get("/v1/summaries/sum")).body).toMatchObject({ stale: false, summary: { text: "2 texts" } });
  });

  test("#33 the plain dump holds what a model said and not its basis, whose versions differ between runs", async () => {
    await using service = await startService(options);
    await seed(service);
    await service.post("/v1/summarization/generate", { id: "sum", session: "s" });
    await service.tickToRest();
    const summary = { text: "2 texts", restsOn: ["m1", "m2"], model: "still" };
    const lines = (await dump(service)).trimEnd().split("\n");
    const found = lines.map((line) => JSON.parse(line)).find(({ labels }) => labels?.[0] === "Summary");
    expect(found.fields).toEqual({ summary });
    const read = ["m1", "m2"].map((id) => ["Message", id, expect.any(String)]);
    expect((await service.get("/v1/summaries/sum")).body).toMatchObject({ summary: { ...summary, basis: { read } } });
  });

  test("#34 a query changes nothing and is answered as of its transaction", async () => {
    await using service = await startService(options);
    await service.post("/v1/memory/create", { id: "k1", user: "u", content: "likes green tea", tags: ["food"] });
    await service.post("/v1/memory/create", { id: "k2", user: "u", content: "plays chess" });
    await service.tickToRest();
    const before = await dump(service, true);
    const asked = await service.post("/v1/memory/query", { user: "u", text: "tea" });
    await service.tickToRest();
    expect(await dump(service, true)).toBe(before);
    const { body } = await service.get(`/v1/operations/${asked.body.id}`);
    expect(body).toMatchObject({ state: "applied", result: { items: [{ id: "k1", content: "likes green tea" }] } });
    expect((await service.get("/v1/memories?user=u&text=TEA")).body).toMatchObject({ items: [{ id: "k1" }] });
    expect((await service.get("/v1/memories?user=u&tags=food")).body).toMatchObject({ items: [{ id: "k1" }] });
  });

  test("#7 what the webhook answered and what a client says of the end are two registers", async () => {
    await using service = await startService(options);
    await service.post("/v1/action/execute", { id: "a", webhook: "echo", input: { n: 1 } });
    await service.tickToRest();
    expect((await service.get("/v1/actions/a")).body).toMatchObject({
      status: "completed",
      response: { status: "completed", code: 200, body: { action: "a", input: { n: 1 } } },
    });
    await service.post("/v1/action/complete", { id: "a", status: "failed", error: "no" });
    await service.tickToRest();
    expect((await service.get("/v1/actions/a")).body).toMatchObject({
      status: "failed",
      response: { status: "completed" },
    });
  });
});

test("#32 a request of a foreign producer is done whatever its id is made of", async () => {
  await using service = await startService({ partitions: 1 });
  const ids = ['a "quoted" id', "a \\ and\na line", 'x","id":"y'];
  const records = ids.map((id, i) => ({
    specversion: "1.0",
    id,
    source: "/elsewhere",
    type: "tidegate.action.execute",
    time: "2026-01-02T03:04:05Z",
    data: { id: `a${i}`, webhook: "echo", input: { i } },
  }));
  for (const value of records) {
    const record = { topic: "action-operations", key: "k", value: JSON.stringify(value) };
    expect(await service.gateway.broker.produce([record])).toMatchObject([{ status: "ok" }]);
  }
  await service.tickToRest();
  for (const [i, id] of ids.entries()) {
    expect((await service.get(`/v1/actions/a${i}`)).body).toMatchObject({ response: { body: { input: { i } } } });
    expect((await service.get(`/v1/operations/${encodeURIComponent(id)}`)).body).toMatchObject({ state: "applied" });
  }
});

test("#32 a rebuild calls nobody and has the same registers; a request without a result is pending", async () => {
  await using service = await startService();
  await seed(service);
  await service.post("/v1/summarization/generate", { id: "sum", session: "s" });
  await service.post("/v1/context-analysis/analyze", { id: "th", session: "s" });
  // Not answered before its next attempt: the thought has no analysis yet.
  await service.post("/v1/context-analysis/evaluate", { id: "ev", thought: "none" });
  await service.post("/v1/action/execute", { id: "a", webhook: "echo", input: 1 });
  await service.tickToRest();
  let calls = 0;
  const counted = async () => {
    calls++;
    throw new Error("a rebuild calls nobody");
  };
  const textModel = { summarize: counted, analyze: counted, evaluate: counted } as unknown as typeof STILL_MODEL;
  const webhooks = { names: new Set<string>(), call: counted } as unknown as Webhooks;
  await using rebuilt = await startService({ gateway: service.gateway, rebuilding: true, textModel, webhooks });
  await rebuilt.tickToRest();
  expect(await dump(rebuilt, true)).toBe(await dump(service, true));
  expect(calls).toBe(0);
  expect((await rebuilt.get("/v1/check")).body).toMatchObject({ closed: true, retries: 1 });
});

test("#32 an attempt that fails is tried again later, and the last failure is the result", async () => {
  let nowMs = Date.now();
  let calls = 0;
  const webhooks: Webhooks = {
    names: new Set(["flaky"]),
    async call() {
      calls++;
      return { status: "failed", retryable: true, reason: "the webhook answered 500", code: 500 };
    },
  };
  await using service = await startService({
    env: { ENABLE_KAFKA: "false", PREPARE_ATTEMPTS: "3" },
    webhooks,
    nowMs: () => nowMs,
    databaseNowMs: () => nowMs,
  });
  const made = await service.post("/v1/action/execute", { id: "a", webhook: "flaky" });
  expect(made).toMatchObject({ status: 202, body: { outcome: "pending", path: "direct" } });
  expect((await service.get(`/v1/operations/${made.body.id}`)).body).toMatchObject({
    state: "pending",
    attempts: 1,
    detail: "the webhook answered 500",
  });
  for (let i = 0; i < 3; i++) {
    nowMs += 600_000;
    await service.tickToRest();
  }
  expect(calls).toBe(3);
  expect((await service.get(`/v1/operations/${made.body.id}`)).body).toMatchObject({ state: "applied" });
  expect((await service.get("/v1/actions/a")).body).toMatchObject({
    status: "failed",
    response: { status: "failed", code: 500, error: "the webhook answered 500" },
  });
  expect((await service.get("/v1/check")).body).toMatchObject({ closed: true, atRest: true });
});

test("#32 a request that is repeated under its key is not tried sooner, nor given up sooner", async () => {
  let nowMs = Date.now();
  const webhooks = fakeWebhooks({ ship: refusing(503, 60_000) });
  await using service = await startService({
    env: { ENABLE_KAFKA: "false" },
    webhooks,
    nowMs: () => nowMs,
    databaseNowMs: () => nowMs,
  });
  const execute = () =>
    service.post("/v1/action/execute", { webhook: "ship", input: { order: 1 } }, { "idempotency-key": "order-1" });
  const first = await execute();
  const expectTried = async (attempts: number) => {
    expect(webhooks.calls.length).toBe(attempts);
    const { body } = await service.get(`/v1/operations/${first.body.id}`);
    expect(body).toMatchObject({ state: "pending", attempts, detail: "the receiver answered 503" });
  };
  for (let i = 0; i < 8; i++) expect(await execute()).toMatchObject({ status: 202, body: first.body });
  await expectTried(1);
  nowMs += 59_000;
  await execute();
  await service.tickToRest();
  await expectTried(1);
  nowMs += 2_000;
  await service.tickToRest();
  for (let i = 0; i < 8; i++) await execute();
  await expectTried(2);
});
