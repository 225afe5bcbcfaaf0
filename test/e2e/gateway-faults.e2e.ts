// The gateway while Kafka is killed, frozen, short of records, or full of what only Kafka's own clients write. Numbers are
// those of the failure cases of Kafka behind HTTP.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ProduceAcks, Producer, stringSerializers } from "@platformatic/kafka";
import { describe, expect, it } from "vitest";
import { readKafka } from "../stack/read-stack.ts";
import { pausePart, restartPart, resumePart, startPart, stopPart } from "../stack/stack.ts";
import { type KafkaBundleOptions, kafkaBundle } from "../support/kafka-bundle.ts";

const kafka = readKafka();
const BINARY = "application/vnd.kafka.binary.v2+json";
/** Small deadlines, so that a frozen broker shows soon. */
const SHORT = { appendMs: 1_000, controlMs: 1_000, readMs: 1_000, patienceMs: 500, connectMs: 1_000 };
const WAKE = { timeout: 60_000, interval: 100 };

async function setup(options: KafkaBundleOptions = {}) {
  const bundle = await kafkaBundle(kafka, options);
  const call = async (path: string, body?: unknown) => {
    const init =
      body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "content-type": BINARY } };
    const response = await bundle.app.request(path, init);
    return { status: response.status, body: await response.json() };
  };
  return {
    bundle,
    call,
    produce: (records: object[], topic = "t") => call(`/topics/${topic}`, { records }),
    async values(topic: string, partition = 0, offset = 0) {
      const { body } = await call("/partitions/records", {
        partitions: [{ topic, partition, offset }],
        max_records: 5_000,
      });
      const [read] = body.partitions;
      return {
        ...read,
        values: read.records?.map(({ value }: { value: string }) => (value === null ? null : atob(value))),
      };
    },
    [Symbol.asyncDispose]: () => bundle[Symbol.asyncDispose](),
  };
}

const record = (value: string, more: object = {}) => ({ value: btoa(value), partition: 0, ...more });
const codes = ({ body }: { body: { offsets: { error_code?: number }[] } }) =>
  body.offsets?.map(({ error_code }) => error_code) ?? [JSON.stringify(body)];

describe("a Kafka that", () => {
  it("is killed and started again loses nothing that was acknowledged, and is found again (cases 3, 11, 12)", async () => {
    await using gateway = await setup();
    await gateway.produce([record("before")]);
    await stopPart("kafka", { kill: true });
    try {
      const away = await gateway.produce([record("away")]);
      // The first request may have gone out on a connection whose end was not yet known.
      expect([200, 503]).toContain(away.status);
      const refused = await gateway.produce([record("refused")]);
      if (refused.status === 200) expect(codes(refused)).toEqual([50301]);
      else expect(refused).toMatchObject({ status: 503, body: { error_code: 50301 } });
      expect(await gateway.call("/health")).toMatchObject({ status: 503, body: { error_code: 50301 } });
      const read = await gateway.values("t");
      expect(read).toMatchObject({ error_code: 50301 });
    } finally {
      await startPart("kafka");
    }
    await expect.poll(async () => codes(await gateway.produce([record("after")])), WAKE).toEqual([undefined]);
    const { values } = await gateway.values("t");
    expect(values[0]).toBe("before");
    expect(values).toContain("after");
    expect(values).not.toContain("refused");
    expect((await gateway.call("/health")).status).toBe(200);
  });

  it("restarts during a waiting read is read on when it is back (case 4)", async () => {
    await using gateway = await setup();
    const reading = gateway.call("/partitions/records", {
      partitions: [{ topic: "t", partition: 0, offset: 0 }],
      timeout: 30_000,
    });
    await restartPart("kafka");
    await expect.poll(async () => codes(await gateway.produce([record("back")])), WAKE).toEqual([undefined]);
    const { body } = await reading;
    // Either the read outlived the restart, or it says that it could not: never an empty answer for a lost one.
    if (body.partitions[0].error_code === undefined) expect(body.partitions[0].records).toHaveLength(1);
    else expect(body.partitions[0].error_code).toBe(50301);
    expect((await gateway.values("t")).values).toEqual(["back"]);
  });

  it("is frozen leaves what was sent unknown, within the deadline, and no request waits longer (cases 7, 11)", async () => {
    await using gateway = await setup({ kafka: SHORT });
    await gateway.produce([record("before")]);
    const began = performance.now();
    pausePart("kafka");
    try {
      const [frozen, read, health] = await Promise.all([
        gateway.produce([record("frozen")]),
        gateway.values("t"),
        gateway.call("/health"),
      ]);
      expect(frozen).toMatchObject({ status: 200, body: { offsets: [{ error_code: 50003 }] } });
      expect(read).toMatchObject({ error_code: 50301 });
      expect(health.status).toBe(503);
      expect(performance.now() - began).toBeLessThan(8_000);
    } finally {
      resumePart("kafka");
    }
    await expect.poll(async () => codes(await gateway.produce([record("after")])), WAKE).toEqual([undefined]);
    const { values } = await gateway.values("t");
    // Unknown was the truth: the record may have been written when Kafka woke, but only once.
    expect(["before,frozen,after", "before,after"]).toContain(values.filter((value: string) => value !== "").join(","));
  });

  it("has dropped old records is read from the first that is left (case 17)", async () => {
    await using gateway = await setup();
    await gateway.produce(["0", "1", "2", "3"].map((value) => record(value)));
    const topics = [{ name: `${gateway.bundle.prefix}t`, partitions: [{ partition: 0, offset: 3n }] }];
    await gateway.bundle.admin.deleteRecords({ topics });
    expect(await gateway.values("t")).toMatchObject({ beginning_offset: 3, end_offset: 4, values: ["3"] });
    expect((await gateway.call("/topics/t/partitions/0/offsets")).body).toEqual({ beginning_offset: 3, end_offset: 4 });
    await gateway.bundle.admin.deleteRecords({
      topics: [{ ...topics[0]!, partitions: [{ partition: 0, offset: 4n }] }],
    });
    expect(await gateway.values("t", 0, 1)).toMatchObject({ beginning_offset: 4, end_offset: 4, values: [] });
  });

  it("has a topic made anew gives it another id, and its records from the beginning", async () => {
    await using gateway = await setup();
    await gateway.produce(["0", "1"].map((value) => record(value)));
    const before = (await gateway.call("/topics/t")).body.topic_id;
    await gateway.bundle.admin.deleteTopics({ topics: [`${gateway.bundle.prefix}t`] });
    await expect
      .poll(async () => (await gateway.bundle.admin.listTopics()).includes(`${gateway.bundle.prefix}t`), WAKE)
      .toBe(false);
    await gateway.bundle.admin.createTopics({ topics: [`${gateway.bundle.prefix}t`], partitions: 3, replicas: 1 });
    await expect.poll(async () => (await gateway.values("t", 0, 2)).topic_id, WAKE).not.toBe(before);
    const { topic_id, end_offset } = await gateway.values("t", 0, 2);
    expect([topic_id === before, end_offset]).toEqual([false, 0]);
    await gateway.produce([record("new")]);
    expect((await gateway.values("t")).values).toEqual(["new"]);
  });
});

describe("records", () => {
  it("are refused one by one: unknown partition, too large, without the key that compaction needs (cases 8, 16)", async () => {
    await using gateway = await setup();
    const { admin, prefix } = gateway.bundle;
    const configs = [
      { name: "cleanup.policy", value: "compact" },
      { name: "max.message.bytes", value: "10000" },
    ];
    await admin.createTopics({ topics: [`${prefix}c`], partitions: 1, replicas: 1, configs });
    await expect.poll(async () => (await gateway.call("/topics/c")).status, WAKE).toBe(200);
    const keyed = { key: btoa("k") };
    const answer = await gateway.produce(
      [
        record("a", keyed),
        record("no key"),
        record("x".repeat(20_000), keyed),
        record("b", keyed),
        record("nowhere", { ...keyed, partition: 7 }),
        ...Array.from({ length: 30 }, (_, i) => record(`${i}`.padEnd(1_000, "."), keyed)),
      ],
      "c",
    );
    expect(codes(answer).slice(0, 5)).toEqual([undefined, 422, 413, undefined, 40402]);
    expect(codes(answer).slice(5)).toEqual(Array.from({ length: 30 }, () => undefined));
    const { values } = await gateway.values("c");
    expect(values.slice(0, 2)).toEqual(["a", "b"]);
    expect(values.slice(2).map((value: string) => Number.parseInt(value, 10))).toEqual(
      Array.from({ length: 30 }, (_, i) => i),
    );
  });

  it("of transactions are read without their markers, and markers at the end are nothing left to read (case 19)", async () => {
    await using gateway = await setup();
    const topic = `${gateway.bundle.prefix}t`;
    const producer = new Producer({
      clientId: "e2e",
      bootstrapBrokers: [kafka],
      idempotent: true,
      transactionalId: topic,
      serializers: stringSerializers,
    });
    for (const value of ["1", "2"]) {
      const transaction = await producer.beginTransaction();
      await transaction.send({ messages: [{ topic, value, partition: 0 }], acks: ProduceAcks.ALL });
      await transaction.commit();
    }
    await producer.close();
    // Offsets: 1, marker, 2, marker.
    expect(await gateway.values("t")).toMatchObject({ end_offset: 4, values: ["1", "2"] });
    expect(await gateway.values("t", 0, 1)).toMatchObject({ values: ["2"], records: [{ offset: 2 }] });
    expect(await gateway.values("t", 0, 3)).toMatchObject({ end_offset: 3, values: [] });
  });

  it.each(["none", "gzip", "snappy", "lz4", "zstd"])(
    "that kcat wrote with compression %s are read as they are",
    async (codec) => {
      await using gateway = await setup();
      const topic = `${gateway.bundle.prefix}t`;
      const input = Array.from({ length: 50 }, (_, i) => `k${i}:value ${i} ${"na".repeat(i)}`).join("\n");
      await kcat(["-P", "-t", topic, "-p", "0", "-K", ":", "-H", "h=1", "-z", codec], input);
      const { records, values } = await gateway.values("t");
      expect(values).toEqual(Array.from({ length: 50 }, (_, i) => `value ${i} ${"na".repeat(i)}`));
      expect(records[7]).toMatchObject({ key: btoa("k7"), headers: [{ key: "h", value: btoa("1") }] });
    },
  );

  it("are seen by kcat with their keys, headers, values and timestamps", async () => {
    await using gateway = await setup();
    const headers = [
      { key: "h", value: btoa("1") },
      { key: "h", value: btoa("2") },
    ];
    await gateway.produce([
      record("värld", {
        value: Buffer.from("värld").toString("base64"),
        key: btoa("k"),
        headers,
        timestamp: 1_700_000_000_000,
      }),
    ]);
    await gateway.produce([{ key: btoa("k"), value: null, partition: 0 }]);
    const topic = `${gateway.bundle.prefix}t`;
    const seen = await kcat(["-C", "-t", topic, "-p", "0", "-e", "-q", "-f", "%p %o %k %h %s %S %T\n"]);
    expect(seen.split("\n")).toEqual([
      "0 0 k h=1,h=2 värld 6 1700000000000",
      expect.stringMatching(/^0 1 k {3}-1 \d+$/),
      "",
    ]);
  });
});

describe("many requests at once", () => {
  it("that wait are all woken by one record, though they are more than the connections for waiting", async () => {
    await using gateway = await setup();
    const wait = { partitions: [{ topic: "t", partition: 0, offset: 0 }], timeout: 20_000 };
    const began = performance.now();
    const readers = Array.from({ length: 100 }, () => gateway.call("/partitions/records", wait));
    await gateway.produce([record("wake up")]);
    for (const { body } of await Promise.all(readers)) expect(body.partitions[0].records).toHaveLength(1);
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  it("go on producing while others wait", async () => {
    await using gateway = await setup();
    const wait = { partitions: [{ topic: "t", partition: 1, offset: 0 }], timeout: 3_000 };
    const readers = Array.from({ length: 10 }, () => gateway.call("/partitions/records", wait));
    const began = performance.now();
    for (let i = 0; i < 10; i++) await gateway.produce([record(String(i))]);
    expect(performance.now() - began).toBeLessThan(2_500);
    await Promise.all(readers);
  });
});

/** Runs kcat against the stack's Kafka; says so when it is not there. */
async function kcat(args: readonly string[], input = ""): Promise<string> {
  const running = promisify(execFile)("kcat", ["-b", kafka, ...args], { timeout: 30_000 });
  running.child.stdin!.end(input);
  try {
    return (await running).stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error('kcat is missing: install it, for example "apt-get install kcat"', { cause: error });
  }
}
