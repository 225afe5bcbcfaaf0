// The database contract's tasks: keys, sweeps, the outbox, what is parked, and the totals.
import { expect, it, vi } from "vitest";
import { NO_COUNTS, positionKey, resetKey } from "../../src/domain/accounting.ts";
import type { MakeDatabase } from "./database.ts";
import { outboxRow, parkedRow, retryRow, save, stateOf, write } from "./database-writes.ts";

export function taskCases(make: MakeDatabase): void {
  it("reserveKeys() answers the rows that stand, in order, also for a key that comes twice", async () => {
    await using bundle = await make();
    const row = (key: string, n: number) => ({ key, operationId: `op${n}`, stamp: `s${n}`, hash: `h${n}` });
    const first = [row("a/x", 1), row("a/y", 2), row("a/x", 3)];
    expect(await bundle.database.reserveKeys(first)).toEqual([row("a/x", 1), row("a/y", 2), row("a/x", 1)]);
    expect(await bundle.database.reserveKeys([row("b/x", 4), row("a/y", 5)])).toEqual([row("b/x", 4), row("a/y", 2)]);
    expect(await bundle.database.reserveKeys([])).toEqual([]);
  });

  it("releaseKeys() removes a key that nobody else was given, and leaves every other, however often it is called", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const row = (key: string, n: number) => ({ key, operationId: `op${n}`, stamp: `s${n}`, hash: "h" });
    await database.reserveKeys([row("a/own", 1), row("a/shared", 2), row("a/twice", 3), row("a/twice", 4)]);
    // The second answers a request that did not hear the first; the third gives an operation to another request.
    await database.reserveKeys([row("a/own", 1), row("a/shared", 5)]);
    const refused = [row("a/own", 1), row("a/shared", 2), row("a/twice", 3), row("a/nothing", 6)];
    await database.releaseKeys(refused);
    const now = [row("a/own", 7), row("a/shared", 2), row("a/twice", 3), row("a/nothing", 8)];
    expect(await database.reserveKeys(now.map(({ key }, i) => row(key, 7 + (i % 3))))).toEqual([
      now[0],
      now[1],
      now[2],
      row("a/nothing", 7),
    ]);
    await database.releaseKeys(refused);
    expect(await database.reserveKeys([row("a/own", 9)])).toEqual([row("a/own", 7)]);
    await database.releaseKeys([]);
  });

  it("agenda() says in one look what waits for a tick, and where the cluster's positions are", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const nothing = { outbox: false, dueOutbox: false, sweeps: false, decisions: false, retries: false, positions: [] };
    const at = Date.now();
    expect(await database.agenda("c", ["memory"], at)).toEqual({ ...nothing, nowMs: expect.any(Number) });
    const position = (key: string) => ({ key, next: 3, counts: NO_COUNTS });
    const [log, reset] = [positionKey("c", "t", 0, "g"), resetKey("c", "t", 0, "g")];
    const others = [positionKey("c2", "t", 0, "g"), "sync/memory/direct/1"];
    await write(database, {
      positions: [log, reset, ...others].map(position),
      outbox: [{ ...outboxRow("a/later"), dueMs: at + 60_000 }],
    });
    const first = await database.agenda("c", ["memory"], at);
    expect(first).toMatchObject({ ...nothing, outbox: true, positions: expect.anything() });
    expect(first.positions.map(({ key }) => key).sort()).toEqual([log, reset].sort());
    expect(first.positions[0]).toEqual(position(first.positions[0]!.key));
    expect(Math.abs(first.nowMs - Date.now())).toBeLessThan(30_000);
    await write(database, {
      outbox: [{ ...outboxRow("a/now"), dueMs: at }],
      sweeps: ["a/Session/1"],
      retries: [retryRow("a/op", { flow: "memory", dueMs: at })],
      parked: [parkedRow("t/0/1")],
      decisions: [{ record: "t/0/1", version: "v1", verdict: "discard", value: null }],
    });
    const due = { outbox: true, dueOutbox: true, sweeps: true, decisions: true };
    expect(await database.agenda("c", ["memory"], at)).toMatchObject({ ...due, retries: true });
    expect(await database.agenda("c", ["session"], at)).toMatchObject({ ...due, retries: false });
    expect(await database.leaseRetry("a/op", at, at + 60_000)).toBeDefined();
    expect(await database.agenda("c", ["memory"], at)).toMatchObject({ ...due, retries: false });
  });

  it("announce() knows the consumers that live, in order of name, and forgets those that leave", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const b = { name: "b", flows: ["session", "memory"] };
    const [first] = await database.announce(b, 60_000);
    expect(first).toEqual({ ...b, untilMs: expect.any(Number) });
    const nowMs = await database.nowMs();
    expect(first!.untilMs).toBeGreaterThan(nowMs + 30_000);
    expect(first!.untilMs).toBeLessThanOrEqual(nowMs + 60_000);
    const a = { name: "a", flows: [] };
    expect((await database.announce(a, 60_000)).map(({ name }) => name)).toEqual(["a", "b"]);
    expect((await database.announce({ ...b, flows: ["events"] }, 60_000)).map(({ flows }) => flows)).toEqual([
      [],
      ["events"],
    ]);
    expect((await database.announce(b, 0)).map(({ name }) => name)).toEqual(["a"]);
  });

  it("announce() forgets a consumer whose time has passed", async () => {
    await using bundle = await make();
    const { database } = bundle;
    await database.announce({ name: "short", flows: [] }, 1);
    const untilMs = (await database.nowMs()) + 5;
    await vi.waitUntil(async () => (await database.nowMs()) > untilMs, { timeout: 10_000, interval: 5 });
    expect((await database.announce({ name: "long", flows: [] }, 60_000)).map(({ name }) => name)).toEqual(["long"]);
  });

  it("a sweep begins, goes on and ends; one that was started again is not ended by the one before", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const sweeps = () => database.dueSweeps(10);
    await write(database, { sweeps: ["a/Session/2", "a/Session/1"] });
    const [one] = await sweeps();
    expect(one).toEqual({ key: "a/Session/1", cursor: "", revision: expect.any(Number) });
    expect((await database.dueSweeps(1)).length).toBe(1);
    await write(database, { swept: { ...one!, cursor: "half" } });
    expect((await sweeps())[0]).toEqual({ ...one!, cursor: "half" });

    await write(database, { sweeps: ["a/Session/1"] });
    const [again] = await sweeps();
    expect(again!.cursor).toBe("");
    expect(again!.revision).toBeGreaterThan(one!.revision);
    await write(database, { swept: { ...one!, cursor: null } });
    await write(database, { swept: { ...one!, cursor: "more" } });
    expect((await sweeps())[0]).toEqual(again);

    await write(database, { swept: { ...again!, cursor: null }, sweeps: ["a/Session/2"] });
    expect((await sweeps()).map(({ key }) => key)).toEqual(["a/Session/2"]);
  });

  it("a sweep that is begun anew after its end takes no progress of the one before", async () => {
    await using bundle = await make();
    const { database } = bundle;
    await write(database, { sweeps: ["a/Session/1"] });
    const [before] = await database.dueSweeps(1);
    await write(database, { swept: { ...before!, cursor: null } });
    const endedMs = await database.nowMs();
    await vi.waitUntil(async () => (await database.nowMs()) > endedMs, { timeout: 10_000, interval: 2 });
    await write(database, { sweeps: ["a/Session/1"] });
    const anew = await database.dueSweeps(1);
    await write(database, { swept: { ...before!, cursor: "late" } });
    await write(database, { swept: { ...before!, cursor: null } });
    expect(await database.dueSweeps(1)).toEqual(anew);
  });

  it("a sweep that ends in the transaction that starts it again is still to be done, from its beginning", async () => {
    await using bundle = await make();
    const { database } = bundle;
    for (const cursor of [null, "half"]) {
      await write(database, { sweeps: ["a/Session/1"] });
      const [row] = await database.dueSweeps(1);
      await write(database, { swept: { ...row!, cursor }, sweeps: ["a/Session/1"] });
      expect(await database.dueSweeps(1)).toMatchObject([{ key: "a/Session/1", cursor: "" }]);
    }
  });

  it("the outbox gives rows that are due, oldest first, and forgets or reschedules them", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const rows = [3, 1, 2].map((dueMs) => ({ ...outboxRow(`a/${dueMs}`), dueMs }));
    await write(database, { outbox: rows });
    await write(database, { outbox: [{ ...rows[0]!, record: "another" }] });
    const due = (nowMs: number, limit = 10) => database.dueOutbox(nowMs, limit, 1_000_000);
    expect((await due(2)).map(({ key }) => key)).toEqual(["a/1", "a/2"]);
    expect(await due(3)).toContainEqual(rows[0]);
    expect(await due(3, 1)).toHaveLength(1);
    expect(await due(0)).toEqual([]);
    const later = { ...rows[2]!, attempts: 4, dueMs: 9, reason: "not authorised", fatal: true };
    await database.settleOutbox(["a/1", "nothing"], [later]);
    expect((await due(8)).map(({ key }) => key)).toEqual(["a/3"]);
    expect((await due(9)).at(-1)).toEqual(later);
  });

  it("due requests are leased flow by flow in turn, and not again before the lease is over", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const retries = [
      ...[1, 2, 3, 4].map((dueMs) => retryRow(`a/action${dueMs}`, { flow: "action", dueMs })),
      ...[5, 6].map((dueMs) => retryRow(`a/summary${dueMs}`, { flow: "summarization", dueMs })),
      retryRow("a/other", { flow: "context-analysis", dueMs: 0 }),
      retryRow("a/later", { flow: "summarization", dueMs: 100 }),
    ];
    await write(database, { retries });
    const lease = async (nowMs: number) =>
      (await database.leaseRetries(["action", "summarization"], nowMs, nowMs + 50, 3)).map(({ key }) => key);
    expect((await lease(10)).toSorted()).toEqual(["a/action1", "a/action2", "a/summary5"]);
    expect((await lease(11)).toSorted()).toEqual(["a/action3", "a/action4", "a/summary6"]);
    expect(await lease(12)).toEqual([]);
    expect((await lease(60)).toSorted()).toEqual(["a/action1", "a/action2", "a/summary5"]);
    expect(await database.leaseRetries([], 10, 60, 3)).toEqual([]);
  });

  it("one request is leased when it is due, a first attempt at once, and by one at a time", async () => {
    await using bundle = await make();
    const { database } = bundle;
    // Before its first attempt it is due by the database's clock, which may be ahead of the caller's.
    await write(database, { retries: [retryRow("a/op", { dueMs: 100 })] });
    expect(await database.leaseRetry("a/op", 50, 60)).toEqual(retryRow("a/op", { dueMs: 100 }));
    expect(await database.leaseRetry("a/op", 59, 90)).toBeUndefined();
    expect(await database.leaseRetry("a/op", 60, 90)).toBeDefined();
    await database.rescheduleRetry("a/op", 1, 200, "down");
    expect(await database.leaseRetry("a/op", 199, 300)).toBeUndefined();
    const due = retryRow("a/op", { attempts: 1, dueMs: 200, reason: "down" });
    expect(await database.leaseRetry("a/op", 200, 300)).toEqual(due);
    expect(await database.leaseRetry("a/op", 250, 300)).toBeUndefined();
    expect(await database.leaseRetry("a/none", 200, 300)).toBeUndefined();
  });

  it("a parked record is found by its name, and by coordinates alone together with those of other logs", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const names = ["t/0/1@aaaaaaaa", "t/0/1@bbbbbbbb", "t/0/10@aaaaaaaa", "t/0/1@cccccccc"];
    await write(database, { parked: names.map(parkedRow) });
    const found = async (record: string) => (await database.parkedNamed(record)).map(({ key }) => key);
    expect(await found("t/0/1@bbbbbbbb")).toEqual(["t/0/1@bbbbbbbb"]);
    expect(await found("t/0/10")).toEqual(["t/0/10@aaaaaaaa"]);
    expect(await found("t/0/1")).toEqual(["t/0/1@aaaaaaaa", "t/0/1@bbbbbbbb"]);
    expect(await found("t/0/1@dddddddd")).toEqual([]);
    expect(await found("t/0")).toEqual([]);
  });

  it("the outbox gives as many records as are asked for in characters, and one at least", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const rows = [1, 2, 3].map((dueMs) => ({ ...outboxRow(`a/${dueMs}`), dueMs, record: "x".repeat(100) }));
    await write(database, { outbox: rows });
    const keys = async (bytesMax: number) => (await database.dueOutbox(3, 10, bytesMax)).map(({ key }) => key);
    expect(await keys(1)).toEqual(["a/1"]);
    expect(await keys(100)).toEqual(["a/1"]);
    expect(await keys(101)).toEqual(["a/1", "a/2"]);
    expect(await keys(300)).toEqual(["a/1", "a/2", "a/3"]);
  });

  it("backlog() counts what waits, names fatal reasons and the oldest row", async () => {
    await using bundle = await make();
    const { database } = bundle;
    expect(await database.backlog()).toEqual({
      outbox: 0,
      fatal: [],
      oldestOutboxMs: null,
      sweeps: 0,
      retries: 0,
      oldestRetryMs: null,
      parked: 0,
      unseen: 0,
    });
    const unseen = { ...save("a/Session/1", {}), state: { ...stateOf({ n: 1 }), born: null } };
    const fatal = Array.from({ length: 12 }, (_, i) => ({ ...outboxRow(`a/${i}`), fatal: true, reason: `r${i % 11}` }));
    await write(database, {
      entities: [unseen, save("a/Session/2", {})],
      outbox: [...fatal, outboxRow("a/mild")],
      parked: [parkedRow("t/0/1"), parkedRow("t/0/2")],
      sweeps: ["a/Session/2"],
    });
    const backlog = await database.backlog();
    expect(backlog).toMatchObject({ outbox: 13, sweeps: 1, parked: 2, unseen: 1 });
    expect(new Set(backlog.fatal).size).toBe(10);
    expect(Math.abs(backlog.oldestOutboxMs! - Date.now())).toBeLessThan(30_000);
    await write(database, { entities: [save("a/Session/1", { n: 1 })] });
    expect((await database.backlog()).unseen).toBe(0);
  });

  it("parked records are found by their operation and counted by flow", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const known = { ...parkedRow("t/0/1"), operationKey: "a/op", flow: "memory", bytes: "AP8=" };
    const unknown = { ...parkedRow("t/0/2"), bytes: null };
    await write(database, { parked: [known, unknown, { ...parkedRow("t/0/3"), flow: "memory" }] });
    await write(database, { parked: [{ ...known, detail: "met again" }] });
    const reasons = await database.parkedReasons(["a/none", "a/op", "a/op"]);
    expect([...reasons]).toEqual([["a/op", { reason: known.reason, detail: known.detail }]]);
    expect(await database.parkedReasons([])).toEqual(new Map());
    expect(await database.parkedNamed("t/0/1")).toEqual([known]);
    const counts = await database.parkedCounts();
    expect([counts.get("memory"), [...counts.values()].reduce((sum, n) => sum + n, 0)]).toEqual([2, 3]);
  });

  it("nowMs() is a clock", async () => {
    await using bundle = await make();
    const before = await bundle.database.nowMs();
    expect(Number.isInteger(before)).toBe(true);
    expect(Math.abs(before - Date.now())).toBeLessThan(30_000);
    expect(await bundle.database.nowMs()).toBeGreaterThanOrEqual(before);
  });
}
