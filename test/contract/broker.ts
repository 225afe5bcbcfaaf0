// What every broker has to keep, as src/ports/broker.ts says it. Run over each adapter and each decorator.
import { describe, expect, it, type TestContext } from "vitest";
import type { Broker, PartitionRead, ProduceResult } from "../../src/ports/broker.ts";

/** A broker with a fresh topic `orders` of three partitions and an empty topic `quiet` of one. */
export interface BrokerUnderTest extends AsyncDisposable {
  readonly broker: Broker;
}

/** What this broker can do; a missing ability is skipped aloud. */
export interface BrokerAbilities {
  /** A waiting read is woken by a produce. */
  readonly wakes: boolean;
  /** A topic's generation is a real one. */
  readonly generations: boolean;
  /** A cancelled read settles at once. */
  readonly cancels: boolean;
  /** Says where a partition begins and ends. */
  readonly ends: boolean;
  /** Says how many partitions a topic has. */
  readonly partitions: boolean;
  /** Records of a megabyte, which base64 makes larger. */
  readonly megabytes: boolean;
  /** Says of a record that is too large that it was refused. */
  readonly refusesLarge: boolean;
  /** Refuses a record of an unknown topic, and says so. */
  readonly refusesUnknown: boolean;
  /** Says of each record of several partitions where it went. */
  readonly places: boolean;
}

/** All of them, as the gateway over SQLite has them. */
export const EVERY_ABILITY: BrokerAbilities = {
  wakes: true,
  generations: true,
  cancels: true,
  ends: true,
  partitions: true,
  megabytes: true,
  refusesLarge: true,
  refusesUnknown: true,
  places: true,
};

/** Budget of a read that answers at once. */
export const AT_ONCE = { waitMs: 0, bytesMax: 8_000_000, recordsMax: 5_000 };
const PATIENT = { ...AT_ONCE, waitMs: 10_000 };

const ORDERS = [0, 1, 2].map((partition) => ({ topic: "orders", partition, offset: 0 }));
const text = (bytes: Uint8Array | null): string | null => bytes && new TextDecoder().decode(bytes);
const record = (key: string, value: string, topic = "orders") => ({ topic, key, value });
const values = (reads: readonly PartitionRead[]): (string | null)[] =>
  reads.flatMap((read) => read.records.map(({ value }) => text(value)));
const offsetOf = (result: ProduceResult | undefined): { partition: number; offset: number } => {
  if (result?.status !== "ok") throw new Error(`not appended: ${JSON.stringify(result)}`);
  const { partition, offset } = result;
  if (partition === null || offset === null) throw new Error("the dialect does not tell where the record went");
  return { partition, offset };
};

/** Holds a broker to its contract. `make` is called once per test. */
export function brokerContract(name: string, make: () => Promise<BrokerUnderTest>, abilities: BrokerAbilities): void {
  const needs = (ability: keyof BrokerAbilities, context: TestContext): void => {
    if (abilities[ability]) return;
    console.log(`skipped: ${ability} (${name})`);
    context.skip();
  };
  describe(`${name} as a broker`, () => {
    produceCases(make, needs);
    readCases(make, needs, abilities);
    boundCases(make);
    waitCases(make, needs);
    topicCases(make, needs);
  });
}

function produceCases(make: () => Promise<BrokerUnderTest>, needs: Needs): void {
  it("produce() answers where each record went, in order", async (context) => {
    needs("places", context);
    await using bundle = await make();
    const records = Array.from({ length: 40 }, (_, i) => record(`key-${i % 7}`, `value-${i}`));
    const results = await bundle.broker.produce(records);
    const reads = await bundle.broker.read(ORDERS, AT_ONCE);
    for (const [i, result] of results.entries()) {
      const { partition, offset } = offsetOf(result);
      const found = reads.find((read) => read.partition === partition)!.records.find((each) => each.offset === offset)!;
      expect(found.key).toBe(`key-${i % 7}`);
      expect(text(found.value)).toBe(`value-${i}`);
    }
  });

  it("produce() keeps records of one key in one partition and in order", async () => {
    await using bundle = await make();
    await bundle.broker.produce([record("same", "1"), record("other", "x"), record("same", "2")]);
    const results = await bundle.broker.produce([record("same", "3")]);
    const reads = await bundle.broker.read(ORDERS, AT_ONCE);
    const { records } = reads.find((read) => read.partition === offsetOf(results[0]).partition)!;
    expect(records.filter(({ key }) => key === "same").map(({ value }) => text(value))).toEqual(["1", "2", "3"]);
  });

  it("produce() answers nothing to nothing", async () => {
    await using bundle = await make();
    expect(await bundle.broker.produce([])).toEqual([]);
  });

  it("produce() refuses records of an unknown topic for good and takes the others", async (context) => {
    needs("refusesUnknown", context);
    await using bundle = await make();
    const results = await bundle.broker.produce([record("a", "1"), record("b", "2", "nowhere"), record("c", "3")]);
    expect(results.map(({ status }) => status)).toEqual(["ok", "fatal", "ok"]);
    expect(values(await bundle.broker.read(ORDERS, AT_ONCE)).toSorted()).toEqual(["1", "3"]);
  });

  it("produce() refuses a record that is too large for good and takes the others", async (context) => {
    needs("refusesLarge", context);
    await using bundle = await make();
    const results = await bundle.broker.produce([
      record("a", "1"),
      record("b", "x".repeat(1_100_000)),
      record("c", "3"),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["ok", "fatal", "ok"]);
  });

  it("produce() appends nothing once its signal has aborted", async () => {
    await using bundle = await make();
    const results = await bundle.broker.produce([record("a", "1")], AbortSignal.abort());
    expect(results).toMatchObject([{ status: expect.stringMatching(/retryable|unknown/) }]);
    expect(values(await bundle.broker.read(ORDERS, AT_ONCE))).toEqual([]);
  });

  it("produce() takes concurrent calls without mixing up their results", async () => {
    await using bundle = await make();
    const calls = Array.from({ length: 30 }, (_, i) => [record(`k${i}`, `${i}a`), record(`k${i}`, `${i}b`)]);
    const answers = await Promise.all(calls.map((call) => bundle.broker.produce(call)));
    const reads = await bundle.broker.read(ORDERS, AT_ONCE);
    for (const [i, results] of answers.entries()) {
      for (const [j, result] of results.entries()) {
        const { partition, offset } = offsetOf(result);
        const found = reads
          .find((read) => read.partition === partition)!
          .records.find((each) => each.offset === offset);
        expect(text(found!.value)).toBe(`${i}${"ab"[j]}`);
      }
    }
  });
}

function readCases(make: () => Promise<BrokerUnderTest>, needs: Needs, abilities: BrokerAbilities): void {
  it.for([
    ["an empty text", ""],
    ["every plane of Unicode", "naïve ☃ 𝄞 \u{10FFFF} \uFEFF"],
    ["NUL and control characters", "a\0b\u0001\u001F\u007F"],
    ["quotes and line ends", '"\\\r\n\u2028'],
    ["a megabyte", "y".repeat(1_000_000)],
  ] as const)("read() gives back %s as it was", async ([_, value], context) => {
    if (value.length > 900_000) needs("megabytes", context);
    await using bundle = await make();
    const key = value.slice(0, 100);
    const { partition } = offsetOf((await bundle.broker.produce([record(key, value)]))[0]);
    const [read] = await bundle.broker.read([{ topic: "orders", partition, offset: 0 }], AT_ONCE);
    expect(read!.records).toHaveLength(1);
    expect(read!.records[0]!.key).toBe(key);
    expect(text(read!.records[0]!.value) === text(new TextEncoder().encode(value))).toBe(true);
  });

  it("read() answers the same from the same offset, and goes on from a later one", async () => {
    await using bundle = await make();
    const many = Array.from({ length: 10 }, (_, i) => record("one", String(i)));
    const { partition, offset } = offsetOf((await bundle.broker.produce(many))[4]);
    const from = [{ topic: "orders", partition, offset }];
    const first = await bundle.broker.read(from, AT_ONCE);
    expect(values(first)).toEqual(["4", "5", "6", "7", "8", "9"]);
    expect(await bundle.broker.read(from, AT_ONCE)).toEqual(first);
  });

  it("read() says where each partition begins and ends", async (context) => {
    needs("ends", context);
    await using bundle = await make();
    const { partition } = offsetOf((await bundle.broker.produce([record("a", "1")]))[0]);
    const reads = await bundle.broker.read(ORDERS, AT_ONCE);
    expect(reads).toHaveLength(3);
    for (const read of reads) {
      expect(read).toMatchObject({ topic: "orders", begin: 0, end: read.partition === partition ? 1 : 0 });
    }
  });

  it("read() finds nothing at and beyond the end", async () => {
    await using bundle = await make();
    const { partition } = offsetOf((await bundle.broker.produce([record("a", "1")]))[0]);
    for (const offset of [1, 1_000_000]) {
      const [read] = await bundle.broker.read([{ topic: "orders", partition, offset }], AT_ONCE);
      expect(read).toMatchObject({ topic: "orders", partition, records: [] });
      // Where nothing is there to be read, an end that is known is not beyond the offset; one that is not known is null.
      if (abilities.ends) expect(read).toMatchObject({ begin: 0, end: 1 });
      else expect([null, 1]).toContain(read!.end);
    }
  });

  it("read() leaves out partitions and topics that do not exist", async () => {
    await using bundle = await make();
    const from = [
      { topic: "orders", partition: 3, offset: 0 },
      { topic: "quiet", partition: 0, offset: 0 },
      { topic: "nowhere", partition: 0, offset: 0 },
    ];
    const reads = await bundle.broker.read(from, AT_ONCE);
    expect(reads.map(({ topic }) => topic)).toEqual(["quiet"]);
    expect(await bundle.broker.read([], AT_ONCE)).toEqual([]);
  });
}

function boundCases(make: () => Promise<BrokerUnderTest>): void {
  it("read() keeps to its bounds and comes to the end all the same", async () => {
    await using bundle = await make();
    const records = Array.from({ length: 50 }, (_, i) => record(`key-${i}`, `${i}`.padEnd(1_000, ".")));
    await bundle.broker.produce(records);
    const next = ORDERS.map((from) => ({ ...from }));
    const seen: number[] = [];
    for (let round = 0; seen.length < 50 && round < 50; round++) {
      const reads = await bundle.broker.read(next, { waitMs: 0, bytesMax: 5_000, recordsMax: 4 });
      const found = values(reads).map((value) => Number.parseInt(value!, 10));
      expect(found.length).toBeLessThanOrEqual(4);
      for (const { partition, records: read } of reads)
        next[partition]!.offset = (read.at(-1)?.offset ?? next[partition]!.offset - 1) + 1;
      seen.push(...found);
    }
    expect(seen.toSorted((a, b) => a - b)).toEqual(records.map((_, i) => i));
  });
}

type Needs = (ability: keyof BrokerAbilities, context: TestContext) => void;

function waitCases(make: () => Promise<BrokerUnderTest>, needs: Needs): void {
  it("read() that waits is woken by a record", async (context) => {
    needs("wakes", context);
    await using bundle = await make();
    const reading = bundle.broker.read(ORDERS, PATIENT);
    const began = performance.now();
    await bundle.broker.produce([record("a", "awake")]);
    expect(values(await reading)).toEqual(["awake"]);
    expect(performance.now() - began).toBeLessThan(PATIENT.waitMs / 2);
  });

  it("read() that waits settles when it is cancelled", async (context) => {
    needs("cancels", context);
    await using bundle = await make();
    const controller = new AbortController();
    const began = performance.now();
    const reading = bundle.broker.read(ORDERS, { ...PATIENT, signal: controller.signal });
    controller.abort();
    await reading.catch((error: unknown) => expect(error).toMatchObject({ code: "broker_unavailable" }));
    expect(performance.now() - began).toBeLessThan(PATIENT.waitMs / 2);
  });
}

function topicCases(make: () => Promise<BrokerUnderTest>, needs: Needs): void {
  it("topics() describes the topics that exist and leaves out the others", async (context) => {
    await using bundle = await make();
    const topics = await bundle.broker.topics(["quiet", "nowhere", "orders", "not a name/.."]);
    expect(topics.map(({ name }) => name)).toEqual(["quiet", "orders"]);
    needs("partitions", context);
    expect(topics.map(({ partitions }) => partitions)).toEqual([1, 3]);
  });

  it("topics() tells two logs apart by their generation", async (context) => {
    needs("generations", context);
    await using one = await make();
    await using other = await make();
    const [before] = await one.broker.topics(["orders"]);
    const [same] = await one.broker.topics(["orders"]);
    const [after] = await other.broker.topics(["orders"]);
    expect(same).toEqual(before);
    expect(after!.generation).not.toBe(before!.generation);
  });
}
