// What the gateway makes of answers that one broker alone never gives: they come from a cluster of the test's own.
import { describe, expect, it } from "vitest";
import { type Append, createAppend } from "../../src/gateway/kafka/append.ts";
import type { Cluster, KafkaTopic } from "../../src/gateway/kafka/cluster.ts";
import { CODES } from "../../src/gateway/kafka/error-codes.ts";
import { createGroups } from "../../src/gateway/kafka/groups.ts";
import type { AppendRecord } from "../../src/gateway/log.ts";

const TOPIC = { name: "t", partitions: 1 } as KafkaTopic;
const TIMING = { appendMs: 5_000, patienceMs: 60, controlMs: 2_000 };

/** A cluster of one broker that gives one answer after the other; the last one stands for all that follow. */
function clusterOf(answers: readonly object[]) {
  let calls = 0;
  const address = { host: "kafka.test", port: 9092 };
  const cluster = {
    topic: async () => TOPIC,
    leader: () => address,
    coordinator: async () => address,
    call: async () => answers[Math.min(calls++, answers.length - 1)],
  } as unknown as Cluster;
  return { cluster, calls: () => calls };
}

const produced = (errorCode: number, baseOffset: bigint) => ({
  responses: [{ partitionResponses: [{ index: 0, errorCode, baseOffset, errorMessage: null, recordErrors: [] }] }],
});

const records = (count: number): AppendRecord[] =>
  Array.from({ length: count }, () => ({ key: null, value: "v", partition: 0, timestampMs: 0, headers: [], bytes: 1 }));

function appendOf(answers: readonly object[]): { readonly append: Append; readonly calls: () => number } {
  const { cluster, calls } = clusterOf(answers);
  return { append: createAppend(cluster, TIMING as Parameters<typeof createAppend>[1]), calls };
}

describe("append()", () => {
  it("tries a batch again that the leader refused because it is none", async () => {
    const { append, calls } = appendOf([produced(CODES.NOT_LEADER_OR_FOLLOWER, -1n), produced(0, 7n)]);
    expect(await append(TOPIC, records(2))).toEqual([
      { partition: 0, offset: 7 },
      { partition: 0, offset: 8 },
    ]);
    expect(calls()).toBe(2);
  });

  it("does not write again what a leader appended before it lost its place", async () => {
    const { append, calls } = appendOf([produced(CODES.NOT_LEADER_OR_FOLLOWER, 7n), produced(0, 9n)]);
    expect(await append(TOPIC, records(1))).toMatchObject([{ fault: "unknown" }]);
    expect(calls()).toBe(1);
  });

  it("halves a batch as often as it takes, without losing patience over it", async () => {
    const tooLarge = produced(CODES.MESSAGE_TOO_LARGE, -1n);
    const { append } = appendOf([...Array.from({ length: 9 }, () => tooLarge), produced(0, 0n)]);
    const results = await append(TOPIC, records(512));
    expect(results.filter((result) => "fault" in result)).toEqual([]);
  });
});

const fetched = (errorCode: number, committedOffset: bigint) => ({
  groups: [
    {
      errorCode: 0,
      topics: [{ name: "t", partitions: [{ partitionIndex: 0, errorCode, committedOffset, metadata: "" }] }],
    },
  ],
});

function committed(...answers: object[]) {
  const groups = createGroups(clusterOf(answers).cluster, TIMING as Parameters<typeof createGroups>[1]);
  return groups.committed("g", [{ topic: "t", partition: 0 }]);
}

describe("committed()", () => {
  it("waits for an offset whose transaction is still open, and does not take it for none", async () => {
    const answers = [fetched(CODES.UNSTABLE_OFFSET_COMMIT, -1n), fetched(0, 100n)];
    expect(await committed(...answers)).toMatchObject([{ offset: 100 }]);
  });

  it("is refused where an offset cannot be told", async () => {
    await expect(committed(fetched(CODES.TOPIC_AUTHORIZATION_FAILED, -1n))).rejects.toMatchObject({
      kind: "forbidden",
    });
  });

  it("knows nothing of a partition that is not there, or that nobody committed", async () => {
    expect(await committed(fetched(CODES.UNKNOWN_TOPIC_OR_PARTITION, -1n))).toEqual([undefined]);
    expect(await committed(fetched(0, -1n))).toEqual([undefined]);
  });
});
