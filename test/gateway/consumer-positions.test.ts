// Positions of consumer instances when the log is not what it was, or the client not there any more.
import { describe, expect, it, onTestFinished } from "vitest";
import { createConsumer, type Reset } from "../../src/gateway/consumers/consumer.ts";
import { createGroup } from "../../src/gateway/consumers/group.ts";
import { type Log, LogError } from "../../src/gateway/log.ts";
import { openSqliteLog } from "../../src/gateway/node-sqlite-log.ts";

const PLACE = { topic: "t", partition: 0 };
const BUDGET = { waitMs: 0, bytesMax: 1_000, recordsMax: 10 };
const record = (value: string) => {
  return { partition: 0, key: null, value, headers: [], timestampMs: 0, bytes: value.length };
};

/** A group on a log of one partition with two records, some of whose methods are the test's. */
async function setup(overrides: (log: Log) => Partial<Log> = () => ({})) {
  const plain = openSqliteLog(":memory:");
  onTestFinished(() => plain.close());
  await plain.createTopic("t", 1);
  await plain.append("t", [record("a"), record("b")]);
  const log: Log = { ...plain, ...overrides(plain) };
  const group = createGroup(log, "g");
  const instance = (name: string, reset: Reset = "latest", autoCommitMs?: number) => {
    const consumer = createConsumer(log, group, { name, reset, autoCommitMs });
    group.consumers.set(name, consumer);
    const values = async () => (await consumer.poll(BUDGET)).map((delivered) => delivered.record.value);
    return { ...consumer, consumer, values };
  };
  return { log, group, instance };
}

describe("a position beyond the end", () => {
  it("takes the start with it that the group keeps for who comes next", async () => {
    let before = true;
    const { log, group, instance } = await setup((plain) => ({
      // The topic had ten records when the group came to it.
      offsets: async (...at) => (before ? { begin: 0, end: 10 } : plain.offsets(...at)),
    }));
    const [first, second] = [instance("first"), instance("second")];
    await first.subscribe({ topics: ["t"] });
    before = false;
    expect(await first.values()).toEqual([]);
    group.consumers.delete("first");
    await log.append("t", [record("c")]);
    await second.subscribe({ topics: ["t"] });
    expect(await second.values()).toEqual(["c"]);
  });

  it.each([
    ["does not know its end", () => Promise.reject(new LogError("unreachable", "offset not available"))],
    ["says that it is none", () => Promise.resolve({ begin: 0, end: 10 })],
  ])("stays where a broker that has just come to lead %s", async (_, offsets) => {
    const { log, instance } = await setup(() => ({ offsets }));
    const { consumer, values } = instance("one", "earliest");
    await log.commit("g", [{ ...PLACE, offset: 3, metadata: "" }]);
    await consumer.assign([PLACE]);
    expect(await values()).toEqual([]);
    await log.append("t", [record("c"), record("d")]);
    expect(await values()).toEqual(["d"]);
  });
});

describe("a poll whose client has gone", () => {
  it("commits nothing and takes nothing from the next one", async () => {
    const { log, instance } = await setup();
    const { consumer, values } = instance("one", "earliest", 0);
    await consumer.assign([PLACE]);
    expect(await values()).toEqual(["a", "b"]);
    await log.append("t", [record("c")]);
    expect(await consumer.poll({ ...BUDGET, signal: AbortSignal.abort() })).toEqual([]);
    expect(await log.committed("g", [PLACE])).toMatchObject([{ offset: 0 }]);
    expect(await values()).toEqual(["c"]);
  });

  it("leaves the records to the next one when it went during the read", async () => {
    const gone = new AbortController();
    const { instance } = await setup((plain) => ({
      read: (...from) => {
        gone.abort();
        return plain.read(...from);
      },
    }));
    const { consumer, values } = instance("one", "earliest");
    await consumer.assign([PLACE]);
    expect(await consumer.poll({ ...BUDGET, signal: gone.signal })).toEqual([]);
    expect(await values()).toEqual(["a", "b"]);
  });
});
