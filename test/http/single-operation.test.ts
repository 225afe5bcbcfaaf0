// One operation in a request: what each path answers, and what the headers say.
import { describe, expect, it } from "vitest";
import { stampMs } from "../../src/domain/stamp.ts";
import { expectProblem } from "../support/problem.ts";
import { startService } from "../support/service.ts";
import { refusingProduce, WAYS } from "../support/ways.ts";

const MESSAGE = { id: "m1", session: "s1", user: "u1", content: "hi" };

/** One operation of every type, in an order in which each finds its entity. */
const OPERATIONS = [
  ["session", "create", { id: "s1", user: "u1", title: "t" }, "Session"],
  ["chat-messages", "create", MESSAGE, "Message"],
  ["chat-messages", "update", { id: "m1", content: "ho" }, "Message"],
  ["memory", "create", { id: "k1", user: "u1", content: "c", message: "m1", tags: ["a"] }, "Memory"],
  ["memory", "update", { id: "k1", tags: null }, "Memory"],
  ["activity", "create", { id: "a1", session: "s1", name: "n" }, "Activity"],
  ["activity", "update", { id: "a1", status: "busy" }, "Activity"],
  ["activity", "end", { id: "a1", result: { ok: true } }, "Activity"],
  ["events", "record", { id: "e1", source: "/x", type: "t", about: { kind: "Session", id: "s1" } }, "Event"],
  ["memory", "delete", { id: "k1" }, "Memory"],
  ["chat-messages", "delete", { id: "m1" }, "Message"],
  ["session", "update", { id: "s1", endedAt: "2026-01-01T00:00:00Z" }, "Session"],
  ["session", "delete", { id: "s1" }, "Session"],
] as const;

describe.each(WAYS)("an operation on the path $path", ({ path, options, status }) => {
  it.each(OPERATIONS)("answers %s %s with its id, path, outcome, entity and stamp", async (flow, type, data, kind) => {
    await using service = await startService(options);
    const answer = await service.post(`/v1/${flow}/${type}`, data);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(answer.headers.get("location")).toBe(`/v1/operations/${answer.body.id}`);
    expect(answer.headers.get("tidegate-stamp")).toBe(answer.body.stamp);
    const id = flow === "events" ? "%2Fx/e1" : data.id;
    expect(answer.body).toMatchObject({ flow, type, path, entity: { kind, id } });
    expect(answer.body.outcome).toBe(status === 202 ? "queued" : "applied");
  });

  it("names the entity by the operation's id when the client gave none", async () => {
    await using service = await startService(options);
    const { id: _, ...data } = MESSAGE;
    const answer = await service.post("/v1/chat-messages/create", data);
    expect(answer.body.entity.id).toBe(answer.body.id);
    await service.tickToRest();
    const found = await service.get(`/v1/messages/${answer.body.id}`);
    expect(found.body).toEqual({ ...data, id: answer.body.id });
  });

  it("orders an operation after the stamp in Tidegate-After", async () => {
    await using service = await startService(options);
    const ahead = `${(Date.now() + 50_000).toString(16).padStart(12, "0")}-0007-0123456789abcdef`;
    const answer = await service.post("/v1/chat-messages/create", MESSAGE, { "tidegate-after": ahead });
    expect(answer.status).toBe(status);
    expect(answer.body.stamp > ahead).toBe(true);
    expect(stampMs(answer.body.stamp)).toBe(stampMs(ahead));
  });

  it("refuses a stamp more than 60 seconds ahead, and one that is none", async () => {
    await using service = await startService(options);
    const far = `${(Date.now() + 70_000).toString(16).padStart(12, "0")}-0000-0123456789abcdef`;
    const tooFar = await service.post("/v1/chat-messages/create", MESSAGE, { "tidegate-after": far });
    expect(expectProblem(tooFar, "stamp_ahead").errors).toEqual([
      { pointer: "#/after", detail: expect.stringContaining("60 seconds") },
    ]);
    const none = await service.post("/v1/chat-messages/create", MESSAGE, { "tidegate-after": "yesterday" });
    expect(expectProblem(none, "invalid_input").errors?.[0]?.pointer).toBe("#/after");
    const next = await service.post("/v1/chat-messages/create", MESSAGE);
    expect(stampMs(next.body.stamp)).toBeLessThan(Date.now() + 5_000);
  });
});

describe("the answer of a synchronous path", () => {
  it("carries the entity's values as they stand, and null after a delete", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
    const created = await service.post("/v1/activity/create", {
      id: "a",
      name: "n",
      startedAt: "2026-01-01T00:00:00Z",
    });
    expect(created.body.values).toMatchObject({ id: "a", name: "n", status: "active" });
    const ended = await service.post("/v1/activity/end", { id: "a", endedAt: "2026-01-01T00:01:00+00:00" });
    expect(ended.body.values).toMatchObject({ status: "ended", durationMs: 60_000 });
    await service.post("/v1/memory/create", { id: "k", user: "u", content: "c" });
    const deleted = await service.post("/v1/memory/delete", { id: "k" });
    expect(deleted.body).toMatchObject({ outcome: "applied", values: null });
  });

  it("says which fields lost against a later operation, and what stands instead", async () => {
    let ms = Date.now();
    await using service = await startService({
      env: { ENABLE_KAFKA: "false" },
      nowMs: () => ms,
      databaseNowMs: () => ms,
    });
    const ahead = `${(ms + 30_000).toString(16).padStart(12, "0")}-0000-0123456789abcdef`;
    await service.post("/v1/session/create", { id: "s", title: "old" });
    await service.post("/v1/session/update", { id: "s", title: "late" }, { "tidegate-after": ahead });
    ms += 1_000;
    await using other = await startService({
      env: { ENABLE_KAFKA: "false" },
      nowMs: () => ms,
      databaseNowMs: () => ms,
      database: () => service.database,
    });
    const partly = await other.post("/v1/session/update", { id: "s", title: "lost", prompt: "p" });
    expect(partly.body).toMatchObject({ outcome: "applied", lost: ["title"], values: { title: "late", prompt: "p" } });
    const wholly = await other.post("/v1/session/update", { id: "s", title: "lost" });
    expect(wholly).toMatchObject({ status: 200, body: { outcome: "superseded", values: { title: "late" } } });
  });

  it("says why it did not take the way of its flow", async () => {
    await using service = await startService({ broker: refusingProduce({ status: "fatal", reason: "no such topic" }) });
    const answer = await service.post("/v1/chat-messages/create", MESSAGE);
    expect(answer.body).toMatchObject({ path: "fallback", because: "no such topic" });
  });
});
