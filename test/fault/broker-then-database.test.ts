// The broker fails, then the database: the log line, the fallback's answer, then the problem that says what is known.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Broker, ProduceResult } from "../../src/ports/broker.ts";
import { startTelemetry, type Telemetry } from "../../src/runtime/telemetry.ts";
import { type FailingDatabase, failingDatabase } from "../support/failing-database.ts";
import { expectProblem } from "../support/problem.ts";
import { startService } from "../support/service.ts";

type Failure = Exclude<ProduceResult, { status: "ok" }>;

const CREATE = "/v1/chat-messages/create";
const DATA = { id: "m", session: "s", user: "u", content: "hi" };
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const TRACED = { traceparent: `00-${TRACE}-b7ad6b7169203331-00` };
const REFUSED: Failure = { status: "retryable", reason: "connection refused" };

let telemetry: Telemetry;
beforeAll(() => {
  telemetry = startTelemetry("0", undefined);
});
afterAll(() => telemetry.stop());

/** A service whose broker answers as told; `land` also writes what it says nothing of. */
async function startBroken(env: Readonly<Record<string, string>> = {}) {
  const broken: { failure: Failure | null; lands: boolean } = { failure: null, lands: false };
  let failing: FailingDatabase | undefined;
  const service = await startService({
    env,
    broker: (broker): Broker => ({
      ...broker,
      async produce(records, signal) {
        const { failure, lands } = broken;
        if (failure === null || lands) {
          const results = await broker.produce(records, signal);
          if (failure === null) return results;
        }
        return records.map(() => failure);
      },
    }),
    database: (database) => {
      failing = failingDatabase(database);
      return failing;
    },
  });
  return { service, broken, faults: failing!.faults };
}

describe("the broker fails, then the database", () => {
  it("logs the fallback with the request's trace, then answers that nothing was accepted (case 24)", async () => {
    const { service, broken, faults } = await startBroken();
    await using _ = service;
    expect(await service.post(CREATE, DATA, TRACED)).toMatchObject({ status: 202, body: { path: "kafka" } });

    broken.failure = REFUSED;
    const fallback = await service.post(CREATE, { ...DATA, id: "m2" }, TRACED);
    expect(fallback).toMatchObject({
      status: 200,
      body: { path: "fallback", outcome: "applied", because: "connection refused", values: { content: "hi" } },
    });
    expect(service.lines).toContainEqual({
      level: "warning",
      message: "Kafka did not take operations, applying them synchronously",
      operations: 1,
      status: "retryable",
      reason: "connection refused",
      operation: fallback.body.id,
      flow: "chat-messages",
      trace_id: TRACE,
    });

    faults.down = true;
    const nowhere = await service.post(CREATE, { ...DATA, id: "m3" }, TRACED);
    const problem = expectProblem(nowhere, "nothing_accepted");
    expect(problem.detail).toContain("connection refused");
    expect(problem.retryToken).toBeUndefined();
    expect(nowhere.headers.get("retry-after")).toBe("5");
    expect(nowhere.headers.get("location")).toBeNull();
    expect(service.lines.at(-1)).toMatchObject({
      level: "error",
      message: "Cannot apply operations synchronously",
      code: "graph_unavailable",
      trace_id: TRACE,
    });

    faults.down = false;
    broken.failure = null;
    await service.tickToRest();
    expect((await service.get("/v1/check")).body).toMatchObject({
      closed: true,
      atRest: true,
      flows: { "chat-messages": { applied: 2, byPath: { kafka: 1, fallback: 1 } } },
    });
    expectProblem(await service.get("/v1/messages/m3"), "not_found");
  });

  it.each([
    ["the produce may still land", { status: "unknown", reason: "no answer within 2000 ms" }, "down"],
    ["the transaction's answer was lost", REFUSED, "answersLost"],
    ["both may have happened", { status: "unknown", reason: "connection reset" }, "answersLost"],
  ] as const)("answers that the outcome is unknown when %s, with id, stamp and token", async (_, failure, fault) => {
    const { service, broken, faults } = await startBroken();
    await using __ = service;
    broken.failure = failure;
    faults[fault] = true;
    const answer = await service.post(CREATE, DATA, TRACED);
    const problem = expectProblem(answer, "outcome_unknown");
    expect(problem).toMatchObject({
      id: expect.any(String),
      stamp: expect.any(String),
      retryToken: expect.any(String),
    });
    expect((await service.post(CREATE, DATA)).body.id).not.toBe(problem.id);

    faults[fault] = false;
    const again = await service.post(CREATE, DATA, { "tidegate-retry": problem.retryToken });
    expect(again).toMatchObject({ status: 200, body: { id: problem.id, stamp: problem.stamp, path: "fallback" } });
    broken.failure = null;
    const queued = await service.post(CREATE, DATA, { "tidegate-retry": problem.retryToken });
    expect(queued).toMatchObject({ status: 202, body: { id: problem.id, stamp: problem.stamp, path: "kafka" } });
    await service.tickToRest();
    expect((await service.get(`/v1/operations/${problem.id}`)).body).toMatchObject({ state: "applied" });
    expect((await service.get("/v1/check")).body).toMatchObject({
      closed: true,
      flows: { "chat-messages": { applied: fault === "down" ? 1 : 2, superseded: 0 } },
    });
  });

  it("takes a retry token with its own body alone, and from us alone", async () => {
    const { service, broken, faults } = await startBroken();
    await using _ = service;
    broken.failure = { status: "unknown", reason: "no answer" };
    faults.down = true;
    const { retryToken } = expectProblem(await service.post(CREATE, DATA), "outcome_unknown");
    faults.down = false;
    const [id, stamp, mac] = retryToken.split(".");
    for (const [path, data, token] of [
      [CREATE, { ...DATA, content: "ho" }, retryToken],
      ["/v1/chat-messages/update", DATA, retryToken],
      [CREATE, DATA, `${id}.${stamp}.${"0".repeat(32)}`],
      [CREATE, DATA, `${id}.${stamp!.replace(/^0/, "1")}.${mac}`],
      [CREATE, DATA, `x${retryToken}`],
      [CREATE, DATA, ""],
    ] as const) {
      const problem = expectProblem(await service.post(path, data, { "tidegate-retry": token }), "invalid_input");
      expect(problem.errors?.[0]?.pointer).toBe("#/retryToken");
    }
    expect((await service.post(CREATE, DATA, { "tidegate-retry": retryToken })).body.id).toBe(id);
  });

  it("answers each item of a batch, and a token works in a batch as well", async () => {
    const { service, broken, faults } = await startBroken({ KAFKA_SESSION_OPERATIONS: "off" });
    await using _ = service;
    broken.failure = { status: "unknown", reason: "no answer" };
    faults.down = true;
    const message = { flow: "chat-messages", type: "create", data: DATA };
    const session = { flow: "session", type: "create", data: { id: "s" } };
    type Item = { status: number; id: string; problem: { code: string; id: string; retryToken: string } };
    const send = async (items: object[]) => (await service.post("/v1/operations", items)).body as unknown as Item[];
    const items = await send([message, session]);
    expect(items.map(({ problem }) => problem.code)).toEqual(["outcome_unknown", "nothing_accepted"]);
    faults.down = false;
    const { id, retryToken } = items[0]!.problem;
    expect(await send([{ ...message, retryToken }])).toMatchObject([{ status: 200, id }]);
  });

  it("leaves a key usable whose first request ended in an unknown outcome", async () => {
    const { service, broken, faults } = await startBroken();
    await using _ = service;
    const key = { "idempotency-key": "k" };
    broken.failure = REFUSED;
    faults.answersLost = true;
    const { id } = expectProblem(await service.post(CREATE, DATA, key), "outcome_unknown");
    faults.answersLost = false;
    expect(await service.post(CREATE, DATA, key)).toMatchObject({ status: 200, body: { id, path: "fallback" } });
    broken.failure = null;
    await service.tickToRest();
    expect((await service.get("/v1/check")).body).toMatchObject({
      closed: true,
      flows: { "chat-messages": { applied: 1 } },
    });
  });
});

describe("the database fails on the direct path", () => {
  it("answers that nothing was accepted, or that the outcome is unknown when only the answer was lost", async () => {
    const { service, faults } = await startBroken({ ENABLE_KAFKA: "false" });
    await using _ = service;
    faults.down = true;
    expectProblem(await service.post(CREATE, DATA), "nothing_accepted");
    faults.down = false;
    faults.answersLost = true;
    const { retryToken, id } = expectProblem(await service.post(CREATE, DATA), "outcome_unknown");
    faults.answersLost = false;
    const again = await service.post(CREATE, DATA, { "tidegate-retry": retryToken });
    expect(again).toMatchObject({ status: 200, body: { id, path: "direct", outcome: "applied" } });
    expect((await service.get("/v1/check")).body).toMatchObject({ flows: { "chat-messages": { applied: 1 } } });
  });
});
