import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { readChatgpt } from "../../src/cli/import/chatgpt.ts";
import { threadTo } from "../../src/cli/import/chatgpt-thread.ts";
import { openInput, sniff } from "../../src/cli/import/input.ts";
import { type ImportOptions, runImport } from "../../src/cli/import/run.ts";
import { formatSummary } from "../../src/cli/import/summary.ts";
import { startFakeService } from "../support/fake-service.ts";
import { tempFolder } from "../support/temp-folder.ts";

const EXPORT = join(import.meta.dirname, "../data/chatgpt-conversations.json");
const TIDES = "11111111-aaaa-4000-8000-000000000001";
const SHELL = "22222222-bbbb-4000-8000-000000000002";
const LEFT_OUT = { otherBranch: 3, system: 1, hidden: 1, tool: 2, noText: 3, attachments: 4 };

async function place() {
  const service = await startFakeService();
  const folder = tempFolder();
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(async () => {
    vi.restoreAllMocks();
    await service.close();
    folder[Symbol.dispose]();
  });
  const run = (given: Partial<ImportOptions> = {}) =>
    runImport({
      files: [EXPORT],
      url: service.url,
      operationsMax: Number.POSITIVE_INFINITY,
      conversationsMax: Number.POSITIVE_INFINITY,
      user: "me",
      batchItemsMax: 3,
      concurrency: 2,
      retryForMs: 20_000,
      rejectsPath: folder.path("rejects"),
      statePath: folder.path("state"),
      resume: false,
      signal: new AbortController().signal,
      delayBaseMs: 1,
      ...given,
    });
  const messages = (session: string) =>
    service.taken.map(({ data }) => data).filter((data) => data.session === session);
  return { service, folder, run, messages };
}

async function* chunksOf(bytes: Uint8Array, at: readonly number[]): AsyncGenerator<Uint8Array> {
  const ends = [...at.map((place) => place % bytes.length).sort((a, b) => a - b), bytes.length];
  for (const [i, end] of ends.entries()) yield bytes.subarray(ends[i - 1] ?? 0, end);
}

/** Texts of the operations that an export becomes. */
async function textsOf(chunks: AsyncIterable<Uint8Array>, user = "me"): Promise<string[]> {
  const census = { sessions: 0, messages: 0, users: new Set<string>() };
  const texts: string[] = [];
  const options = { conversationsMax: Number.POSITIVE_INFINITY, user, census, leaveOut: () => undefined };
  for await (const { items } of readChatgpt(chunks, options)) texts.push(...items.map(({ text }) => text));
  return texts;
}

const keysOf = (texts: readonly string[]): string[] => texts.map((text) => (JSON.parse(text) as { key: string }).key);

describe("import of a ChatGPT export", () => {
  test("takes what was said on the current thread, in order, and counts the rest", async () => {
    const { service, run, messages, folder } = await place();
    const summary = await run();
    expect(summary).toMatchObject({
      complete: true,
      operations: 13,
      sessions: 4,
      messages: 8,
      users: 2,
      accepted: 12,
      rejected: 1,
      leftOut: LEFT_OUT,
    });
    expect(service.taken.find(({ data }) => data.id === TIDES)).toMatchObject({
      flow: "session",
      type: "create",
      key: expect.stringMatching(new RegExp(`^chatgpt:${TIDES}:[0-9a-f]{16}$`)),
      data: { id: TIDES, user: "me", title: "Ebbe & Flut 🌊", startedAt: "2025-06-15T15:06:40.250Z" },
    });
    expect(messages(TIDES).map(({ role, user, content, sentAt, seq }) => [role, user, content, sentAt, seq])).toEqual([
      ["user", "me", "When does the tide turn in Sylt?", "2025-06-15T15:06:50.250Z", 0],
      // Dated before its question, and the next has no date: neither may come before what it follows.
      [
        "assistant",
        "assistant",
        "About every six hours: 潮汐, прилив, 🌊.\nTwice a day it is high.",
        "2025-06-15T15:06:50.250Z",
        1,
      ],
      ["user", "me", "And tomorrow?", "2025-06-15T15:06:50.250Z", 2],
      ["assistant", "assistant", "High water at six, low water at noon.", "2025-06-15T15:07:03.250Z", 3],
    ]);
    expect(messages(SHELL).map(({ content }) => content)).toEqual([
      "What shell is this?",
      'A cockle: "Cerastoderma edule".',
      "And this one?",
    ]);
    const [untimed] = messages("33333333-cccc-4000-8000-000000000003");
    expect(untimed).toMatchObject({ content: "No time at all, \u2028 and a lone é (e\u0301)" });
    expect(untimed).not.toHaveProperty("sentAt");
    const rejects = readFileSync(folder.path("rejects"), "utf8").trimEnd().split("\n");
    expect(rejects.map((line) => JSON.parse(line))).toMatchObject([
      { conversation: "#4", reason: 'It has no current thread: "current_node" names no node of "mapping"' },
    ]);
    expect(formatSummary(summary)).toContain(
      "Left out: 3 messages on other branches, 1 system messages, 2 messages from and to tools, 1 hidden messages, 3 messages without text, 4 attachments",
    );
  });

  test("twice changes nothing, plain or gzipped", async () => {
    const { service, run, folder } = await place();
    await run();
    const before = service.taken.length;
    writeFileSync(folder.path("packed"), gzipSync(readFileSync(EXPORT)));
    expect(await run({ files: [folder.path("packed")] })).toMatchObject({ accepted: 12, leftOut: LEFT_OUT });
    expect(service.taken).toHaveLength(before);
  });

  test("a later export brings only what is new", async () => {
    const { service, run, folder } = await place();
    await run();
    const before = service.taken.length;
    const [tides, ...others] = JSON.parse(readFileSync(EXPORT, "utf8"));
    const grown = structuredClone(tides);
    grown.title = "Tides";
    grown.current_node = "q3";
    grown.mapping.q3 = { ...grown.mapping.q2, id: "q3", parent: "a3" };
    writeFileSync(folder.path("later"), JSON.stringify([...others, grown]));
    await run({ files: [folder.path("later")] });
    expect(service.taken.slice(before).map(({ flow, data }) => [flow, data.id])).toEqual([
      ["session", TIDES],
      ["chat-messages", `${TIDES}:q3`],
    ]);
  });

  test("any cut into chunks gives the same operations, with keys of their own and within the bound", async () => {
    const bytes = readFileSync(EXPORT);
    const whole = await textsOf(chunksOf(bytes, []));
    expect(whole).toHaveLength(12);
    expect(new Set(keysOf(whole)).size).toBe(12);
    expect(Math.max(...keysOf(whole).map(({ length }) => length))).toBeLessThanOrEqual(200);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 20 }), async (places) => {
        expect(await textsOf(chunksOf(bytes, places))).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });

  test("another user gives other operations under other keys", async () => {
    const bytes = readFileSync(EXPORT);
    const mine = new Set(keysOf(await textsOf(chunksOf(bytes, []))));
    const theirs = keysOf(await textsOf(chunksOf(bytes, []), "ada"));
    // What the assistant said is the same whoever asked.
    expect(theirs.filter((key) => mine.has(key))).toHaveLength(3);
  });

  test.each([
    ["[]", 0],
    ["[ ]", 0],
    ["[{}]", 1],
    ["[1,,2]", 3],
    ['[{"mapping":{}}]', 1],
    ['[{"mapping":{},"id":"a"}]', 1],
    ['[{"mapping":{"a":{"parent":"b"},"b":{"parent":"a"}},"id":"c","current_node":"a"}]', 1],
    ['[{"mapping":{"a":null},"id":"c","current_node":"a"}]', 1],
    ['[{"mapping":{"a":{"message":{"author":null,"content":7}}},"id":"c","current_node":"a"}]', 0],
  ])("%s has %i things that are no conversation", async (text, misfits) => {
    const census = { sessions: 0, messages: 0, users: new Set<string>() };
    let found = 0;
    const options = { conversationsMax: 10, user: "me", census, leaveOut: () => undefined };
    for await (const group of readChatgpt(chunksOf(Buffer.from(text), []), options)) found += group.misfits.length;
    expect(found).toBe(misfits);
  });

  test.each(["[1", "[1]]", "[1}", "{}", "[{]"])("%s cannot be read to its end", async (text) => {
    await expect(textsOf(chunksOf(Buffer.from(text), []))).rejects.toThrow(/^Not one JSON array: /);
  });
});

test("threadTo() begins at a parent that the export does not hold", () => {
  expect(threadTo({ a: { parent: "gone" }, b: { parent: "a" } }, "b")).toEqual(["a", "b"]);
  expect(threadTo({ a: { parent: "__proto__" } }, "a")).toEqual(["a"]);
});

test("sniff() knows an export by its content, and says what to do with a zip", async () => {
  expect((await openInput(EXPORT, new AbortController().signal)).format).toBe("chatgpt");
  expect(sniff(Buffer.from('[ {"title":"[x]","mapping" : {'), "file")).toBe("chatgpt");
  expect(() => sniff(Buffer.from("PK\u0003\u0004rest"), "file")).toThrow(
    "Cannot import file: it is a zip archive; unpack it and give the conversations.json inside",
  );
});
