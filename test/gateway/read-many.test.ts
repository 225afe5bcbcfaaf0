// The read of many partitions: what it answers, how it waits, and how it shares its bounds.
import { describe, expect, it } from "vitest";
import { createGateway } from "../../src/gateway/app.ts";
import { type AppendWait, type Log, LogError } from "../../src/gateway/log.ts";
import { openSqliteLog } from "../../src/gateway/node-sqlite-log.ts";
import { gatewayBundle, loopback, temporaryFolder } from "../support/gateway-bundle.ts";

const BINARY = "application/vnd.kafka.binary.v2+json";
const JSON_RECORDS = "application/vnd.kafka.json.v2+json";

interface Entry {
  readonly partition: number;
  readonly records: readonly { readonly offset: number; readonly value: string | null }[];
}

async function setup(options: Parameters<typeof gatewayBundle>[0] = {}) {
  const bundle = await gatewayBundle(options);
  const request = (path: string, body: object, type: string, signal?: AbortSignal) =>
    bundle.app.request(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": type },
      ...(signal && { signal }),
    });
  const produce = async (topic: string, records: readonly object[], type = BINARY) => {
    const response = await request(`/topics/${topic}`, { records }, type);
    expect(response.status).toBe(200);
  };
  const read = async (partitions: readonly object[], bounds: object = {}, signal?: AbortSignal) => {
    const response = await request("/partitions/records", { partitions, ...bounds }, BINARY, signal);
    return (await response.json()) as { partitions: Entry[] };
  };
  return { ...bundle, produce, read };
}

const from = (partition: number, offset = 0, topic = "t") => ({ topic, partition, offset });
const ALL = { bytesMax: 1_000, recordsMax: 10, firstAnyway: true };
const sized = (bytes: number) => ({ value: Buffer.alloc(bytes, "x").toString("base64") });
const counts = (answer: { partitions: Entry[] }) => answer.partitions.map(({ records }) => records.length);

describe("an answer", () => {
  it("holds keys, values, headers and timestamps as they were produced", async () => {
    await using bundle = await setup();
    const headers = [
      { key: "h1", value: "djE=" },
      { key: "h1", value: "/w==" },
      { key: "none", value: null },
    ];
    await bundle.produce("t", [
      { key: "azE=", value: "AAEC", partition: 0, timestamp: 1700000000000, headers },
      { key: "/////w==", value: "gICA", partition: 0, timestamp: 5 },
      { key: null, value: null, partition: 0, timestamp: 6 },
      { key: "", value: "", partition: 0, timestamp: 7 },
    ]);
    const { partitions } = await bundle.read([from(0)]);
    expect(partitions).toEqual([
      {
        topic: "t",
        partition: 0,
        topic_id: (await bundle.log.topic("t"))!.id,
        beginning_offset: 0,
        end_offset: 4,
        records: [
          { offset: 0, key: "azE=", value: "AAEC", timestamp: 1700000000000, headers },
          { offset: 1, key: "/////w==", value: "gICA", timestamp: 5 },
          { offset: 2, key: null, value: null, timestamp: 6 },
          { offset: 3, key: "", value: "", timestamp: 7 },
        ],
      },
    ]);
  });

  it("gives every run of bytes back, also what no decoder would take (case 14)", async () => {
    await using bundle = await setup();
    const poison = [
      [0xff],
      [0xc3, 0x28],
      [0xed, 0xa0, 0x80],
      [0xef, 0xbb, 0xbf, 0x41],
      [0],
      [0x41, 0, 0x42],
      [0xf0, 0x9f],
    ];
    const values = poison.map((bytes) => Buffer.from(bytes).toString("base64"));
    await bundle.produce(
      "t",
      values.map((value) => ({ key: value, value, partition: 1 })),
    );
    const { partitions } = await bundle.read([from(1)]);
    expect(partitions[0]!.records).toMatchObject(values.map((value) => ({ key: value, value })));
  });

  it("holds the JSON text of what came as JSON, and null for null", async () => {
    await using bundle = await setup();
    const produced = [{ a: 1 }, "str", null, 42, true, [], {}, "", 0, false];
    await bundle.produce(
      "t",
      produced.map((value) => ({ key: value, value, partition: 0 })),
      JSON_RECORDS,
    );
    const { partitions } = await bundle.read([from(0)]);
    const texts = partitions[0]!.records.map(({ value }) => value && Buffer.from(value, "base64").toString());
    expect(texts).toEqual(produced.map((value) => (value === null ? null : JSON.stringify(value))));
  });

  it("has an error entry for a partition or topic that does not exist", async () => {
    await using bundle = await setup();
    const { partitions } = await bundle.read([from(0), from(3), from(0, 0, "nowhere"), from(-1)]);
    expect(partitions).toEqual([
      expect.objectContaining({ partition: 0, records: [] }),
      { topic: "t", partition: 3, error_code: 40402, message: "Partition t/3 not found" },
      { topic: "nowhere", partition: 0, error_code: 40402, message: "Partition nowhere/0 not found" },
      { topic: "t", partition: -1, error_code: 40402, message: "Partition t/-1 not found" },
    ]);
  });

  it("keeps the records of other topics when nothing can be learned of one", async () => {
    await using bundle = await setup();
    await bundle.produce("t", [{ value: "YQ==", partition: 0 }]);
    const forbidden = new LogError("forbidden", "not authorized");
    const read = { begin: 0, end: 1, records: [] };
    const app = createGateway({
      ...bundle.log,
      topic: (name) => (name === "t" ? bundle.log.topic(name) : Promise.reject(forbidden)),
      readMany: async () => [forbidden, read, (await bundle.log.read("t", 0, 0, ALL))!],
    });
    const body = JSON.stringify({ partitions: [from(0, 0, "secret"), from(0, 0, "late"), from(0)] });
    const headers = { "content-type": BINARY };
    const response = await app.request("/partitions/records", { method: "POST", body, headers });
    expect(await response.json()).toMatchObject({
      partitions: [
        { topic: "secret", error_code: 40301 },
        { topic: "late", records: [] },
        { topic: "t", topic_id: (await bundle.log.topic("t"))!.id, records: [{ value: "YQ==" }] },
      ],
    });
  });

  it("refuses with 422 to answer twice for one partition, and names it", async () => {
    await using bundle = await setup();
    expect(await bundle.read([from(0), from(1), from(0, 5)])).toEqual({
      error_code: 422,
      message: "Invalid request: partition t/0 is named twice",
    });
  });

  it("refuses more partitions than its limit with 413", async () => {
    await using bundle = await setup({ readPartitionsMax: 2 });
    expect(await bundle.read([from(0), from(1), from(2)])).toMatchObject({ error_code: 413 });
  });
});

describe("bounds", () => {
  it("are shared, so that a busy partition does not starve a quiet one", async () => {
    await using bundle = await setup();
    await bundle.produce(
      "t",
      Array.from({ length: 1_000 }, () => ({ ...sized(100), partition: 0 })),
    );
    await bundle.produce("t", [
      { ...sized(100), partition: 1 },
      { ...sized(100), partition: 2 },
    ]);
    // Once for each partition that may begin.
    for (let i = 0; i < 3; i++) {
      expect(counts(await bundle.read([from(0), from(1), from(2)], { max_records: 30 }))).toEqual([28, 1, 1]);
    }
    for (let i = 0; i < 3; i++) {
      expect(counts(await bundle.read([from(0), from(1), from(2)], { max_bytes: 3_000 }))).toEqual([28, 1, 1]);
    }
  });

  it("go to every partition in turn when there is room for few records", async () => {
    await using bundle = await setup();
    await bundle.produce(
      "t",
      [0, 1, 2].flatMap((partition) => [
        { ...sized(9), partition },
        { ...sized(9), partition },
      ]),
    );
    const served = new Set<number>();
    for (let i = 0; i < 3; i++)
      served.add(counts(await bundle.read([from(0), from(1), from(2)], { max_records: 1 })).indexOf(1));
    expect(served).toEqual(new Set([0, 1, 2]));
  });

  it("let a larger record through only as the very first (case 15)", async () => {
    await using bundle = await setup();
    await bundle.produce("t", [
      { ...sized(5_000), partition: 0 },
      { ...sized(5_000), partition: 0 },
      { ...sized(5_000), partition: 1 },
    ]);
    const answers = [];
    for (let i = 0; i < 2; i++) answers.push(counts(await bundle.read([from(0), from(1)], { max_bytes: 1_000 })));
    expect(answers.toSorted()).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(counts(await bundle.read([from(0), from(1)], { max_bytes: 10_000 })).reduce((a, b) => a + b)).toBe(2);
    expect(counts(await bundle.read([from(0)], { max_bytes: 0 }))).toEqual([1]);
  });

  it("lend what one partition does not use to another whose next record needs more than its share", async () => {
    await using bundle = await setup();
    await bundle.produce("t", [
      { ...sized(900), partition: 0 },
      { ...sized(10), partition: 1 },
    ]);
    for (let i = 0; i < 3; i++) {
      expect(counts(await bundle.read([from(0), from(1), from(2)], { max_bytes: 1_000 }))).toEqual([1, 1, 0]);
    }
  });

  it("are used up although equal shares of the rest are too small for any next record", async () => {
    await using bundle = await setup();
    const larger = { ...sized(900), partition: 0 };
    await bundle.produce("t", [larger, { ...sized(10), partition: 1 }, { ...larger, partition: 1 }]);
    for (let i = 0; i < 2; i++) {
      const [zero, one] = counts(await bundle.read([from(0), from(1)], { max_bytes: 1_000 }));
      expect(zero! + one!).toBe(2);
    }
  });

  it("are held to the gateway's own", async () => {
    await using bundle = await setup({ readRecordsMax: 5, readBytesMax: 200 });
    await bundle.produce(
      "t",
      Array.from({ length: 50 }, () => ({ ...sized(10), partition: 0 })),
    );
    expect(counts(await bundle.read([from(0)], { max_records: 1_000_000, max_bytes: 1e15 }))).toEqual([5]);
    await bundle.produce(
      "t",
      Array.from({ length: 9 }, () => ({ ...sized(90), partition: 1 })),
    );
    expect(counts(await bundle.read([from(1)], { max_bytes: 1e15 }))).toEqual([2]);
  });
});

/** Tells when a read has begun to wait, so that no test has to guess. */
function watched(log: Log): { log: Log; waits: Promise<AppendWait> } {
  const { promise: waits, resolve } = Promise.withResolvers<AppendWait>();
  return {
    log: {
      ...log,
      waitForAppend(wait) {
        resolve(wait);
        return log.waitForAppend(wait);
      },
    },
    waits,
  };
}

const readPatiently = (app: ReturnType<typeof createGateway>, signal?: AbortSignal) =>
  app.request("/partitions/records", {
    method: "POST",
    headers: { "content-type": BINARY },
    body: JSON.stringify({ partitions: [from(0), from(1), from(2)], timeout: 20_000 }),
    ...(signal && { signal }),
  });
const AN_APPEND = { partition: 0, key: null, value: "v", headers: [], timestampMs: 1, bytes: 1 };

describe("waiting", () => {
  it("ends at once with an append of this process", async () => {
    await using bundle = await setup();
    const { log, waits } = watched(bundle.log);
    const reading = readPatiently(createGateway(log));
    await waits;
    await bundle.log.append("t", [AN_APPEND]);
    const began = performance.now();
    expect(counts(await (await reading).json())).toEqual([1, 0, 0]);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it("ends with an append through another handle on the same file", async () => {
    using folder = temporaryFolder();
    await using bundle = await setup({ path: folder.file("log.db") });
    const { log, waits } = watched(bundle.log);
    const other = openSqliteLog(folder.file("log.db"));
    const reading = readPatiently(createGateway(log));
    await waits;
    await other.append("t", [AN_APPEND]);
    expect(counts(await (await reading).json())).toEqual([1, 0, 0]);
    await other.close();
  });

  it("is not over for an append to another topic", async () => {
    await using bundle = await setup({ topics: { t: 3, u: 1 } });
    const since = bundle.log.mark();
    let settled = false;
    const waiting = bundle.log.waitForAppend({ since, topics: ["t"], waitMs: 20_000 }).then(() => (settled = true));
    await bundle.log.append("u", [AN_APPEND]);
    await Promise.resolve();
    expect(settled).toBe(false);
    await bundle.log.append("t", [AN_APPEND]);
    await waiting;
  });

  it("does not begin when something was appended after the mark", async () => {
    await using bundle = await setup();
    const since = bundle.log.mark();
    await bundle.log.append("t", [AN_APPEND]);
    await bundle.log.waitForAppend({ since, topics: ["t"], waitMs: 20_000 });
  });

  it("ends when the time asked for is over, and takes no longer than the gateway allows", async () => {
    await using bundle = await setup({ waitMsMax: 30 });
    const began = performance.now();
    expect(counts(await bundle.read([from(0)], { timeout: 600_000 }))).toEqual([0]);
    expect(performance.now() - began).toBeGreaterThan(20);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it("ends when the client has gone, in this process and over HTTP", async () => {
    await using bundle = await setup();
    const near = watched(bundle.log);
    const controller = new AbortController();
    const reading = readPatiently(createGateway(near.log), controller.signal);
    await near.waits;
    controller.abort();
    expect(counts(await (await reading).json())).toEqual([0, 0, 0]);

    const far = watched(bundle.log);
    await using server = await loopback(createGateway(far.log));
    const leaving = new AbortController();
    const lost = fetch(`${server.url}/partitions/records`, {
      method: "POST",
      headers: { "content-type": BINARY },
      body: JSON.stringify({ partitions: [from(0)], timeout: 20_000 }),
      signal: leaving.signal,
    });
    const { signal } = await far.waits;
    const gone = new Promise((resolve) => signal!.addEventListener("abort", resolve));
    leaving.abort();
    await expect(lost).rejects.toThrow();
    await gone;
  });

  it("ends when the log is closed", async () => {
    const bundle = await setup();
    const { log, waits } = watched(bundle.log);
    const errors: unknown[] = [];
    const reading = readPatiently(createGateway(log, { onError: (error) => errors.push(error) }));
    await waits;
    await bundle.log.close();
    expect((await reading).status).toBe(500);
    expect(errors).toHaveLength(1);
  });
});
