// What the embedded log's broker says of records when the log fails. The contract suite holds the rest.
import { describe, expect, test } from "vitest";
import { type Appended, type AppendFault, type Log, LogError } from "../../src/gateway/log.ts";
import { logBroker } from "../../src/runtime/log-broker.ts";
import { gatewayBundle } from "../support/gateway-bundle.ts";

const RECORDS = ["1", "2"].map((value) => ({ topic: "t", key: "k", value }));
const READ = { waitMs: 0, bytesMax: 1_000, recordsMax: 10 };

/** A broker over a log that does one thing its own way, and what it told of failures. */
async function over(changed: Partial<Log>) {
  const bundle = await gatewayBundle();
  const told: unknown[] = [];
  const broker = logBroker({ ...bundle.log, ...changed }, { cluster: "test", onError: (error) => told.push(error) });
  return { broker, told, bundle, [Symbol.asyncDispose]: () => bundle[Symbol.asyncDispose]() };
}

describe("the embedded log as a broker", () => {
  test.each([
    [new Error("disk I/O error"), "unknown", "The log failed"],
    [new LogError("unreachable", "the disk is away"), "retryable", "the disk is away"],
    [new LogError("forbidden", "not ours"), "fatal", "not ours"],
  ] as const)("an append that throws %s leaves its records %s, and is told", async (error, status, reason) => {
    await using failing = await over({
      append: async () => {
        throw error;
      },
    });
    const results = await failing.broker.produce(RECORDS);
    expect(results).toEqual(RECORDS.map(() => ({ status, reason })));
    expect(failing.told).toEqual([error]);
  });

  test("each record's own fault is its result", async () => {
    const faults = ["retryable", "unknown", "too_large", "forbidden"] as const;
    const appended: (Appended | AppendFault)[] = [
      { partition: 1, offset: 7 },
      ...faults.map((fault) => ({ fault, reason: `because ${fault}` })),
    ];
    await using log = await over({ append: async () => appended });
    const results = await log.broker.produce(appended.map((_, i) => ({ topic: "t", key: "k", value: String(i) })));
    expect(results.map(({ status }) => status)).toEqual(["ok", "retryable", "unknown", "fatal", "fatal"]);
  });

  test.each([
    [2_500, 1, [1_000, 1_000, 500]],
    [25, 500_000, [8, 8, 8, 1]],
  ])("a produce of %i records of %i bytes keeps their order over several appends", async (count, bytes, sizes) => {
    const appends: number[] = [];
    await using log = await over({});
    const broker = logBroker(
      {
        ...log.bundle.log,
        append(topic, records) {
          appends.push(records.length);
          return log.bundle.log.append(topic, records);
        },
      },
      { cluster: "test", onError: () => undefined },
    );
    const records = Array.from({ length: count }, () => ({ topic: "t", key: "same", value: "x".repeat(bytes) }));
    const results = await broker.produce(records);
    const offsets = results.map((result) => (result.status === "ok" ? result.offset : result.status));
    expect([offsets, appends]).toEqual([records.map((_, i) => i), sizes]);
  });

  test("a log that answers for fewer records leaves the others unknown", async () => {
    await using log = await over({ append: async () => [{ partition: 0, offset: 0 }] });
    expect((await log.broker.produce(RECORDS)).map(({ status }) => status)).toEqual(["ok", "unknown"]);
  });

  test("a read of nothing answers at once", async () => {
    await using log = await over({});
    expect(await log.broker.read([], { ...READ, waitMs: 60_000 })).toEqual([]);
  });

  test("a text is read whole, whatever size its record claims to have", async () => {
    await using log = await over({});
    const record = { partition: 0, key: "k", value: "größer als gesagt", headers: [], timestampMs: 1, bytes: 4 };
    await log.bundle.log.append("t", [record, record]);
    const [read] = await log.broker.read([{ topic: "t", partition: 0, offset: 0 }], READ);
    expect(read!.records.map(({ value }) => new TextDecoder().decode(value!))).toEqual([record.value, record.value]);
  });

  test("bytes that are no text are read as they are", async () => {
    await using log = await over({});
    const value = Uint8Array.of(0xff, 0x00, 0xfe);
    const key = "schlüssel";
    const bytes = value.length + new TextEncoder().encode(key).length;
    await log.bundle.log.append("t", [{ partition: 0, key, value, headers: [], timestampMs: 1, bytes }]);
    await log.bundle.log.append("t", [{ partition: 0, key: null, value: null, headers: [], timestampMs: 2, bytes: 0 }]);
    const [read] = await log.broker.read([{ topic: "t", partition: 0, offset: 0 }], READ);
    expect(read!.records.map(({ value, ...rest }) => ({ ...rest, value: value && [...value] }))).toEqual([
      { offset: 0, key, value: [...value] },
      { offset: 1, key: null, value: null },
    ]);
  });

  test.each([
    ["read", (broker: ReturnType<typeof logBroker>) => broker.read([{ topic: "t", partition: 0, offset: 0 }], READ)],
    ["topics", (broker: ReturnType<typeof logBroker>) => broker.topics(["t"])],
  ] as const)("a failing %s is broker_unavailable, without the engine's words, and is told", async (_, call) => {
    const error = new Error("database disk image is malformed");
    const fail = async (): Promise<never> => {
      throw error;
    };
    await using failing = await over({ read: fail, topic: fail });
    await expect(call(failing.broker)).rejects.toMatchObject({
      code: "broker_unavailable",
      message: expect.stringMatching(/^Cannot read .*: The log failed$/),
    });
    expect(failing.told).toEqual([error]);
  });
});
