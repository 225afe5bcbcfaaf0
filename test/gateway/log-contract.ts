// What every log has to keep, as src/gateway/log.ts says it. Run over each kind of log.
import { describe, expect, it } from "vitest";
import { toBytes } from "../../src/gateway/base64.ts";
import type { Appended, AppendRecord, Content, Log, LogRecord } from "../../src/gateway/log.ts";

/** A log with topics `t` of three partitions and `u` of one, both empty. */
export interface LogUnderTest extends AsyncDisposable {
  readonly log: Log;
}

const ALL = { bytesMax: 1e8, recordsMax: 1e5, firstAnyway: true };
const NOW = 1_700_000_000_000;

function record(value: Content | null, more: Partial<AppendRecord> = {}): AppendRecord {
  const bytes = (value === null ? 0 : toBytes(value).length) + (more.key == null ? 0 : toBytes(more.key).length);
  return { partition: 0, key: null, value, headers: [], timestampMs: NOW, bytes, ...more };
}

const text = (content: Content | null): string | null =>
  content === null ? null : Buffer.from(toBytes(content)).toString("latin1");
const values = (records: readonly LogRecord[]): (string | null)[] => records.map(({ value }) => text(value));
const group = (): string => `group-${crypto.randomUUID()}`;

/** Holds a log to its contract. `make` is called once per test. */
export function logContract(name: string, make: () => Promise<LogUnderTest>): void {
  describe(`${name} as a log`, () => {
    appendCases(make);
    readCases(make);
    topicCases(make);
    groupCases(make);
    waitCases(make);
  });
}

function appendCases(make: () => Promise<LogUnderTest>): void {
  it("append() answers where each record went and keeps the order of a partition", async () => {
    await using bundle = await make();
    const records = Array.from({ length: 30 }, (_, i) => record(String(i), { partition: i % 3 }));
    const appended = (await bundle.log.append("t", records))!;
    for (const [i, result] of appended.entries()) {
      expect(result).toEqual({ partition: i % 3, offset: Math.floor(i / 3) });
    }
    expect(values((await bundle.log.read("t", 1, 0, ALL))!.records)).toEqual(
      Array.from({ length: 10 }, (_, i) => String(i * 3 + 1)),
    );
  });

  it("append() chooses a key's partition as Kafka's clients do, and takes turns without a key", async () => {
    await using bundle = await make();
    const keyed = await bundle.log.append(
      "t",
      ["21", "foobar", "abc"].map((key) => record("v", { partition: null, key })),
    );
    // Kafka's own values of Utils.murmur2 for these keys, without the sign bit, modulo 3.
    const hashes = [-973932308, -790332482, 479470107].map((hash) => (hash & 0x7fffffff) % 3);
    expect((keyed as Appended[]).map(({ partition }) => partition)).toEqual(hashes);
    const unkeyed = await bundle.log.append(
      "t",
      [1, 2, 3].map(() => record("v", { partition: null })),
    );
    expect((unkeyed as Appended[]).map(({ partition }) => partition).toSorted()).toEqual([0, 1, 2]);
  });

  it.each<[string, Partial<AppendRecord>]>([
    ["a tombstone", { value: null, key: "k" }],
    ["an empty value and key", { value: "", key: "" }],
    ["bytes that are no UTF-8", { value: new Uint8Array([0xff, 0, 0xc3, 0x28]), key: new Uint8Array([0xfe]) }],
    ["NUL and every plane of Unicode", { value: "a\0b ☃ 𝄞 \u{10FFFF}", key: "\0" }],
    ["a timestamp long ago", { timestampMs: 1 }],
    [
      "headers that repeat a name, are null or no UTF-8",
      {
        headers: [
          { key: "h", value: "1" },
          { key: "h", value: null },
          { key: "naïve", value: new Uint8Array([0xff]) },
        ],
      },
    ],
  ])("append() and read() keep %s", async (_, more) => {
    await using bundle = await make();
    const given = record("v", more);
    await bundle.log.append("t", [given]);
    const [read] = (await bundle.log.read("t", 0, 0, ALL))!.records;
    expect({ key: text(read!.key), value: text(read!.value), timestampMs: read!.timestampMs }).toEqual({
      key: text(given.key),
      value: text(given.value),
      timestampMs: given.timestampMs,
    });
    const headers = (list: LogRecord["headers"]) => list.map(({ key, value }) => [key, text(value)]);
    expect(headers(read!.headers)).toEqual(headers(given.headers));
  });

  it("append() throws for a partition that does not exist, and knows no unknown topic", async () => {
    await using bundle = await make();
    await expect(bundle.log.append("t", [record("a"), record("b", { partition: 3 })])).rejects.toThrow(RangeError);
    expect(await bundle.log.offsets("t", 0)).toEqual({ begin: 0, end: 0 });
    expect(await bundle.log.append("nowhere", [record("a")])).toBeUndefined();
    expect(await bundle.log.append("t", [])).toEqual([]);
  });

  it("append() takes more for one partition than fits a batch, in order", async () => {
    await using bundle = await make();
    const records = Array.from({ length: 3_000 }, (_, i) => record(`${i}`.padEnd(1_000, ".")));
    const appended = (await bundle.log.append("u", records))!;
    expect(appended.map((each) => (each as Appended).offset)).toEqual(records.map((_, i) => i));
    const { records: read } = (await bundle.log.read("u", 0, 2_990, ALL))!;
    expect(values(read).map((value) => Number.parseInt(value!, 10))).toEqual(
      records.slice(2_990).map((_, i) => 2_990 + i),
    );
  });

  it("append() keeps calls at the same time apart", async () => {
    await using bundle = await make();
    const calls = Array.from({ length: 40 }, (_, i) => [record(`${i}a`), record(`${i}b`)]);
    const answers = await Promise.all(calls.map((records) => bundle.log.append("u", records)));
    const { records } = (await bundle.log.read("u", 0, 0, ALL))!;
    expect(records).toHaveLength(80);
    for (const [i, answer] of answers.entries()) {
      const [a, b] = answer as Appended[];
      expect([text(records[a!.offset]!.value), text(records[b!.offset]!.value)]).toEqual([`${i}a`, `${i}b`]);
    }
  });
}

function readCases(make: () => Promise<LogUnderTest>): void {
  it("read() keeps to its bounds and says whether there is more", async () => {
    await using bundle = await make();
    await bundle.log.append(
      "u",
      ["aaaa", "bbbb", "cccc"].map((value) => record(value)),
    );
    const read = async (offset: number, bounds: object) => {
      const slice = (await bundle.log.read("u", 0, offset, { ...ALL, ...bounds }))!;
      return [values(slice.records), slice.more];
    };
    expect(await read(0, { recordsMax: 2 })).toEqual([["aaaa", "bbbb"], true]);
    expect(await read(0, { bytesMax: 8 })).toEqual([["aaaa", "bbbb"], true]);
    expect(await read(0, { bytesMax: 7 })).toEqual([["aaaa"], true]);
    expect(await read(1, { bytesMax: 1 })).toEqual([["bbbb"], true]);
    expect(await read(1, { bytesMax: 1, firstAnyway: false })).toEqual([[], true]);
    expect(await read(2, {})).toEqual([["cccc"], false]);
    expect(await read(3, {})).toEqual([[], false]);
    expect(await read(1_000, {})).toEqual([[], false]);
  });

  it("read() and offsets() say where a partition begins and ends, and know no other partitions", async () => {
    await using bundle = await make();
    await bundle.log.append("t", [record("a"), record("b")]);
    expect(await bundle.log.read("t", 0, 1, ALL)).toMatchObject({ begin: 0, end: 2, records: [{ offset: 1 }] });
    expect(await bundle.log.offsets("t", 0)).toEqual({ begin: 0, end: 2 });
    expect(await bundle.log.offsets("t", 1)).toEqual({ begin: 0, end: 0 });
    for (const [topic, partition] of [
      ["t", 3],
      ["t", -1],
      ["nowhere", 0],
      ["", 0],
    ] as const) {
      expect(await bundle.log.read(topic, partition, 0, ALL)).toBeUndefined();
      expect(await bundle.log.offsets(topic, partition)).toBeUndefined();
      expect(await bundle.log.offsetAt(topic, partition, 0)).toBeUndefined();
    }
  });

  it("offsetAt() finds the first record that is not older", async () => {
    await using bundle = await make();
    await bundle.log.append(
      "u",
      [NOW, NOW + 10, NOW + 20].map((timestampMs) => record("v", { timestampMs })),
    );
    const at = (timestampMs: number) => bundle.log.offsetAt("u", 0, timestampMs);
    expect([await at(0), await at(NOW), await at(NOW + 1), await at(NOW + 20), await at(NOW + 21)]).toEqual([
      0, 0, 1, 2, 3,
    ]);
  });
}

function topicCases(make: () => Promise<LogUnderTest>): void {
  it("createTopic() makes a topic once, and topics() lists them in order of name", async () => {
    await using bundle = await make();
    const made = await bundle.log.createTopic("a.new-topic_1", 5);
    expect(made).toMatchObject({ created: true, topic: { name: "a.new-topic_1", partitions: 5 } });
    const again = await bundle.log.createTopic("a.new-topic_1", 7);
    expect(again).toMatchObject({ created: false, topic: { id: made.topic.id, partitions: 5 } });
    expect((await bundle.log.topics()).map(({ name, partitions }) => [name, partitions])).toEqual([
      ["a.new-topic_1", 5],
      ["t", 3],
      ["u", 1],
    ]);
    expect(await bundle.log.topic("a.new-topic_1")).toMatchObject({ id: made.topic.id });
    expect(await bundle.log.topic("nowhere")).toBeUndefined();
    expect(await bundle.log.topic("no name/..")).toBeUndefined();
    await bundle.log.ping();
  });
}

function groupCases(make: () => Promise<LogUnderTest>): void {
  it("commit() keeps offsets by group and partition, the last one counts", async () => {
    await using bundle = await make();
    const [mine, other] = [group(), group()];
    const places = [
      { topic: "t", partition: 0 },
      { topic: "u", partition: 0 },
      { topic: "t", partition: 2 },
    ];
    expect(await bundle.log.committed(mine, places)).toEqual([undefined, undefined, undefined]);
    await bundle.log.commit(mine, [
      { topic: "t", partition: 0, offset: 5, metadata: "m" },
      { topic: "u", partition: 0, offset: 0, metadata: "" },
    ]);
    await bundle.log.commit(mine, [{ topic: "t", partition: 0, offset: 3, metadata: "" }]);
    expect(await bundle.log.committed(mine, places)).toEqual([
      { topic: "t", partition: 0, offset: 3, metadata: "" },
      { topic: "u", partition: 0, offset: 0, metadata: "" },
      undefined,
    ]);
    expect(await bundle.log.committed(other, places)).toEqual([undefined, undefined, undefined]);
  });

  it("commit() leaves out what the log does not have", async () => {
    await using bundle = await make();
    const name = group();
    await bundle.log.commit(name, [
      { topic: "nowhere", partition: 0, offset: 1, metadata: "" },
      { topic: "u", partition: 0, offset: 1, metadata: "" },
    ]);
    const committed = await bundle.log.committed(name, [
      { topic: "nowhere", partition: 0 },
      { topic: "u", partition: 0 },
    ]);
    expect(committed).toMatchObject([undefined, { offset: 1 }]);
  });
}

function waitCases(make: () => Promise<LogUnderTest>): void {
  it("waitForAppend() settles with an append, at once when it came before, and after its time", async () => {
    await using bundle = await make();
    const { log } = bundle;
    const since = log.mark();
    const waiting = log.waitForAppend({ since, topics: ["t"], waitMs: 60_000 });
    await log.append("t", [record("a")]);
    await waiting;
    await log.waitForAppend({ since, topics: ["t"], waitMs: 60_000 });
    await log.waitForAppend({ since: log.mark(), topics: ["t"], waitMs: 10 });
  });

  it("close() ends waits, and nothing works afterwards", async () => {
    await using bundle = await make();
    const waiting = bundle.log.waitForAppend({ since: bundle.log.mark(), topics: ["t"], waitMs: 60_000 });
    await bundle.log.close();
    await waiting;
    await expect(bundle.log.append("t", [record("a")])).rejects.toThrow();
    await expect(bundle.log.ping()).rejects.toThrow();
  });
}
