// Reads of sessions and messages: what clients see, page by page.
import { describe, expect, it } from "vitest";
import { expectProblem } from "../support/problem.ts";
import { type ServiceUnderTest, startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";

interface Message {
  readonly id: string;
  readonly content: string;
}

const DIRECT = { env: { ENABLE_KAFKA: "false" } };

const create = (service: ServiceUnderTest, data: object) =>
  service.post("/v1/chat-messages/create", { session: "s", user: "u", content: "c", ...data });

async function page(service: ServiceUnderTest, query: string, session = "s") {
  const { status, body } = await service.get(`/v1/sessions/${session}/messages${query}`);
  expect(status).toBe(200);
  return body as unknown as { readonly items: readonly Message[]; readonly next: string | null };
}

/** Every page of a session's messages. */
async function pages(service: ServiceUnderTest, limit: number, session = "s"): Promise<Message[][]> {
  const found: Message[][] = [];
  for (let cursor = ""; ; ) {
    const { items, next } = await page(service, `?limit=${limit}${cursor}`, session);
    found.push([...items]);
    if (next === null) return found;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}

describe.each(WAYS)("reads after the path $path", ({ options }) => {
  it("show an entity with its references by id, without nulls and without bookkeeping", async () => {
    await using service = await startService(options);
    await service.post("/v1/session/create", { id: "s/1 ü", user: "u", title: "t", prompt: null });
    await service.post("/v1/chat-messages/create", { id: "m%1", session: "s/1 ü", user: "u", content: "hi", seq: 3 });
    await service.tickToRest();
    expect((await service.get(`/v1/sessions/${encodeURIComponent("s/1 ü")}`)).body).toEqual({
      id: "s/1 ü",
      user: "u",
      title: "t",
      status: "active",
    });
    expect((await service.get(`/v1/messages/${encodeURIComponent("m%1")}`)).body).toEqual({
      id: "m%1",
      session: "s/1 ü",
      user: "u",
      content: "hi",
      seq: 3,
    });
    expect((await page(service, "", encodeURIComponent("s/1 ü"))).items).toHaveLength(1);
  });

  it("order messages by time, then seq where there is one, then the create, over many pages", async () => {
    await using service = await startService(options);
    await service.post("/v1/session/create", { id: "s" });
    const times = ["2026-01-01T00:00:02Z", "2026-01-01T00:00:01Z", "2026-01-01T02:00:00.500+02:00"];
    for (let i = 0; i < 12; i++)
      await create(service, { id: `m/${i}%`, sentAt: times[i % 3], ...(i < 6 ? { seq: 10 - i } : {}) });
    await service.tickToRest();
    const whole = (await page(service, "")).items.map(({ id }) => id);
    expect(whole).toEqual([5, 2, 8, 11, 4, 1, 7, 10, 3, 0, 6, 9].map((i) => `m/${i}%`));
    for (const limit of [1, 4, 5]) {
      const found = await pages(service, limit);
      expect(found.length).toBeGreaterThanOrEqual(3);
      expect(found.flat().map(({ id }) => id)).toEqual(whole);
    }
  });
});

describe("what lies around an entity", () => {
  it("is nodes, and edges that name them by kind and id", async () => {
    await using service = await startService(DIRECT);
    await service.post("/v1/session/create", { id: "s", user: "u" });
    await create(service, { id: "m" });
    const about = { kind: "Session", id: "s" };
    for (const source of ["/one", "/two"]) {
      await service.post("/events", { specversion: "1.0", id: "e", source, type: "t", about });
    }
    const { body } = await service.get("/v1/graph/Session/s?depth=2");
    expect((await service.get("/v1/graph/sessions/s?depth=2")).body).toEqual(body);
    expect((await service.get("/v1/graph/planets/s")).body.detail).toMatch(/there are .*Session/);
    const { nodes, edges, truncated } = body as unknown as {
      nodes: { kind: string; id: string }[];
      edges: { relation: string; from: { kind: string; id: string }; to: { kind: string; id: string } }[];
      truncated: boolean;
    };
    const name = ({ kind, id }: { kind: string; id: string }): string => `${kind} ${id}`;
    expect(nodes.map(name).sort()).toEqual(["Event %2Fone/e", "Event %2Ftwo/e", "Message m", "Session s", "User u"]);
    expect(edges.map(({ relation, from, to }) => `${name(from)} ${relation} ${name(to)}`).sort()).toEqual([
      "Event %2Fone/e ABOUT Session s",
      "Event %2Ftwo/e ABOUT Session s",
      "Session s CONTAINS Message m",
      "User u HAS Session s",
      "User u SENT Message m",
    ]);
    expect(truncated).toBe(false);
    for (const { kind, id } of nodes.filter(({ kind }) => kind === "Event")) {
      expect((await service.get(`/v1/graph/${kind}/${encodeURIComponent(id)}`)).status).toBe(200);
    }
  });
});

describe("messages of a session", () => {
  it("without a time stand where they were said", async () => {
    await using service = await startService(DIRECT);
    await service.post("/v1/session/create", { id: "s" });
    await create(service, { id: "now" });
    await create(service, { id: "before", sentAt: "2001-01-01T00:00:00Z" });
    await create(service, { id: "later", sentAt: "2101-01-01T00:00:00Z" });
    expect((await page(service, "")).items.map(({ id }) => id)).toEqual(["before", "now", "later"]);
  });

  it("go on where a cursor stands while others come and go", async () => {
    await using service = await startService(DIRECT);
    await service.post("/v1/session/create", { id: "s" });
    for (let i = 0; i < 6; i++) await create(service, { id: `m${i}`, sentAt: `2026-01-01T00:00:0${i}Z` });
    const first = await page(service, "?limit=3");
    await service.post("/v1/chat-messages/delete", { id: "m2" });
    await service.post("/v1/chat-messages/delete", { id: "m4" });
    await create(service, { id: "m9", sentAt: "2026-01-01T00:00:09Z" });
    await create(service, { id: "m-", sentAt: "2026-01-01T00:00:00Z" });
    const rest = await page(service, `?limit=10&cursor=${encodeURIComponent(first.next!)}`);
    expect(rest.items.map(({ id }) => id)).toEqual(["m3", "m5", "m9"]);
    expect(rest.next).toBeNull();
  });

  it("take a cursor as it came, without encoding it for the address", async () => {
    await using service = await startService(DIRECT);
    await service.post("/v1/session/create", { id: "s" });
    for (const id of ["a/%25", "b+ %2F", "ü&=?#"]) await create(service, { id, sentAt: "2026-01-01T00:00:00Z" });
    const first = await page(service, "?limit=2");
    expect(first.next).toMatch(/^[\w-]+$/);
    const rest = await page(service, `?limit=2&cursor=${first.next}`);
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(["a/%25", "b+ %2F", "ü&=?#"]);
  });

  it("hold at most 100 unless asked otherwise", async () => {
    await using service = await startService(DIRECT);
    await service.post("/v1/session/create", { id: "s" });
    const items = Array.from({ length: 205 }, (_, i) => ({
      flow: "chat-messages",
      type: "create",
      data: { session: "s", user: "u", content: `${i}` },
    }));
    await service.post("/v1/operations", items);
    const found = await page(service, "");
    expect(found.items).toHaveLength(100);
    expect((await page(service, "?limit=1000")).items.map(({ content }) => Number(content))).toEqual(
      items.map((_, i) => i),
    );
  });

  it.each(["0", "1001", "-1", "1.5", "ten", "", "1e2", "99999999999999999999"])(
    "refuse the limit %j",
    async (limit) => {
      await using service = await startService(DIRECT);
      await service.post("/v1/session/create", { id: "s" });
      const problem = expectProblem(await service.get(`/v1/sessions/s/messages?limit=${limit}`), "invalid_input");
      expect(problem.errors?.[0]?.pointer).toBe("#/limit");
    },
  );

  it.each(["x", "%5B%5D", "%5B1%2C2%5D", "%25", "%FF", "bnVsbA", "WyJhIl0", "%00"])(
    "refuse the cursor %s",
    async (cursor) => {
      await using service = await startService(DIRECT);
      await service.post("/v1/session/create", { id: "s" });
      const problem = expectProblem(await service.get(`/v1/sessions/s/messages?cursor=${cursor}`), "invalid_input");
      expect(problem.errors?.[0]?.pointer).toBe("#/cursor");
    },
  );
});

describe("searches by tags", () => {
  it.each([
    ["tags=a%2Cb", ["comma"]],
    ["tags=a,b", ["two"]],
    ["tags=a&tags=b", ["two"]],
    ["tags=x&tags=a%2Cb,c+d", []],
    ["t%61gs=c+d&tags=a%2cb,", ["comma"]],
    ["tags=%26%3D%23", ["signs"]],
    ["tags=", ["comma", "signs", "two"]],
  ])("take a literal comma as the end of a tag, and an encoded one as its own (%s)", async (search, found) => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
    const memory = { user: "u", content: "c" };
    await service.post("/v1/memory/create", { ...memory, id: "comma", tags: ["a,b", "c d"] });
    await service.post("/v1/memory/create", { ...memory, id: "two", tags: ["a", "b"] });
    await service.post("/v1/memory/create", { ...memory, id: "signs", tags: ["&=#"] });
    const { items } = (await service.get(`/v1/memories?${search}`)).body as unknown as { items: { id: string }[] };
    expect(items.map(({ id }) => id).sort()).toEqual(found);
  });
});

describe("searches and lists", () => {
  it.each([
    ["/v1/memories?text=", "text"],
    [`/v1/memories?text=${"x".repeat(1_001)}`, "text"],
    ["/v1/memories?user=", "user"],
    [`/v1/memories?tags=${Array(21).fill("a").join(",")}`, "tags"],
    ["/v1/memories?from=yesterday", "from"],
    ["/v1/memories?to=9999-12-31T23:59:59-14:00", "to"],
    ["/v1/memories?state=active", "state"],
    ["/v1/sessions?state=asleep", "state"],
    ["/v1/sessions?text=a", "text"],
    ["/v1/sessions?__proto__=a", "__proto__"],
    ["/v1/sessions?a/b=a", "a~1b"],
    ["/v1/sessions?after=nobody", "after"],
    ["/v1/sessions?limit=1001", "limit"],
    ["/v1/memories?cursor=x", "cursor"],
    // Cursors of another list: [ "b", "c" ] and [ "1e300", "" ].
    ["/v1/memories?text=a&cursor=JTVCJTIyYiUyMiUyQyUyMmMlMjIlNUQ", "cursor"],
    ["/v1/memories?text=a&cursor=JTVCJTIyMWUzMDAlMjIlMkMlMjIlMjIlNUQ", "cursor"],
    ["/v1/operations?flow=sesion", "flow"],
    ["/v1/operations?outcome=pending", "outcome"],
    ["/v1/operations?limit=0", "limit"],
    ["/v1/graph/Session/s?depth=4", "depth"],
    ["/v1/graph/Session/s?depth=0", "depth"],
  ])("refuse %.60s by name", async (path, name) => {
    await using service = await startService(DIRECT);
    const { errors } = expectProblem(await service.get(path), "invalid_input");
    expect(errors?.[0]?.pointer).toBe(`#/${name}`);
  });

  it.each(["!!!", "\0", "\ud800", '"', "a OR (b", "\u{1E100}", "x".repeat(1_000)])(
    "find nothing for %.10j",
    async (text) => {
      await using service = await startService(DIRECT);
      await service.post("/v1/memory/create", { user: "u", content: "tea" });
      const { status, body } = await service.get(`/v1/memories?text=${encodeURIComponent(text.toWellFormed())}`);
      expect([status, body]).toEqual([200, { items: [], next: null }]);
    },
  );

  it("list operations by flow and outcome", async () => {
    await using service = await startService(DIRECT);
    await service.post("/v1/memory/create", { user: "u", content: "tea" });
    await service.post("/v1/session/create", { id: "s" });
    const flowsOf = async (query: string) =>
      ((await service.get(`/v1/operations${query}`)).body.items as { flow: string }[]).map(({ flow }) => flow);
    // Both may carry the same millisecond.
    expect((await flowsOf("")).toSorted()).toEqual(["memory", "session"]);
    expect(await flowsOf("?flow=memory&outcome=applied")).toEqual(["memory"]);
    expect(await flowsOf("?outcome=discarded")).toEqual([]);
  });
});

describe("a deleted session", () => {
  it("hides its messages at once, before any sweep, and after it", async () => {
    await using service = await startService(DIRECT);
    await service.post("/v1/session/create", { id: "s" });
    await create(service, { id: "m" });
    await service.post("/v1/session/delete", { id: "s" });
    expect((await service.database.backlog()).sweeps).toBe(1);
    for (const round of ["before the sweep", "after it"]) {
      expectProblem(await service.get("/v1/messages/m"), "not_found");
      expectProblem(await service.get("/v1/sessions/s"), "not_found");
      expectProblem(await service.get("/v1/sessions/s/messages"), "not_found");
      await service.tickToRest();
      expect((await service.database.backlog()).sweeps, round).toBe(0);
    }
  });

  it("starts empty when it is created again, before the sweep as well as after it", async () => {
    await using service = await startService(DIRECT);
    await service.post("/v1/session/create", { id: "s" });
    await create(service, { id: "old" });
    await service.post("/v1/session/delete", { id: "s" });
    await service.post("/v1/session/create", { id: "s" });
    await create(service, { id: "new" });
    for (const _ of ["before", "after"]) {
      expect((await page(service, "")).items.map(({ id }) => id)).toEqual(["new"]);
      expectProblem(await service.get("/v1/messages/old"), "not_found");
      await service.tickToRest();
    }
    await service.post("/v1/chat-messages/update", { id: "old", session: "s" });
    expect((await page(service, "")).items.map(({ id }) => id).toSorted()).toEqual(["new", "old"]);
  });

  it("leaves a message readable that moved to another in time", async () => {
    await using service = await startService(DIRECT);
    await service.post("/v1/session/create", { id: "s" });
    await service.post("/v1/session/create", { id: "t" });
    await create(service, { id: "m" });
    await service.post("/v1/chat-messages/update", { id: "m", session: "t" });
    await service.post("/v1/session/delete", { id: "s" });
    expect((await service.get("/v1/messages/m")).body).toMatchObject({ session: "t" });
    expect((await page(service, "", "t")).items).toHaveLength(1);
  });
});
