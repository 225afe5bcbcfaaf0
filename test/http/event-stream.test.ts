// Event streams: the life of one operation, all operations from a place on; bounded, and free while nobody reads.
import { describe, expect, it, vi } from "vitest";
import { readCursor, writeCursor } from "../../src/app/cursor.ts";
import { ledgerRow, write } from "../contract/database-writes.ts";
import { type FailingDatabase, failingDatabase } from "../support/failing-database.ts";
import { loopback } from "../support/gateway-bundle.ts";
import { expectProblem, readProblem } from "../support/problem.ts";
import { type ServiceOptions, type ServiceUnderTest, startService } from "../support/service.ts";
import { waitFor } from "../support/tidegate-process.ts";
import { WAYS } from "../support/ways.ts";

const DIRECT: ServiceOptions = { env: { ENABLE_KAFKA: "false" } };
const ALL = "/v1/operations/events";
const STREAMS_MAX = 200;

interface Told {
  readonly event: string;
  readonly id: string;
  readonly data: { readonly id: string; readonly state: string };
}

/** A stream that a test reads event by event. */
async function listen(service: ServiceUnderTest, path: string, lastEventId?: string) {
  const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const response = await service.request(path, { headers });
  const reader = (response.body ?? new Blob().stream()).getReader();
  const decoder = new TextDecoder();
  let text = "";
  const read = async (): Promise<string | undefined> => {
    while (!text.includes("\n\n")) {
      const { value, done } = await reader.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
    }
    const end = text.indexOf("\n\n");
    const block = text.slice(0, end);
    text = text.slice(end + 2);
    return block;
  };
  return {
    response,
    read,
    /** The next event; undefined at the end. */
    async next(): Promise<Told | undefined> {
      for (;;) {
        const block = await read();
        if (block === undefined) return undefined;
        if (block.startsWith(":") || /^id: [^\n]*$/.test(block)) continue;
        const lines = block
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]);
        expect(lines.map(([name]) => name)).toEqual(["event", "id", "data"]);
        const [[, event], [, id], [, data]] = lines as [string[], string[], string[]];
        return { event: event!, id: id!, data: JSON.parse(data!) };
      }
    },
    cancel: () => reader.cancel(),
    [Symbol.asyncDispose]: () => reader.cancel().catch(() => undefined),
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const create = async (service: ServiceUnderTest, id: string): Promise<string> =>
  (await service.post("/v1/memory/create", { id, user: "u", content: "c" })).body.id;

/** A service whose calls of the database are counted. */
async function startCounted(options: ServiceOptions = DIRECT) {
  let calls = 0;
  const service = await startService({
    ...options,
    database: (database) =>
      Object.fromEntries(
        Object.entries(database).map(([name, method]) => [
          name,
          (...args: unknown[]) => {
            calls++;
            return (method as (...all: unknown[]) => unknown)(...args);
          },
        ]),
      ) as unknown as typeof database,
  });
  return { service, calls: () => calls };
}

describe("the events of one operation", () => {
  it.each(WAYS)("tell its life on the path $path and end with its outcome", async ({ options, path }) => {
    await using service = await startService(options);
    const id = await create(service, "k");
    await using stream = await listen(service, `/v1/operations/${id}/events`);
    expect(stream.response.status).toBe(200);
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    expect(stream.response.headers.get("cache-control")).toBe("no-store");
    if (path === "kafka") {
      expect(await stream.next()).toEqual({ event: "status", id: "pending", data: { id, state: "pending" } });
      await service.tickToRest();
    }
    expect(await stream.next()).toMatchObject({ event: "status", id: "applied", data: { id, state: "applied", path } });
    expect(await stream.next()).toBeUndefined();
    await using met = await listen(service, `/v1/operations/${id}/events`, "applied");
    await using missed = await listen(service, `/v1/operations/${id}/events`, "pending");
    expect([met.response.status, missed.response.status]).toEqual([204, 200]);
  });

  it("are a 404 for an id that was never given out", async () => {
    await using service = await startService();
    await readProblem(await service.request("/v1/operations/nothing/events"), "not_found");
  });

  it("are a problem while the database is down, and end when it goes down later", async () => {
    let failing: FailingDatabase | undefined;
    await using service = await startService({
      database: (database) => {
        failing = failingDatabase(database);
        return failing;
      },
    });
    const id = await create(service, "k");
    const { faults } = failing!;
    faults.down = true;
    for (const path of [`/v1/operations/${id}/events`, ALL])
      expectProblem(await service.get(path), "graph_unavailable");
    faults.down = false;
    const stream = await listen(service, `/v1/operations/${id}/events`);
    await stream.next();
    faults.down = true;
    await expect(stream.next()).rejects.toMatchObject({ code: "graph_unavailable" });
  });
});

describe("the events of all operations", () => {
  it("begin now, and tell each once in its order", async () => {
    await using service = await startService(DIRECT);
    await create(service, "before");
    // What has the stream's own millisecond is told as well.
    const beforeMs = Date.now();
    await vi.waitUntil(() => Date.now() > beforeMs, { interval: 1 });
    await using stream = await listen(service, ALL);
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await create(service, `k${i}`));
    const told: Told[] = [];
    while (told.length < 5) told.push((await stream.next())!);
    expect(told.map(({ data }) => data.id).toSorted()).toEqual(ids.toSorted());
    expect(told.every(({ event, data }) => event === "operation" && data.state === "applied")).toBe(true);
    expect(new Set(told.map(({ id }) => id)).size).toBe(5);
  });

  it("go on behind any event a client saw last, also one in the middle of a page", async () => {
    await using service = await startService(DIRECT);
    const items = Array.from({ length: 250 }, (_, i) => ({
      flow: "memory",
      type: "create",
      data: { id: `k${i}`, user: "u", content: "c" },
    }));
    const start = await service.composed.service.reads.cursorNow();
    await service.post("/v1/operations", items);
    const whole: Told[] = [];
    {
      await using stream = await listen(service, ALL, start);
      while (whole.length < 250) whole.push((await stream.next())!);
    }
    expect(new Set(whole.map(({ data }) => data.id)).size).toBe(250);
    for (const at of [0, 3, 99, 100, 177, 248]) {
      await using again = await listen(service, ALL, whole[at]!.id);
      expect(await again.next()).toEqual(whole[at + 1]);
    }
  });

  it("pass by no operation that gets its outcome in the same moment as one told before", async () => {
    let nowMs = Date.now();
    const clock = () => nowMs;
    await using service = await startService({
      ...DIRECT,
      nowMs: clock,
      databaseNowMs: clock,
      delay: async () => {
        nowMs += 10;
      },
    });
    const ids: string[] = [];
    const told: string[] = [];
    await using stream = await listen(service, ALL, await service.composed.service.reads.cursorNow());
    for (let round = 0; round < 10; round++) {
      // Ids of one moment are random in their order.
      for (let i = 0; i < 2; i++) ids.push(await create(service, `k${round}-${i}`));
      const half = stream.next();
      for (let i = 2; i < 4; i++) ids.push(await create(service, `k${round}-${i}`));
      told.push((await half)!.data.id);
      while (told.length < ids.length) told.push((await stream.next())!.data.id);
    }
    expect(told.toSorted()).toEqual(ids.toSorted());
  });

  it.each(["x", "%", "W10", btoa(encodeURIComponent('["a","b"]')), btoa(encodeURIComponent("[1,2]"))])(
    "refuse the place %s before anything is streamed",
    async (place) => {
      await using service = await startService(DIRECT);
      const response = await service.request(ALL, { headers: { "last-event-id": place } });
      const problem = await readProblem(response, "invalid_input");
      expect(problem.errors?.[0]?.pointer).toBe("#/cursor");
    },
  );

  it("say nothing about another tenant's", async () => {
    await using service = await startService(DIRECT);
    const { accept, reads } = service.composed.service;
    const start = await reads.cursorNow();
    const of = (id: string) => [{ flow: "memory", type: "create", data: { id, user: "u", content: "c" } }];
    await accept(of("theirs"), "other");
    await accept(of("mine"), "default");
    await using stream = await listen(service, ALL, start);
    expect(await stream.next()).toMatchObject({ data: { entity: { id: "mine" } } });
  });

  it("keep a quiet connection open with comments, and end after a quarter of an hour", async () => {
    let nowMs = Date.now();
    await using service = await startService({
      ...DIRECT,
      nowMs: () => nowMs,
      delay: async (ms) => {
        nowMs += ms;
      },
    });
    const since = nowMs;
    await using stream = await listen(service, ALL);
    expect([await stream.read(), nowMs - since]).toEqual([expect.stringMatching(/^id: .+$/), 0]);
    expect([await stream.read(), nowMs - since]).toEqual([": quiet", 15_000]);
    let last: string | undefined;
    do last = await stream.read();
    while (last !== undefined);
    expect(nowMs - since).toBe(15 * 60_000);
  });
});

/** A service on a clock that only waiting moves, with 450 operations of a neighbour, and the place of a stream before them. */
async function startBeside(waits: number[] = []) {
  let nowMs = 1_800_000_000_000;
  const clock = () => nowMs;
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  const delay = async (ms: number): Promise<void> => {
    waits.push(ms);
    pass(ms);
  };
  const service = await startService({ ...DIRECT, nowMs: clock, databaseNowMs: clock, delay });
  const at = (key: string, agoMs: number) => ({ ...ledgerRow(key), atMs: nowMs - agoMs });
  const theirs = Array.from({ length: 450 }, (_, i) => at(`neighbour/op-${i}`, 5_000 - Math.floor(i / 150)));
  await write(service.database, { ledger: theirs });
  const tell = (id: string, agoMs = 1_000) => write(service.database, { ledger: [at(`default/${id}`, agoMs)] });
  return { service, clock, pass, tell, start: writeCursor(JSON.stringify([nowMs - 9_000, ""])) };
}

describe("beside a busy neighbour the events of all operations", () => {
  it("come without a wait for every page of the neighbour's", async () => {
    const waits: number[] = [];
    const { service, tell, start } = await startBeside(waits);
    await using _ = service;
    await tell("mine");
    await using stream = await listen(service, ALL, start);
    expect(await stream.next()).toMatchObject({ data: { id: "mine" } });
    expect(waits.filter((ms) => ms > 0)).toEqual([]);
  });

  it("say with their signs of life how far they are, for whoever comes back", async () => {
    const { service, tell, start } = await startBeside();
    await using _ = service;
    await using stream = await listen(service, ALL, start);
    expect(await stream.read()).toBe(": quiet");
    const place = (await stream.read())!.replace(/^id: /, "");
    expect(JSON.parse(readCursor(place))[0]).toBe(JSON.parse(readCursor(start))[0] + 4_002);
    expect(readCursor(place)).not.toContain("neighbour");
    // Said once.
    expect([await stream.read(), await stream.read()]).toEqual([": quiet", ": quiet"]);
    await tell("mine");
    await using again = await listen(service, ALL, place);
    expect(await again.next()).toMatchObject({ data: { id: "mine" } });
  });

  it("say how far they are behind their own", async () => {
    const { service, tell, start } = await startBeside();
    await using _ = service;
    await tell("mine", 4_999);
    await using stream = await listen(service, ALL, start);
    const { id } = (await stream.next())!;
    const place = (await stream.read())!.replace(/^id: /, "");
    expect([JSON.parse(readCursor(id))[1], readCursor(place) > readCursor(id)]).toEqual(["default/mine", true]);
  });

  it("say how far they were when they end", async () => {
    const { service, clock, pass, start } = await startBeside();
    await using _ = service;
    const since = clock();
    await using stream = await listen(service, ALL, start);
    pass(15 * 60_000 - 1_000);
    expect([await stream.read(), clock() - since]).toEqual([expect.stringMatching(/^id: .+$/), 15 * 60_000]);
    expect(await stream.read()).toBeUndefined();
  });
});

describe("a client", () => {
  it("that does not read costs no look at the database", async () => {
    const { service, calls } = await startCounted({ ...DIRECT, delay: () => turn() });
    await using _ = service;
    await using stream = await listen(service, ALL);
    const id = await create(service, "k");
    await using other = await listen(service, `/v1/operations/${id}/events`);
    const before = calls();
    // Time for hundreds of looks.
    for (let i = 0; i < 1_000; i++) await turn();
    expect(calls()).toBe(before);
    expect(await stream.next()).toBeDefined();
    expect(await other.next()).toBeDefined();
    expect(calls()).toBeGreaterThan(before);
  });

  it("that reads what others read costs no look of its own", async () => {
    const { service, calls } = await startCounted();
    await using _ = service;
    const start = await service.composed.service.reads.cursorNow();
    for (let i = 0; i < 5; i++) await create(service, `k${i}`);
    await waitFor("the operations to be told", 5_000, async () => {
      await using stream = await listen(service, ALL, start);
      return (await stream.next())?.data.state === "applied";
    });
    const before = calls();
    const streams = await Promise.all(Array.from({ length: STREAMS_MAX }, () => listen(service, ALL, start)));
    for (const stream of streams) expect(await stream.next()).toBeDefined();
    // Each of them would look at least twice, at operations and at their entities.
    expect(calls() - before).toBeLessThan(STREAMS_MAX);
    for (const stream of streams) await stream.cancel();
  });

  it("that goes away while a look is under way is forgotten without an error", async () => {
    const { service, calls } = await startCounted();
    await using _ = service;
    const stream = await listen(service, ALL);
    const waiting = stream.next();
    const looked = calls();
    await waitFor("another look", 5_000, () => calls() > looked, { everyMs: 5 });
    await stream.cancel();
    expect(await waiting).toBeUndefined();
    const after = calls();
    await create(service, "k");
    const used = calls() - after;
    await service.request("/livez");
    expect(calls() - after).toBe(used);
    expect(service.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  it.each([ALL, "one"])("finds at most 200 streams, and a place again when another is gone: %s", async (which) => {
    await using service = await startService();
    const path = which === ALL ? ALL : `/v1/operations/${await create(service, "k")}/events`;
    const streams = await Promise.all(Array.from({ length: STREAMS_MAX }, () => listen(service, path)));
    const waiting = streams.map((stream) => (which === ALL ? stream.next() : stream.next().then(() => stream.next())));
    const refused = await service.get(path);
    expectProblem(refused, "too_many_streams");
    expect(refused.headers.get("retry-after")).toBe("10");
    await streams[7]!.cancel();
    await using again = await listen(service, path);
    expect(again.response.status).toBe(200);
    for (const stream of streams) await stream.cancel();
    await Promise.all(waiting);
  });

  it("that asks for the head alone takes no place", async () => {
    await using service = await startService(DIRECT);
    for (let i = 0; i <= STREAMS_MAX; i++) {
      expect((await service.request(ALL, { method: "HEAD" })).status).toBe(200);
    }
    await using stream = await listen(service, ALL);
    expect(stream.response.status).toBe(200);
  });

  it("that breaks its connection gives its place back", async () => {
    await using service = await startService(DIRECT);
    await using server = await loopback(service.app);
    for (let round = 0; round < 2; round++) {
      const aborting = new AbortController();
      const { signal } = aborting;
      const answers = await Promise.all(Array.from({ length: STREAMS_MAX }, () => fetch(server.url + ALL, { signal })));
      expect(answers.map(({ status }) => status)).toEqual(Array(STREAMS_MAX).fill(200));
      await waitFor(
        "all streams to be open",
        10_000,
        async () => (await fetch(server.url + ALL, { method: "HEAD" })).status === 429,
      );
      aborting.abort();
      await Promise.allSettled(answers.map((answer) => answer.text()));
      await waitFor(
        "the places to be free",
        10_000,
        async () => (await fetch(server.url + ALL, { method: "HEAD" })).status === 200,
      );
    }
  });
});
