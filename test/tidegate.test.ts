// createTidegate: the service inside a program, with a flow that the product does not have.
import { expect, test } from "vitest";
import { notes } from "../examples/ninth-flow/notes.ts";
import { createClient } from "../src/client/index.ts";
import { openNodePlatform } from "../src/runtime/platform-node.ts";
import { createTidegate, defineFlow, deleteType, flows, type Tidegate, type TidegateOptions } from "../src/tidegate.ts";
import { tempFolder } from "./support/temp-folder.ts";

const nineFlows = [...flows, notes] as const;

/** A service over a folder, quiet, and a client whose requests go straight into it. */
async function start(folder: string, options: TidegateOptions = {}) {
  const lines: string[] = [];
  const env = { DATA_DIR: folder, ...options.env };
  const tidegate = await createTidegate({ write: (_, message) => lines.push(message), ...options, env });
  const send = (url: string, init: RequestInit): Promise<Response> => tidegate.fetch(new Request(url, init));
  const client = createClient<typeof nineFlows>({ url: "http://tidegate.test", fetch: send });
  return { tidegate, client, lines };
}

async function textOf(tidegate: Tidegate, path: string): Promise<string> {
  return (await tidegate.fetch(new Request(`http://tidegate.test${path}`))).text();
}

async function tickToRest(tidegate: Tidegate): Promise<void> {
  for (let ticks = 0; ticks < 100; ticks++) {
    const { records, more, failures } = await tidegate.tick();
    expect(failures).toEqual([]);
    if (records === 0 && !more) return;
  }
  throw new Error("It does not come to rest");
}

test("a ninth flow has routes, a topic, a switch, schemas, documents, searches and metrics", async () => {
  using folder = tempFolder();
  const { tidegate, client } = await start(folder.root, { flows: nineFlows });
  try {
    await client.submit("session", "create", { id: "tides", user: "ada" });
    const queued = await client.submit("notes", "create", {
      id: "moon",
      user: "ada",
      session: "tides",
      text: "Full moon",
    });
    expect(queued).toMatchObject({ status: 202, path: "kafka", entity: { kind: "Note", id: "moon" } });
    await tickToRest(tidegate);
    expect(await client.entity("Note", "moon")).toEqual({
      id: "moon",
      user: "ada",
      session: "tides",
      text: "Full moon",
    });
    const found: string[] = [];
    for await (const { id } of client.search("Note", { text: "moon", user: "ada" })) found.push(id);
    expect(found).toEqual(["moon"]);
    const { edges } = await client.neighbourhood("Note", "moon");
    expect(edges.map(({ relation }) => relation).sort()).toEqual(["ON", "WROTE"]);
    await expect(client.submit("notes", "create", { user: "ada", text: "" })).rejects.toMatchObject({
      code: "invalid_input",
      errors: [{ pointer: "#/text" }],
    });
    const openapi = JSON.parse(await textOf(tidegate, "/openapi.json"));
    expect(Object.keys(openapi.paths)).toEqual(
      expect.arrayContaining(["/v1/notes/create", "/v1/notes/query", "/v1/notes/{id}", "/v1/notes", "/v1/memories"]),
    );
    expect(JSON.parse(await textOf(tidegate, "/asyncapi.json")).channels).toHaveProperty("note-operations");
    expect(await textOf(tidegate, "/metrics")).toMatch(/flow="notes"/);
    expect(JSON.parse(await textOf(tidegate, "/v1/check"))).toMatchObject({
      closed: true,
      flows: { notes: { applied: 1 } },
    });
  } finally {
    await tidegate.close();
  }
});

test("its switch sends it the direct way, and a start over the same folder finds what was there", async () => {
  using folder = tempFolder();
  const first = await start(folder.root, { flows: nineFlows, env: { KAFKA_NOTES: "false" } });
  const answer = await first.client.submit("notes", "create", { id: "moon", user: "ada", text: "Full moon" });
  expect(answer).toMatchObject({ status: 200, path: "direct", values: { text: "Full moon" } });
  await first.tidegate.close();
  const second = await start(folder.root, { flows: nineFlows });
  try {
    expect(await second.client.entity("Note", "moon")).toMatchObject({ text: "Full moon" });
  } finally {
    await second.tidegate.close();
  }
});

test("consumes by itself until it is closed, with what work is prepared", async () => {
  using folder = tempFolder();
  const { tidegate, client } = await start(folder.root);
  tidegate.consume();
  await client.submit("session", "create", { id: "tides", user: "ada" });
  await client.submit("chat-messages", "create", { session: "tides", user: "ada", content: "The tide turns at noon." });
  const { id } = await client.submit("summarization", "generate", { id: "summary", session: "tides" });
  expect(await client.settled(id, { deadlineMs: 20_000 })).toMatchObject({ state: "applied" });
  expect(await client.entity("Summary", "summary")).toMatchObject({ status: "ready" });
  await tidegate.close();
});

test("a list without sessions has none of their routes", async () => {
  using folder = tempFolder();
  const { tidegate } = await start(folder.root, { flows: [notes] });
  try {
    const paths = Object.keys(JSON.parse(await textOf(tidegate, "/openapi.json")).paths);
    expect(paths).toContain("/v1/notes");
    expect(paths.filter((path) => /sessions|memories|users/.test(path))).toEqual([]);
    for (const path of ["/v1/sessions", "/v1/memories", "/v1/sessions/x/messages", "/v1/users/x/summary"]) {
      expect((await tidegate.fetch(new Request(`http://tidegate.test${path}`))).status).toBe(404);
    }
  } finally {
    await tidegate.close();
  }
});

test("what cannot be composed is said at once", async () => {
  using folder = tempFolder();
  const kind = { name: "Note", implicit: false, references: [], order: [] } as const;
  const twin = defineFlow({
    ...notes,
    name: "twins",
    topic: "twin-operations",
    kind,
    types: { delete: deleteType(kind) },
  });
  await expect(start(folder.root, { flows: [notes, twin] })).rejects.toThrow('two of them have the kind "Note"');
  await expect(start(folder.root, { flows: nineFlows, env: { KAFKA_NOTES: "perhaps" } })).rejects.toThrow(
    "KAFKA_NOTES",
  );
});

test.each([
  [{ name: "Bad Name" }, 'has the name "Bad Name"'],
  [{ name: "operations" }, "at /v1/operations"],
  [{ topic: "bad topic!" }, 'has the topic "bad topic!"'],
  [{ topic: ".." }, 'has the topic ".."'],
  [{ types: {} }, "has no type that clients may send"],
  [{ types: { "de lete": deleteType(notes.kind) } }, 'has the type "de lete"'],
  [{ kind: { ...notes.kind, name: "a b" } }, 'has the kind "a b"'],
  [
    { kind: { ...notes.kind, references: [{ field: "user", relation: "wrote it", direction: "in", owner: false }] } },
    'has the relation "wrote it"',
  ],
] as const)("a flow with %j is refused", async (change, said) => {
  using folder = tempFolder();
  await expect(start(folder.root, { flows: [defineFlow({ ...notes, ...change })] })).rejects.toThrow(said);
});

test("ends its event streams when it is closed", async () => {
  using folder = tempFolder();
  const { tidegate, lines } = await start(folder.root);
  const { body } = await tidegate.fetch(new Request("http://tidegate.test/v1/operations/events"));
  const reader = body!.getReader();
  await reader.read();
  const end = reader.read();
  await tidegate.close();
  expect((await end).done).toBe(true);
  expect(lines).not.toContain("A request failed");
});

/** A platform whose waits end when a test says so; calls of its database, which may need the test's leave, are told, and its end. */
function watchedPlatform() {
  const calls: string[] = [];
  const waits: (() => void)[] = [];
  const ahead = { ms: 0 };
  const leave: { [name: string]: Promise<void> | undefined } = {};
  const platform: NonNullable<TidegateOptions["platform"]> = async (...args) => {
    const opened = await openNodePlatform(...args);
    const database = new Proxy(opened.database, {
      get:
        (target, name: string) =>
        async (...given: unknown[]) => {
          calls.push(name);
          await leave[name];
          return Reflect.get(target, name)(...given);
        },
    });
    const close = async (): Promise<void> => {
      calls.push("the end");
      await opened.close();
    };
    const clock = { nowMs: () => Date.now() + ahead.ms };
    return { ...opened, database, close, clock, delay: () => new Promise((resolve) => waits.push(resolve)) };
  };
  return { platform, calls, waits, ahead, leave };
}

/** The stream of a path behind what it says first. */
async function streamOf(tidegate: Tidegate, path: string) {
  const { body } = await tidegate.fetch(new Request(`http://tidegate.test/v1/operations/${path}`));
  const reader = body!.getReader();
  await reader.read();
  return reader;
}

test.each(["all", "one"])("an event stream that waits does not look again after the end: %s", async (which) => {
  using folder = tempFolder();
  const { platform, calls, waits, ahead } = watchedPlatform();
  const { tidegate, client, lines } = await start(folder.root, { platform });
  const { id } = await client.submit("session", "create", { id: "tides", user: "ada" });
  const reader = await streamOf(tidegate, which === "all" ? "events" : `${id}/events`);
  const end = reader.read();
  await expect.poll(() => waits.length).toBe(1);
  await tidegate.close();
  // Longer than what another stream saw is good for.
  ahead.ms = 5_000;
  waits[0]!();
  expect((await end).done).toBe(true);
  expect(calls.at(-1)).toBe("the end");
  expect(lines).not.toContain("A request failed");
});

test("lets go of the database when the looks of its event streams have ended", async () => {
  using folder = tempFolder();
  const { platform, calls, leave } = watchedPlatform();
  const { tidegate, client } = await start(folder.root, { platform });
  const { id } = await client.submit("session", "create", { id: "tides", user: "ada" });
  const reader = await streamOf(tidegate, `${id}/events`);
  const gate = Promise.withResolvers<void>();
  leave.ledgerRows = gate.promise;
  const end = reader.read();
  await expect.poll(() => calls.at(-1)).toBe("ledgerRows");
  const closing = tidegate.close();
  await new Promise((resolve) => setImmediate(resolve));
  gate.resolve();
  await closing;
  expect((await end).done).toBe(true);
  expect(calls.at(-1)).toBe("the end");
});
