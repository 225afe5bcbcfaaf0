// Dead letters over HTTP: what was set aside is listed, inspected, edited and decided about, on every path.
import { describe, expect, it } from "vitest";
import { expectProblem } from "../support/problem.ts";
import { startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";
import { NOW, parkedIn, record, YEAR_3000 } from "./foreign-records.ts";
import { at, expectClosed, memoryOf, mended, NEWER, nameOf, ours, parkedList, withRecords } from "./parked-records.ts";

describe.each(WAYS)("deciding on the path $path", ({ options, path, status }) => {
  it("lists, inspects, edits and replays one record, as the operation it was", async () => {
    const bad = ours("k", NEWER);
    await using service = await withRecords(options, bad);
    expect((await parkedList(service)).items).toMatchObject([
      { record: await nameOf(service, 0), reason: "unknown_version", attempts: 0, flow: "memory", operation: bad.id },
    ]);
    const { body } = await service.get(at(0));
    expect([JSON.parse(body.text as string), atob(body.bytes as string)]).toEqual([bad, body.text]);
    expect((await service.get(`/v1/operations/${bad.id}`)).body.state).toBe("parked");

    const before = (await memoryOf(service)).accounted;
    const edited = await service.post(`${at(0)}/replay`, { value: mended(bad) });
    expect(edited).toMatchObject({ status, body: { flow: "memory", type: "edited", path } });
    await service.tickToRest();
    expect((await parkedList(service)).items).toEqual([]);
    expectProblem(await service.get(at(0)), "not_found");
    expect((await service.get("/v1/memories/k")).body).toMatchObject({ content: "content of k" });
    expect((await service.get(`/v1/operations/${bad.id}`)).body).toMatchObject({
      state: "applied",
      stamp: bad.stamp,
      current: true,
    });
    expect((await service.get(`/v1/operations/${edited.body.id}`)).body).toMatchObject({ state: "applied", path });
    expect(await memoryOf(service)).toMatchObject({ accounted: before, applied: 2, derived: 1, parked: 0 });
    await expectClosed(service);
  });

  it("gives a discarded operation of ours its outcome, and the accounts stay as they are", async () => {
    const bad = ours("k", NEWER);
    await using service = await withRecords(options, bad);
    const before = await memoryOf(service);
    expect(before).toMatchObject({ accounted: 1, parked: 1, discarded: 0 });
    expect((await service.post(`${at(0)}/discard`, {})).status).toBe(status);
    await service.tickToRest();
    expect((await service.get(`/v1/operations/${bad.id}`)).body).toMatchObject({
      state: "discarded",
      type: "create",
      stamp: bad.stamp,
    });
    expect(await memoryOf(service)).toMatchObject({ accounted: 1, parked: 0, discarded: 1 });
    expectProblem(await service.get("/v1/memories/k"), "not_found");
    expect((await service.get("/v1/operations?outcome=discarded")).body.items).toMatchObject([{ id: bad.id }]);
    await expectClosed(service);
  });

  it("discards a stranger's record without touching the accounts", async () => {
    await using service = await withRecords(options, "poison", record({ ...NEWER, id: "foreign-7" }), null);
    const before = await memoryOf(service);
    for (const offset of [0, 1, 2]) await service.post(`${at(offset)}/discard`, {});
    await service.tickToRest();
    expect((await parkedList(service)).items).toEqual([]);
    const after = await memoryOf(service);
    expect({ ...after, byPath: null, applied: 0, derived: 0 }).toEqual({ ...before, byPath: null });
    expect((await service.get("/v1/operations/foreign-7")).status).toBe(404);
    await expectClosed(service);
  });

  it("keeps a record whose replay fails again, with its attempts and why", async () => {
    await using service = await withRecords(options, ours("k", NEWER));
    for (const attempts of [1, 2]) {
      expect((await service.post(`${at(0)}/replay`, {})).status).toBe(status);
      await service.tickToRest();
      expect((await parkedList(service)).items).toMatchObject([{ reason: "unknown_version", attempts }]);
    }
    const before = (await memoryOf(service)).accounted;
    await service.post(`${at(0)}/discard`, {});
    await service.tickToRest();
    expect((await parkedList(service)).items).toEqual([]);
    expect(await memoryOf(service)).toMatchObject({ accounted: before, discarded: 1 });
    await expectClosed(service);
  });

  it("makes one of two replays at once", async () => {
    const bad = ours("k", NEWER);
    await using service = await withRecords(options, bad);
    const both = await Promise.all([0, 1].map(() => service.post(`${at(0)}/replay`, { value: mended(bad) })));
    expect(both.map((answer) => answer.status)).toEqual([status, status]);
    expect(both[0]!.body.id).toBe(both[1]!.body.id);
    await service.tickToRest();
    expect(await memoryOf(service)).toMatchObject({ accounted: 1, applied: 2, derived: 1 });
    await expectClosed(service);
  });

  it("refuses a second decision of another sort until the first is carried out", async () => {
    await using service = await withRecords(options, ours("k", NEWER));
    await service.post(`${at(0)}/replay`, {});
    const other = expectProblem(await service.post(`${at(0)}/discard`, {}), "decision_pending");
    expect(other.detail).toContain(`Another decision about ${await nameOf(service, 0)}`);
    await service.tickToRest();
    expect((await service.post(`${at(0)}/discard`, {})).status).toBe(status);
  });

  it("decides by filter: a dry run counts, pages are bounded and go on behind each other", async () => {
    const records = Array.from({ length: 7 }, (_, i) => ours(`k${i}`, NEWER));
    await using service = await withRecords(options, "poison", ...records);
    const filter = { flow: "memory", reason: "unknown_version" };
    expect((await service.post("/v1/parked/discard", { filter, dryRun: true })).body).toEqual({
      matched: 7,
      done: 0,
      refused: [],
      next: null,
    });
    expect(await memoryOf(service)).toMatchObject({ parked: 7 });
    const done: unknown[] = [];
    for (let cursor: unknown = ""; cursor !== null; ) {
      const { body } = await service.post("/v1/parked/discard", { filter, limit: 3, cursor });
      expect(body).toMatchObject({ refused: [] });
      done.push(body.done);
      cursor = body.next;
      await service.tickToRest();
    }
    expect(done).toEqual([3, 3, 1]);
    expect((await parkedList(service)).items).toMatchObject([
      { record: await nameOf(service, 0), reason: "undecodable" },
    ]);
    expect(await memoryOf(service)).toMatchObject({ accounted: 7, discarded: 7, parked: 0 });
    await expectClosed(service);
  });
});

describe("a decision about many", () => {
  it("of 1,200 that match touches at most its limit, and all of them page by page", async () => {
    const records = Array.from({ length: 1_200 }, (_, i) => ours(`k${i}`, NEWER));
    await using service = await withRecords({}, ...records);
    const first = await service.post("/v1/parked/replay", { limit: 1_000 });
    expect(first.body).toMatchObject({ matched: 1_200, done: 1_000, refused: [] });
    const rest = await service.post("/v1/parked/replay", { limit: 1_000, cursor: first.body.next });
    expect(rest.body).toMatchObject({ done: 200, next: null });
    await service.tickToRest();
    const { items } = await parkedList(service, "?limit=1000");
    expect(new Set(items.map(({ attempts }) => attempts))).toEqual(new Set([1]));
    expect(service.sql().get<{ n: number }>("SELECT sum(attempts) AS n FROM parked")).toMatchObject({ n: 1_200 });
    await expectClosed(service);
  });

  it("names what was refused", async () => {
    await using service = await withRecords({}, ours("a", NEWER), ours("b", NEWER));
    await service.post(`${at(0)}/replay`, {});
    expect((await service.post("/v1/parked/discard", {})).body).toMatchObject({
      matched: 2,
      done: 1,
      refused: [{ record: await nameOf(service, 0), detail: expect.stringContaining("Another decision") }],
      next: null,
    });
  });

  it.each([
    [{ filter: { flow: "memory", color: "red" } }, "#/filter/color"],
    [{ filter: { reason: "" } }, "#/filter/reason"],
    [{ limit: 0 }, "#/limit"],
    [{ limit: 1_001 }, "#/limit"],
    [{ dryRun: "yes" }, "#/dryRun"],
    [{ cursor: "x" }, "#/cursor"],
    [{ cursor: btoa(encodeURIComponent('["a","b"]')) }, "#/cursor"],
    [{ everything: true }, "#/everything"],
    [[], "#"],
  ])("refuses %j", async (body, pointer) => {
    await using service = await startService();
    const problem = expectProblem(await service.post("/v1/parked/discard", body), "invalid_input");
    expect(problem.errors?.[0]?.pointer).toBe(pointer);
  });
});

describe("the list of parked records", () => {
  it("is filtered and paged, newest first", async () => {
    await using service = await withRecords(
      {},
      "one",
      ours("k", NEWER),
      "two",
      ours("l", { type: "tidegate.memory.explode" }),
    );
    const records = async (query: string) => (await parkedList(service, query)).items.map(({ record }) => record);
    const names = (...offsets: number[]) => Promise.all(offsets.map((offset) => nameOf(service, offset)));
    expect(await records("?flow=memory")).toEqual(await names(3, 1));
    expect(await records("?reason=undecodable")).toEqual(await names(2, 0));
    expect(await records("?flow=memory&reason=unknown_flow")).toEqual(await names(3));
    expect(await records("?topic=events")).toEqual([]);
    const first = await parkedList(service, "?limit=3");
    const rest = await parkedList(service, `?limit=3&cursor=${first.next}`);
    expect([...first.items, ...rest.items].map(({ record }) => record)).toEqual(await names(3, 2, 1, 0));
    expect(rest.next).toBeNull();
    expectProblem(await service.get("/v1/parked?colour=red"), "invalid_input");
    expectProblem(await service.get(at(9)), "not_found");
    expectProblem(await service.post(`${at(9)}/replay`, {}), "not_found");
    expectProblem(await service.post("/v1/parked/nowhere/0/0/discard", {}), "not_found");
  });

  it("shows bytes that are no text, and none where there are none", async () => {
    await using service = await withRecords({}, new Uint8Array([0xff, 0x00]), null);
    expect((await service.get(at(0))).body).toMatchObject({ bytes: "/wA=", text: null, operation: null, flow: null });
    expect((await service.get(at(1))).body).toMatchObject({ bytes: null, text: null });
    await service.post(`${at(1)}/replay`, {});
    await service.tickToRest();
    expect((await service.get(at(1))).body).toMatchObject({ reason: "undecodable", attempts: 1 });
  });
});

describe("an edited record", () => {
  const bad = ours("k", NEWER);
  const good = mended(bad);
  it.each([
    ["text that is no record", { value: "hello" }, /CloudEvents|JSON/],
    ["data that the schema refuses", { value: { ...good, data: { id: "k", user: 5 } } }, /#\/user/],
    ["a version nobody knows", { value: { ...good, ...NEWER } }, /version 2/],
    ["another id", { value: { ...good, id: ours("k").id } }, /another operation/],
    ["a stranger's id", { value: { ...good, id: "foreign" } }, /another operation/],
    ["another tenant", { value: { ...good, tenant: "b" } }, /another operation/],
    ["another flow", { value: { ...good, type: "tidegate.session.delete", data: { id: "k" } } }, /another flow/],
    ["another stamp", { value: { ...good, stamp: YEAR_3000 } }, /stamp/],
    ["a NUL", { value: "\0" }, /./],
  ])("with %s is refused, and the record stays as it was", async (_, body, detail) => {
    await using service = await withRecords({}, bad);
    const problem = expectProblem(await service.post(`${at(0)}/replay`, body), "invalid_input");
    expect(problem.errors).toMatchObject([{ pointer: "#/value", detail: expect.stringMatching(detail) }]);
    await service.tickToRest();
    expect(parkedIn(service)).toMatchObject([{ reason: "unknown_version" }]);
    expect(await memoryOf(service)).toMatchObject({ accounted: 1, parked: 1, derived: 0 });
  });

  it.each([{ value: 5 }, { value: "" }, { value: [] }, { values: {} }, { value: null }, "text", null])(
    "has to be named by a body of its shape, not by %j",
    async (body) => {
      await using service = await withRecords({}, bad);
      expectProblem(await service.post(`${at(0)}/replay`, body), "invalid_input");
    },
  );

  it("is not passed over for want of a Content-Type", async () => {
    await using service = await withRecords({}, bad);
    const body = new Blob([JSON.stringify({ value: good })]).stream();
    const response = await service.request(`${at(0)}/replay`, { method: "POST", body, duplex: "half" } as RequestInit);
    expect(response.status).toBe(415);
    expect((await service.request(`${at(0)}/discard`, { method: "POST" })).status).toBe(202);
  });

  it("may give a stranger's record the stamp it lacked, but none ahead of the clock", async () => {
    const lacking = record({ stamp: undefined });
    await using service = await withRecords({}, lacking);
    const ahead = await service.post(`${at(0)}/replay`, { value: { ...lacking, stamp: YEAR_3000 } });
    expect(expectProblem(ahead, "invalid_input").detail).toContain("60 seconds");
    await service.post(`${at(0)}/replay`, { value: { ...lacking, stamp: NOW() } });
    await service.tickToRest();
    expect(await memoryOf(service)).toMatchObject({ accounted: 0, foreign: 1, parked: 0 });
    expect((await service.get("/v1/memories/k")).status).toBe(200);
    await expectClosed(service);
  });
});
