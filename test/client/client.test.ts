// The client against a whole service in this process: types, order, retries under the same key, reads, bounds.
import { describe, expect, expectTypeOf, test } from "vitest";
import type { OperationStatus as ServiceStatus } from "../../src/app/reads.ts";
import { type Client, createClient, type OperationStatus } from "../../src/client/index.ts";
import { startService } from "../support/service.ts";
import { BACKOFF, clientOf, failureOf, memory, URL_OF_TESTS } from "./client-under-test.ts";

/** What a request carried. */
interface Sent {
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** A client of one answer after the other; the last one stands for all that follow. */
function scripted(
  answers: readonly (() => Response | Promise<Response>)[],
  options = {},
): { client: Client; sent: Sent[] } {
  const sent: Sent[] = [];
  const send = async (url: string, init: RequestInit): Promise<Response> => {
    sent.push({
      path: url.slice(URL_OF_TESTS.length),
      headers: new Headers(init.headers),
      body: String(init.body ?? ""),
    });
    init.signal?.throwIfAborted();
    return answers[Math.min(sent.length, answers.length) - 1]!();
  };
  return { client: createClient({ url: URL_OF_TESTS, fetch: send, backoff: BACKOFF, ...options }), sent };
}

const problem =
  (status: number, code: string, headers = {}) =>
  () =>
    new Response(JSON.stringify({ code, status, detail: `It is ${code}` }), { status, headers });

const queued = (stamp: string) => () =>
  new Response(JSON.stringify({ id: "1", flow: "memory", type: "create", outcome: "queued", stamp }), { status: 202 });

const STAMP = "01935f2a1b00-0000-aaaaaaaaaaaaaaaa";
const LATER = "01935f2a1b00-0001-aaaaaaaaaaaaaaaa";
describe("submit", () => {
  test("is accepted, applied and read; the client's own calls are ordered", async () => {
    await using service = await startService();
    const client = clientOf(service);
    const created = await client.submit("memory", "create", { id: "tides", ...memory });
    expect(created).toMatchObject({ status: 202, outcome: "queued", entity: { kind: "Memory", id: "tides" } });
    expect(client.after).toBe(created.stamp);
    const updated = await client.submit("memory", "update", { id: "tides", content: "Or so" });
    expect(updated.stamp > created.stamp).toBe(true);
    await service.tickToRest();
    expect(await client.entity("Memory", "tides")).toEqual({ id: "tides", user: "ada", content: "Or so", tags: [] });
    expect(await client.settled(created.id)).toMatchObject({ state: "applied", current: "partly" });
    expect(await client.statuses([updated.id, "nobody's"])).toMatchObject([{ state: "applied" }, null]);
  });

  test("comes after all that the client has seen, though another service's clock is behind", async () => {
    const { client, sent } = scripted([queued(LATER), queued(STAMP), queued(STAMP)]);
    await client.submit("memory", "create", memory);
    await client.submit("memory", "create", memory);
    expect(client.after).toBe(LATER);
    await client.submit("memory", "create", memory, { after: null });
    expect(sent.map(({ headers }) => headers.get("tidegate-after"))).toEqual([null, LATER, null]);
  });

  test("waits for the outcome as long as it is told", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
    const { client, sent } = scripted([queued(STAMP)]);
    await client.submit("memory", "create", memory, { waitMs: 1_200 });
    expect(sent[0]!.headers.get("prefer")).toBe("wait=2");
    const answer = await clientOf(service).submit("memory", "create", memory, { waitMs: 5_000 });
    expect(answer).toMatchObject({ status: 200, path: "direct", outcome: "applied", values: memory });
  });

  test.each([
    ["busy", problem(429, "too_many_streams", { "retry-after": "0" })],
    ["failing", problem(503, "nothing_accepted")],
    ["unknown", problem(503, "outcome_unknown")],
    ["behind a proxy that fails", () => new Response("<html>", { status: 502 })],
    ["not reached", () => Promise.reject(new TypeError("fetch failed"))],
  ])("tries again with the same key, stamp and body when the service is %s", async (_, answer) => {
    const { client, sent } = scripted([answer, answer, queued(STAMP)]);
    await client.submit("memory", "create", memory, { after: LATER });
    expect(sent).toHaveLength(3);
    const asked = sent.map(({ path, headers, body }) => [
      path,
      headers.get("idempotency-key"),
      headers.get("tidegate-after"),
      body,
    ]);
    expect(new Set(asked.map((parts) => JSON.stringify(parts))).size).toBe(1);
    expect(asked[0]![1]).toMatch(/^[0-9a-f]{32}$/);
  });

  test("an answer that was lost is repeated under the key: one operation", async () => {
    await using service = await startService();
    let lost = 0;
    const send = async (url: string, init: RequestInit): Promise<Response> => {
      const response = await service.app.request(url.slice(URL_OF_TESTS.length), init);
      if (lost++ < 2) throw new TypeError("fetch failed");
      return response;
    };
    const answer = await clientOf(service, { fetch: send }).submit("memory", "create", memory);
    await service.tickToRest();
    const { items } = (await service.get("/v1/operations")).body as unknown as { items: unknown[] };
    expect(items).toMatchObject([{ id: answer.id }]);
  });

  test("a wait that the service asks for beyond the deadline is not begun", async () => {
    const { client, sent } = scripted([problem(503, "nothing_accepted", { "retry-after": "3600" })]);
    const error = await failureOf(client.submit("memory", "create", memory, { deadlineMs: 500, key: "mine" }));
    expect(error).toMatchObject({ code: "nothing_accepted", status: 503, retryable: true, key: "mine" });
    expect(sent).toHaveLength(1);
  });

  test("what is wrong is said at once, with where", async () => {
    await using service = await startService();
    const error = await failureOf(clientOf(service).submit("memory", "create", { user: "ada", content: "" }));
    expect(error).toMatchObject({ code: "invalid_input", status: 422, retryable: false });
    expect(error.errors).toMatchObject([{ pointer: "#/content" }]);
  });

  test("a service that never answers costs the deadline and no more", async () => {
    const send = (_: string, { signal }: RequestInit): Promise<Response> =>
      new Promise((_resolve, reject) => signal!.addEventListener("abort", () => reject(signal!.reason)));
    const client = createClient({ url: URL_OF_TESTS, fetch: send, attemptMs: 20, backoff: BACKOFF });
    const error = await failureOf(client.submit("memory", "create", memory, { deadlineMs: 80 }));
    expect(error).toMatchObject({ code: "deadline_exceeded", status: undefined, retryable: true });
    expect(error.key).toBeDefined();
  });

  test("a signal ends it, also between attempts", async () => {
    const { client } = scripted([problem(503, "nothing_accepted", { "retry-after": "20" })]);
    const giveUp = new AbortController();
    const submitted = client.submit("memory", "create", memory, { signal: giveUp.signal });
    giveUp.abort(new Error("enough"));
    await expect(submitted).rejects.toThrow("enough");
    await expect(client.operation("x", { signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
  });

  test("an address that is none of Tidegate's is said to be that", async () => {
    const { client } = scripted([() => new Response("<html>", { status: 404 })]);
    expect(await failureOf(client.submit("memory", "create", memory))).toMatchObject({
      code: "unexpected_answer",
      status: 404,
    });
    const { client: other } = scripted([() => new Response("<html>")]);
    expect(await failureOf(other.submit("memory", "create", memory))).toMatchObject({
      code: "unexpected_answer",
      status: 200,
    });
    expect(() => createClient({ url: "tidegate" })).toThrow("Cannot use the address");
  });

  test("a key goes along, and one without the scope is refused", async () => {
    const { client, sent } = scripted([problem(403, "forbidden")], { apiKey: "tg_secret" });
    expect(await failureOf(client.submit("memory", "create", memory))).toMatchObject({
      code: "forbidden",
      status: 403,
    });
    expect(sent[0]!.headers.get("authorization")).toBe("Bearer tg_secret");
  });
});

describe("submitMany", () => {
  const items = (count: number) =>
    Array.from(
      { length: count },
      (_, i) => ({ flow: "memory", type: "create", data: { ...memory, id: `m${i}` } }) as const,
    );

  test("answers every item in order, those that are refused too", async () => {
    await using service = await startService();
    const client = clientOf(service);
    const answers = await client.submitMany([
      ...items(1_200),
      { flow: "memory", type: "create", data: { user: "ada", content: "" } },
      { flow: "session", type: "create", data: { id: "tides", user: "ada" } },
    ]);
    expect(answers).toHaveLength(1_202);
    expect(answers.slice(0, 1_200).map((answer) => "entity" in answer && answer.entity.id)).toEqual(
      items(1_200).map(({ data }) => data.id),
    );
    expect(answers[1_200]).toMatchObject({ status: 422, problem: { code: "invalid_input" } });
    expect(answers[1_201]).toMatchObject({ status: 202, entity: { kind: "Session", id: "tides" } });
    const stamps = answers.flatMap((answer) => ("stamp" in answer ? [answer.stamp] : []));
    expect(stamps).toEqual([...stamps].sort());
    expect(client.after).toBe(stamps.at(-1));
  });

  test("sends only what is open again, under the same keys; an answer cut off in the middle loses nothing", async () => {
    await using service = await startService();
    const keys: string[][] = [];
    let attempts = 0;
    const send = async (url: string, init: RequestInit): Promise<Response> => {
      keys.push(
        String(init.body)
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line).key),
      );
      const response = await service.app.request(url.slice(URL_OF_TESTS.length), init);
      const text = await response.text();
      return attempts++ === 0 ? new Response(text.slice(0, text.indexOf("\n") + 20)) : new Response(text);
    };
    const answers = await clientOf(service, { fetch: send }).submitMany(items(4));
    expect(answers).toMatchObject(items(4).map(({ data: { id } }) => ({ status: 202, entity: { id } })));
    expect(keys[1]).toEqual(keys[0]!.slice(1));
    await service.tickToRest();
    const { items: operations } = (await service.get("/v1/operations")).body as unknown as { items: unknown[] };
    expect(operations).toHaveLength(4);
  });

  test("a batch that is too large as a whole is halved until each item is told from the others", async () => {
    await using service = await startService({ env: { BATCH_ITEMS_MAX: "3", BODY_BYTES_MAX: "2000" } });
    const large = { flow: "memory", type: "create", data: { ...memory, content: "x".repeat(3_000) } } as const;
    const answers = await clientOf(service).submitMany([...items(5), large, ...items(5)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202, 413, 202, 202, 202, 202, 202]);
  });

  test("what is sent again comes after what was answered, whichever instance takes it", async () => {
    const lines =
      (...stamps: string[]) =>
      () =>
        new Response(stamps.map((stamp) => `${JSON.stringify({ status: 202, id: "1", stamp })}\n`).join(""));
    const { client, sent } = scripted([lines(LATER), problem(503, "nothing_accepted"), lines(LATER), lines(STAMP)]);
    await client.submitMany(items(2));
    const afters = (): (string | null)[] => sent.splice(0).map(({ headers }) => headers.get("tidegate-after"));
    expect(afters()).toEqual([null, LATER, LATER]);
    expect(client.after).toBe(LATER);
    const two = scripted([lines(...Array<string>(500).fill(LATER)), lines(LATER)]);
    await two.client.submitMany(items(501), { after: STAMP });
    expect(two.sent.map(({ headers }) => headers.get("tidegate-after"))).toEqual([STAMP, LATER]);
    await client.submitMany(items(1), { after: null });
    expect(afters()).toEqual([null]);
  });

  test("what was answered before the deadline is what later calls come after", async () => {
    const half = () => new Response(`${JSON.stringify({ status: 202, id: "1", stamp: LATER })}\n`);
    const { client } = scripted([half, problem(503, "nothing_accepted")]);
    await failureOf(client.submitMany(items(2), { deadlineMs: 60 }));
    expect(client.after).toBe(LATER);
  });

  test("gives up at the deadline", async () => {
    const { client } = scripted([problem(503, "nothing_accepted")]);
    expect(await failureOf(client.submitMany(items(2), { deadlineMs: 60 }))).toMatchObject({
      code: "nothing_accepted",
    });
  });
});

describe("reads", () => {
  test("lists come page by page, and go on from a cursor", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
    const client = clientOf(service);
    await client.submit("session", "create", { id: "tides", user: "ada" });
    const contents = Array.from({ length: 7 }, (_, i) => `line ${i}`);
    for (const content of contents) {
      await client.submit("chat-messages", "create", { session: "tides", user: "ada", content });
    }
    const read: (string | undefined)[] = [];
    for await (const { content } of client.messages("tides", { pageItems: 3 })) read.push(content);
    expect(read).toEqual(contents);
    const first = await client.messages("tides", { pageItems: 3 }).pages().next();
    const cursor: string = first.value!.next!;
    const rest: (string | undefined)[] = [];
    for await (const { content } of client.messages("tides", { cursor })) rest.push(content);
    expect(rest).toEqual(contents.slice(3));
  });

  test("searches, summaries, neighbours, operations and parked records", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
    const client = clientOf(service);
    const { id } = await client.submit("memory", "create", {
      id: "tides",
      ...memory,
      tags: ["sea", "moon", "salt, wind"],
    });
    const all = async <Item>(list: AsyncIterable<Item>): Promise<Item[]> => {
      const items: Item[] = [];
      for await (const item of list) items.push(item);
      return items;
    };
    expect(await all(client.memories({ text: "tide", tags: ["sea", "moon"] }))).toMatchObject([{ id: "tides" }]);
    expect(await all(client.memories({ tags: ["salt, wind"] }))).toMatchObject([{ id: "tides" }]);
    expect(await all(client.memories({ text: "storm" }))).toEqual([]);
    expect(await all(client.sessions({ state: "active" }))).toEqual([]);
    expect(await all(client.operations({ flow: "memory" }))).toMatchObject([{ id, state: "applied" }]);
    expect(await all(client.parked())).toEqual([]);
    expect((await client.neighbourhood("User", "ada", { depth: 1 })).nodes).toMatchObject([
      { id: "ada" },
      { id: "tides" },
    ]);
    expect(await failureOf(client.summaryOf("ada"))).toMatchObject({ code: "not_found", status: 404 });
    expect(await failureOf(client.entity("Memory", "a/b?c"))).toMatchObject({ code: "not_found" });
  });

  test("a read waits for what was written", async () => {
    await using service = await startService();
    const client = clientOf(service);
    const answer = await client.submit("memory", "create", { id: "tides", ...memory });
    const reading = client.entity("Memory", "tides", { after: answer });
    await service.tickToRest();
    expect(await reading).toMatchObject(memory);
    expect(await failureOf(client.entity("Memory", "tides", { after: "nobody's" }))).toMatchObject({
      code: "invalid_input",
    });
  });
});

test("what no header can hold is refused at once, and not tried again", async () => {
  const { client, sent } = scripted([queued(STAMP)]);
  expect(await failureOf(client.submit("memory", "create", memory, { key: "注文-7" }))).toMatchObject({
    code: "invalid_input",
    retryable: false,
    message: "The header idempotency-key cannot hold this value",
  });
  expect(await failureOf(client.watchAll({ from: "注文-7" }).next())).toMatchObject({ code: "invalid_input" });
  expect(sent).toEqual([]);
});

test("the client's types are the flows' and the service's", () => {
  type Submit = Client["submit"];
  expectTypeOf<ServiceStatus>().toExtend<OperationStatus>();
  expectTypeOf<OperationStatus["state"]>().toEqualTypeOf<ServiceStatus["state"]>();
  const client = createClient({ url: URL_OF_TESTS });
  expectTypeOf<Submit>().toBeFunction();
  const wrong = [
    // @ts-expect-error there is no such flow
    () => client.submit("memories", "create", memory),
    // @ts-expect-error there is no such type
    () => client.submit("memory", "end", { id: "x" }),
    // @ts-expect-error the service alone makes results
    () => client.submit("summarization", "generated", { id: "x" }),
    // @ts-expect-error content is missing
    () => client.submit("memory", "create", { user: "ada" }),
    // @ts-expect-error a role is one of four
    () => client.submit("chat-messages", "create", { session: "s", user: "u", content: "c", role: "bot" }),
    // @ts-expect-error there is no such kind
    () => client.entity("Memories", "x"),
  ];
  expect(wrong).toHaveLength(6);
  const read = async () => (await client.entity("Message", "x")).role;
  expectTypeOf(read).returns.resolves.toEqualTypeOf<"user" | "assistant" | "system" | "tool" | undefined>();
});
