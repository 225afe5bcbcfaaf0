import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Census, readChitchat } from "../../src/cli/import/chitchat.ts";
import { openInput, sniff } from "../../src/cli/import/input.ts";
import type { Group } from "../../src/cli/import/item.ts";
import { readJsonLines } from "../../src/cli/import/json-lines.ts";
import { CHITCHAT_EXCERPT } from "../support/chitchat.ts";
import { tempFolder } from "../support/temp-folder.ts";

const noSignal = new AbortController().signal;

async function collect(groups: AsyncIterable<Group>) {
  const all: Group[] = [];
  for await (const group of groups) all.push(group);
  const items = all.flatMap((group) => group.items);
  return { items, misfits: all.flatMap((group) => group.misfits), end: all.at(-1)?.end ?? 0 };
}

async function* chunksOf(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}

const newCensus = (): Census => ({ sessions: 0, messages: 0, users: new Set() });

describe("readChitchat()", () => {
  test("makes sessions and messages with deterministic ids and keys", async () => {
    const input = await openInput(CHITCHAT_EXCERPT, noSignal);
    expect(input.format).toBe("chitchat");
    const census = newCensus();
    const { items, misfits, end } = await collect(readChitchat(input.chunks, Number.POSITIVE_INFINITY, census));
    expect({ ...census, users: census.users.size }).toEqual({ sessions: 41, messages: 1_032, users: 41 });
    expect([items.length, misfits.length, end]).toEqual([1_073, 0, 1_073]);
    expect(items.map(({ ordinal }) => ordinal)).toEqual([...items.keys()]);
    expect(JSON.parse(items[0]!.text)).toMatchObject({
      flow: "session",
      type: "create",
      key: "chitchat:a07edb12-6b91-4138-b11e-02421888d699",
      data: { id: "a07edb12-6b91-4138-b11e-02421888d699", startedAt: expect.any(String) },
    });
    expect(JSON.parse(items[3]!.text)).toEqual({
      flow: "chat-messages",
      type: "create",
      key: "chitchat:a07edb12-6b91-4138-b11e-02421888d699:1:0",
      data: {
        id: "a07edb12-6b91-4138-b11e-02421888d699:1:0",
        session: "a07edb12-6b91-4138-b11e-02421888d699",
        user: "549cc1d1-270e-4a53-b561-133a8d0086b4",
        content: "whats up MD",
        sentAt: "2018-05-02T19:38:29Z",
        seq: 2,
      },
    });
    expect(input.progress()).toBe(1);
  });

  test("stops after so many conversations", async () => {
    const input = await openInput(CHITCHAT_EXCERPT, noSignal);
    const census = newCensus();
    await collect(readChitchat(input.chunks, 3, census));
    expect(census.sessions).toBe(3);
  });

  test("tells what is no conversation, and goes on", async () => {
    const good =
      '"c":{"messages":[[{"text":"t","timestamp":"2018-05-02T19:38:29Z","sender":"s"}]],"start":"2018-05-02T19:38:29Z"}';
    const text = `{"a":{"messages":3},"b":{"messages":[[nope]]},${good}}`;
    const { items, misfits } = await collect(readChitchat(chunksOf(text), 10, newCensus()));
    expect(misfits.map(({ ordinal, origin, reason }) => ({ ordinal, origin, reason }))).toEqual([
      {
        ordinal: 0,
        origin: { conversation: "a" },
        reason: 'It is not a conversation: "messages" must be turns of messages',
      },
      { ordinal: 1, origin: { conversation: "b" }, reason: "It is not JSON" },
    ]);
    expect(items.map(({ ordinal }) => ordinal)).toEqual([2, 3]);
  });
});

describe("readJsonLines()", () => {
  test("sends a line as it stands, with a key made from it", async () => {
    const line = '{"flow":"events","type":"record","data":{"n":12345678901234567890}}';
    const { items } = await collect(readJsonLines(chunksOf(`${line}\n`)));
    expect(items[0]!.text).toMatch(/^\{"key":"jsonl:[0-9a-f]{64}","flow"/);
    expect(items[0]!.text).toContain(line.slice(1));
  });

  test("leaves a key that the line has", async () => {
    const line = '{"key":"k","flow":"events","type":"record","data":{}}';
    const { items } = await collect(readJsonLines(chunksOf(`\ufeff${line}\r\n`)));
    expect(items.map(({ text, origin }) => ({ text, origin }))).toEqual([{ text: line, origin: { line: 1 } }]);
  });

  test("numbers lines, passes over empty ones and tells what is no operation", async () => {
    const { items, misfits } = await collect(
      readJsonLines(
        chunksOf('{"flow":"a"}\n\n', "  \n[1]\n{broken\n", Buffer.from([0x7b, 0xff, 0x0a]), '{"flow":"b"}'),
      ),
    );
    expect(items.map(({ ordinal, origin }) => [ordinal, origin])).toEqual([
      [0, { line: 1 }],
      [4, { line: 7 }],
    ]);
    expect(misfits.map(({ origin, reason, original }) => [origin, reason, JSON.parse(original())])).toEqual([
      [{ line: 4 }, "It is not a JSON object", "[1]"],
      [{ line: 5 }, "It is not JSON", "{broken"],
      [{ line: 6 }, "It is not UTF-8", null],
    ]);
  });

  test("gives the same lines for any chunks", async () => {
    const bytes = Buffer.from(Array.from({ length: 5 }, (_, i) => `{"flow":"€${i}"}\n`).join(""));
    const whole = (await collect(readJsonLines(chunksOf(bytes)))).items.map(({ text }) => text);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length), fc.nat(bytes.length), async (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const chunks = chunksOf(bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to));
        expect((await collect(readJsonLines(chunks))).items.map(({ text }) => text)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });
});

describe("openInput()", () => {
  test("reads the same bytes plain and gzipped", async () => {
    using folder = tempFolder();
    const text = '{"flow":"events","type":"record","data":{}}\n'.repeat(10_000);
    writeFileSync(folder.path("plain"), text);
    writeFileSync(folder.path("packed"), gzipSync(text));
    for (const name of ["plain", "packed"]) {
      const input = await openInput(folder.path(name), noSignal);
      const { items } = await collect(readJsonLines(input.chunks));
      expect([input.name, input.format, items.length]).toEqual([name, "jsonl", 10_000]);
    }
  });

  test.each([
    ["chitchat", '{"a07e": {"messages": []}}'],
    ["chatgpt", '[{"mapping": {}}]'],
    ["jsonl", '{"flow":"events"}'],
    ["jsonl", ""],
    ["jsonl", "{}"],
  ])("passes over a byte order mark before %s, plain and gzipped", async (format, text) => {
    using folder = tempFolder();
    const marked = Buffer.from(`\ufeff${text}`);
    writeFileSync(folder.path("plain"), marked);
    writeFileSync(folder.path("packed"), gzipSync(marked));
    writeFileSync(folder.path("without"), text);
    for (const name of ["plain", "packed", "without"]) {
      const input = await openInput(folder.path(name), noSignal);
      const chunks: Uint8Array[] = [];
      for await (const chunk of input.chunks) chunks.push(chunk);
      expect([input.format, Buffer.concat(chunks).toString("utf8")]).toEqual([format, text]);
    }
  });

  test("reads an export that begins with a byte order mark", async () => {
    using folder = tempFolder();
    const excerpt = gunzipSync(readFileSync(CHITCHAT_EXCERPT));
    writeFileSync(folder.path("marked"), Buffer.concat([Buffer.from("\ufeff"), excerpt]));
    const input = await openInput(folder.path("marked"), noSignal);
    expect((await collect(readChitchat(input.chunks, 2, newCensus()))).items).toHaveLength(160);
  });

  test("an empty file holds nothing", async () => {
    using folder = tempFolder();
    writeFileSync(folder.path("empty"), "");
    const input = await openInput(folder.path("empty"), noSignal);
    expect((await collect(readJsonLines(input.chunks))).items).toEqual([]);
  });

  test("says in words that a file is missing, a folder, or cut off", async () => {
    using folder = tempFolder();
    writeFileSync(folder.path("cut.gz"), gzipSync("x".repeat(1_000)).subarray(0, -12));
    await expect(openInput(folder.path("none"), noSignal)).rejects.toThrow(/none: there is no such file$/);
    await expect(openInput(folder.root, noSignal)).rejects.toThrow(/it is a folder; name a file$/);
    await expect(openInput(folder.path("cut.gz"), noSignal)).rejects.toThrow(/Cannot unpack .*cut\.gz/);
  });
});

describe("sniff()", () => {
  test.each([
    ['{"a07e": {"messages": []', "chitchat"],
    ['\n {"a\\"b":{', "chitchat"],
    ['{"flow":"session"', "jsonl"],
    ['{"data":{"id":1}', "jsonl"],
    ["{}", "jsonl"],
    ["not json", "jsonl"],
    ["", "jsonl"],
  ])("%j is %s", (head, format) => {
    expect(sniff(Buffer.from(head), "file")).toBe(format);
  });

  test("refuses a JSON array in words", () => {
    expect(() => sniff(Buffer.from(" [1]"), "file")).toThrow("Cannot import file: it is a JSON array; give JSON Lines");
  });
});
