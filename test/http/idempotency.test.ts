// Idempotency-Key: one key stands for one body and one operation, whatever happened in between.
import { describe, expect, it } from "vitest";
import { failingDatabase } from "../support/failing-database.ts";
import { expectProblem } from "../support/problem.ts";
import { startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";

const DATA = { session: "s1", user: "u1", content: "hi" };
const KEY = { "idempotency-key": "key-1" };
const CREATE = "/v1/chat-messages/create";

describe.each(WAYS)("an idempotency key on the path $path", ({ options, status, path }) => {
  it("gives the same answer again, at once and once the operation is applied", async () => {
    await using service = await startService(options);
    const first = await service.post(CREATE, DATA, KEY);
    const pending = await service.post(CREATE, DATA, KEY);
    await service.tickToRest();
    const after = await service.post(CREATE, DATA, KEY);
    for (const again of [pending, after]) {
      expect(again.status).toBe(status);
      const { because: _, ...expected } = first.body;
      expect(again.body).toEqual(expected);
      expect(again.headers.get("location")).toBe(first.headers.get("location"));
      expect(again.headers.get("tidegate-stamp")).toBe(first.body.stamp);
    }
  });

  it("applies once, and the accounting closes", async () => {
    await using service = await startService(options);
    const { body } = await service.post(CREATE, DATA, KEY);
    await service.post(CREATE, DATA, KEY);
    await service.tickToRest();
    await service.post(CREATE, DATA, KEY);
    await service.tickToRest();
    expect((await service.get(`/v1/operations/${body.id}`)).body).toMatchObject({ state: "applied", path });
    const check = (await service.get("/v1/check")).body;
    expect(check).toMatchObject({ closed: true, flows: { "chat-messages": { applied: 1, superseded: 0 } } });
  });

  it("refuses another body, another type and another flow", async () => {
    await using service = await startService(options);
    await service.post(CREATE, DATA, KEY);
    for (const [to, data] of [
      [CREATE, { ...DATA, content: "ho" }],
      ["/v1/memory/create", { user: "u1", content: "hi" }],
      ["/v1/chat-messages/delete", { id: "m" }],
    ] as const) {
      const problem = expectProblem(await service.post(to, data, KEY), "idempotency_mismatch");
      expect(problem.errors?.[0]?.pointer).toBe("#/key");
    }
  });

  it("takes the same body under another key as another operation (case 30)", async () => {
    await using service = await startService(options);
    const one = await service.post(CREATE, DATA, KEY);
    const other = await service.post(CREATE, DATA, { "idempotency-key": "key-2" });
    expect(other.body.id).not.toBe(one.body.id);
    expect(other.status).toBe(status);
  });

  it("does not mind the order of members", async () => {
    await using service = await startService(options);
    const one = await service.post(CREATE, { session: "s", user: "u", content: "c" }, KEY);
    const same = await service.post(CREATE, { content: "c", user: "u", session: "s" }, KEY);
    expect(same.body.id).toBe(one.body.id);
  });
});

describe("an idempotency key", () => {
  it("answers as queued when the operation reached Kafka, and as applied when it did not", async () => {
    let refuses = true;
    await using service = await startService({
      broker: (broker) => ({
        ...broker,
        produce: (records, signal) =>
          refuses
            ? Promise.resolve(records.map(() => ({ status: "retryable", reason: "down" }) as const))
            : broker.produce(records, signal),
      }),
    });
    const first = await service.post(CREATE, DATA, KEY);
    expect(first.body).toMatchObject({ path: "fallback", outcome: "applied" });
    refuses = false;
    await service.tickToRest();
    const after = await service.post(CREATE, DATA, KEY);
    expect(after).toMatchObject({ status: 200, body: { id: first.body.id, path: "fallback", outcome: "applied" } });
    expect((await service.get("/v1/check")).body).toMatchObject({
      closed: true,
      atRest: true,
      flows: { "chat-messages": { applied: 1, byPath: { fallback: 1, kafka: 0 } } },
    });
  });

  it("is refused when it is too long, and 503 while the database that keeps keys is down", async () => {
    let faults = { down: false };
    await using service = await startService({
      database: (database) => {
        const failing = failingDatabase(database);
        faults = failing.faults;
        return failing;
      },
    });
    const long = await service.post(CREATE, DATA, { "idempotency-key": "k".repeat(201) });
    expect(expectProblem(long, "invalid_input").errors?.[0]?.pointer).toBe("#/key");
    expectProblem(await service.post(CREATE, DATA, { "idempotency-key": "" }), "invalid_input");
    const kept = await service.post(CREATE, DATA, KEY);
    faults.down = true;
    for (const key of [KEY, { "idempotency-key": "another" }]) {
      const answer = await service.post(CREATE, DATA, key);
      expectProblem(answer, "nothing_accepted");
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect((await service.post(CREATE, DATA)).status).toBe(202);
    faults.down = false;
    expect((await service.post(CREATE, DATA, KEY)).body.id).toBe(kept.body.id);
  });
});
