import { describe, expect, onTestFinished, test } from "vitest";
import { keyOf } from "../../src/cli/erase/deletes.ts";
import { type ErasureOptions, eraseSession, eraseUser } from "../../src/cli/erase/erasure.ts";
import { patiently } from "../../src/cli/erase/patient.ts";
import { Refused, type Request, startFakeService } from "../support/fake-service.ts";
import { runCommand } from "../support/run-command.ts";

const SESSION = "a/trip #1";
const PATH = `/v1/sessions/${encodeURIComponent(SESSION)}`;

interface Item {
  readonly flow: string;
  readonly data: { readonly id?: unknown };
}

/** A service that lists what exists and forgets what is deleted; a key that was used before deletes nothing. */
async function place(messages: readonly string[], { memories = [] as readonly string[] } = {}) {
  const fake = await startFakeService();
  onTestFinished(() => fake.close());
  const there = { "chat-messages": new Set(messages), memory: new Set(memories), session: new Set([SESSION]) };
  const settle = (): void => {
    for (const { flow, data } of fake.taken.splice(0) as Item[]) {
      there[flow as keyof typeof there].delete(String(data.id));
      deleted.push(`${flow} ${data.id}`);
    }
  };
  const deleted: string[] = [];
  const list = (flow: keyof typeof there) => (request: Request) => {
    settle();
    const after = request.query.get("cursor") ?? "";
    const ids = [...there[flow]].filter((id) => id > after).sort();
    const items = ids.slice(0, Number(request.query.get("limit")));
    return { items: items.map((id) => ({ id })), next: items.length < ids.length ? items.at(-1)! : null };
  };
  fake.answers.set(PATH, () => {
    settle();
    if (!there.session.has(SESSION)) throw new Refused(404, "not_found");
    return { id: SESSION };
  });
  fake.answers.set(`${PATH}/messages`, list("chat-messages"));
  fake.answers.set("/v1/sessions", list("session"));
  fake.answers.set("/v1/memories", list("memory"));
  fake.answers.set("/v1/check", { flows: {}, partitions: [] });
  const patience = { url: fake.url, retryForMs: 10_000, delayBaseMs: 1 };
  const onUnseen = (reason: string) => expect.unreachable(reason);
  const ask = patiently(patience);
  const options: ErasureOptions = { ...patience, ask, onUnseen, outcomeForMs: 10_000, dryRun: false };
  const run = (...args: string[]) => runCommand("erase", ...args, "--url", fake.url);
  return { fake, there, deleted, options, run };
}

/** What `/v1/check` says of messages that wait in a partition. */
const waiting = (position: number, end: number, isListed = true) => ({
  flows: { "chat-messages": { pending: end - position } },
  partitions: isListed ? [{ flow: "chat-messages", topic: "t", partition: 0, position, end }] : [],
});

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${String(i).padStart(5, "0")}`);

describe("eraseSession()", () => {
  test("deletes messages page by page, then the session", async () => {
    const { options, deleted, there, fake } = await place(ids(1_203));
    expect(await eraseSession(options, SESSION)).toEqual({ messages: 1_203, memories: 0, sessions: 1 });
    expect(there["chat-messages"].size + there.session.size).toBe(0);
    expect([deleted.length, deleted.at(-1)]).toEqual([1_204, `session ${SESSION}`]);
    expect(Math.max(...fake.batches.map(({ length }) => length))).toBe(500);
  });

  test("repeating is the same operations", async () => {
    const { options, deleted, there } = await place(["m1", "m2"]);
    await eraseSession(options, SESSION);
    expect(await eraseSession(options, SESSION)).toEqual({ messages: 0, memories: 0, sessions: 0 });
    expect(deleted).toHaveLength(3);
    // Created again: the keys of the first time are spent, and it goes all the same.
    there.session.add(SESSION);
    there["chat-messages"].add("m1").add("m3");
    expect(await eraseSession(options, SESSION)).toEqual({ messages: 2, memories: 0, sessions: 1 });
    expect(there["chat-messages"].size + there.session.size).toBe(0);
    expect(deleted.slice(3)).toEqual(["chat-messages m3", "chat-messages m1", `session ${SESSION}`]);
  });

  test("goes on after 429, 503 and lost answers, under the same keys", async () => {
    const { options, deleted, fake } = await place(["m1"]);
    let refusals = 2;
    const list = fake.answers.get(`${PATH}/messages`) as (request: Request) => unknown;
    fake.answers.set(`${PATH}/messages`, (request: Request) => {
      if (refusals-- > 0) throw new Refused(refusals === 0 ? 429 : 503, "busy");
      return list(request);
    });
    fake.faults.push(
      { sort: "status", status: 429, retryAfter: "0" },
      { sort: "lose answer" },
      { sort: "status", status: 503 },
    );
    await eraseSession(options, SESSION);
    expect(fake.batches.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => [keyOf("chat-messages", "m1", 0)]));
    expect(deleted).toEqual(["chat-messages m1", `session ${SESSION}`]);
  });

  test("gives up in words when the service stays away, or refuses", async () => {
    const { options, fake } = await place(["m1"]);
    fake.faults.push(...Array.from({ length: 300 }, () => ({ sort: "status", status: 503 }) as const));
    await expect(eraseSession({ ...options, retryForMs: 20 }, SESSION)).rejects.toThrow(
      /^Gave up after 0 s: .*; run the same command again: what was deleted stays deleted/,
    );
    fake.faults.length = 0;
    fake.faults.push({ sort: "status", status: 422, code: "invalid_input" });
    await expect(eraseSession(options, SESSION)).rejects.toThrow(
      /^The service does not delete chat-messages "m1": 422 invalid_input/,
    );
  });

  test.each([
    ["pending", /^1 deletes were accepted, and are not applied after 0 s; see that the consumer runs/],
    ["parked", /^The delete .* is parked: see "tidegate operations /],
  ])("says when a delete stays %s", async (state, message) => {
    const { options } = await place(["m1"]);
    const ask: ErasureOptions["ask"] = async <Body>(path: string, request?: Parameters<typeof options.ask>[1]) =>
      path === "/v1/operations/statuses"
        ? ((JSON.parse(request!.body!) as string[]).map((id) => ({ id, state })) as Body)
        : options.ask<Body>(path, request);
    await expect(eraseSession({ ...options, ask, outcomeForMs: 30 }, SESSION)).rejects.toThrow(message);
  });

  test("gives up on a session that somebody goes on writing", async () => {
    const { options, fake, there } = await place(["m1"]);
    fake.onBatch = (number) => there["chat-messages"].add(`n${number}`);
    await expect(eraseSession(options, SESSION)).rejects.toThrow(/^There are still messages after 20 rounds: /);
  });
});

describe("what is accepted and not applied yet", () => {
  test("is waited for before anything is listed", async () => {
    const { options, fake, there, deleted } = await place([]);
    there.session.clear();
    let checks = 0;
    fake.answers.set("/v1/check", () => {
      checks++;
      if (checks < 3) return waiting(0, 2, false);
      if (checks > 3) return waiting(2, 2);
      there.session.add(SESSION);
      there["chat-messages"].add("m1");
      return waiting(2, 2);
    });
    expect(await eraseSession(options, SESSION)).toEqual({ messages: 1, memories: 0, sessions: 1 });
    expect(deleted).toEqual(["chat-messages m1", `session ${SESSION}`]);
  });

  test("is waited for again before a session goes, and listed once more", async () => {
    const { options, fake, there, deleted } = await place(["m1"]);
    let checks = 0;
    fake.answers.set("/v1/check", () => {
      if (++checks === 3) there["chat-messages"].add("m2");
      return checks === 2 ? waiting(1, 2) : waiting(2, 2);
    });
    expect(await eraseSession(options, SESSION)).toEqual({ messages: 2, memories: 0, sessions: 1 });
    expect(deleted).toEqual(["chat-messages m1", "chat-messages m2", `session ${SESSION}`]);
  });

  test("is told from what others go on writing", async () => {
    const { options, fake, deleted } = await place(["m1"]);
    let position = 0;
    fake.answers.set("/v1/check", () => waiting(position, position++ + 3));
    await eraseSession(options, SESSION);
    expect(deleted).toEqual(["chat-messages m1", `session ${SESSION}`]);
  });

  test("is a failure in words when it stays so", async () => {
    const { options, fake, deleted } = await place(["m1"]);
    fake.answers.set("/v1/check", waiting(1, 4));
    await expect(eraseSession({ ...options, retryForMs: 0 }, SESSION)).rejects.toThrow(
      /^What was accepted is not all applied after 0 s \(pending: chat-messages 3\), .*; see that the consumer runs, then run/,
    );
    expect(deleted).toEqual([]);
  });

  test.each([
    ["the key does not allow to see it", "the API key does not allow GET /v1/check", 403],
    ["the broker does not tell", "the service cannot tell how much is pending", null],
  ])("may remain when %s, and the result says so", async (_, reason, status) => {
    const { run, fake, there } = await place(["m1"]);
    fake.answers.set("/v1/check", () => {
      if (status !== null) throw new Refused(status, "forbidden");
      return { flows: { memory: { pending: null } }, partitions: [] };
    });
    const told = `What was accepted and is not applied yet may remain: ${reason}. To be sure, run the same command again`;
    const { code, out, err } = await run("--session", SESSION);
    expect([code, there.session.size]).toEqual([0, 0]);
    for (const text of [out, err]) expect(text.split(told)).toHaveLength(2);
    expect(JSON.parse((await run("--session", SESSION, "--json")).out)).toMatchObject({ mayRemain: true });
  });
});

describe("tidegate erase", () => {
  test("--user deletes memories, sessions and their messages, and says what stays", async () => {
    const { run, deleted, fake } = await place(["m1", "m2"], { memories: ["k1"] });
    const { code, out } = await run("--user", "ada & co");
    expect(code).toBe(0);
    expect(out).toMatch(/^Deleted 1 memory, 2 messages and 1 session of user "ada & co": readers see none of it/);
    expect(out).toContain("the records in the log, until its retention ends");
    expect(out).toContain("docs/erasure.md");
    expect(deleted).toEqual(["memory k1", "chat-messages m1", "chat-messages m2", `session ${SESSION}`]);
    const lists = fake.requests.filter(({ path }) => path === "/v1/memories" || path === "/v1/sessions");
    expect(new Set(lists.map(({ query }) => query.get("user")))).toEqual(new Set(["ada & co"]));
  });

  test("--dry-run counts and changes nothing", async () => {
    const { run, options, fake } = await place(["m1", "m2"], { memories: ["k1"] });
    expect((await run("--session", SESSION, "--dry-run")).out).toBe(
      `2 messages and 1 session of session "${SESSION}" would be deleted; nothing was done\n`,
    );
    expect(await eraseUser({ ...options, dryRun: true }, "ada")).toEqual({ messages: 2, memories: 1, sessions: 1 });
    expect(fake.batches).toEqual([]);
  });

  test("prints JSON, and says that there is nothing", async () => {
    const { run, there } = await place(["m1"]);
    const { out } = await run("--session", SESSION, "--json");
    expect(JSON.parse(out)).toEqual({
      dryRun: false,
      session: SESSION,
      messages: 1,
      memories: 0,
      sessions: 1,
      mayRemain: false,
    });
    expect(there.session.size).toBe(0);
    expect(await run("--session", SESSION)).toMatchObject({
      code: 0,
      out: `Readers see nothing of session "${SESSION}": there is nothing to erase\n`,
    });
  });

  test("a wrong address is no session that is gone", async () => {
    const { run, fake } = await place([]);
    fake.answers.set(PATH, () => {
      throw new Refused(404, "of somebody else");
    });
    expect(await run("--session", SESSION)).toMatchObject({ code: 1, out: "" });
  });
});

test("keys differ by flow, id and round, and are within the bound", () => {
  const keys = [keyOf("session", "a", 0), keyOf("memory", "a", 0), keyOf("session", "b", 0), keyOf("session", "a", 1)];
  expect(new Set(keys).size).toBe(4);
  expect(keyOf("session", "x".repeat(200), 0).length).toBeLessThanOrEqual(200);
});
