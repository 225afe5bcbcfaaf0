// What one answer says of a Kafka partition that retention moves on while the read takes several fetches.
import { describe, expect, it } from "vitest";
import type { Cluster, KafkaTopic } from "../../src/gateway/kafka/cluster.ts";
import type { Connections } from "../../src/gateway/kafka/connections.ts";
import { CODES } from "../../src/gateway/kafka/error-codes.ts";
import type { FetchedPartition } from "../../src/gateway/kafka/fetch.ts";
import type { Offsets } from "../../src/gateway/kafka/offsets.ts";
import type { KafkaTiming } from "../../src/gateway/kafka/options.ts";
import { createRead } from "../../src/gateway/kafka/read.ts";

const TOPIC = { name: "t", id: "id", partitions: 1 } as KafkaTopic;
const TIMING = { readMs: 1_000, patienceMs: 0 } as KafkaTiming;

/** A batch without compression: small records of one byte each, from an offset on. */
function batch(base: number, count: number): Buffer {
  const head = Buffer.alloc(61);
  // Length, attributes, time delta, offset delta, key length, value length, value and headers, as zigzag varints.
  const records = Array.from({ length: count }, (_, i) => [14, 0, 0, 2 * i, 1, 2, 0x76, 0]).flat();
  head.writeBigInt64BE(BigInt(base), 0);
  head.writeInt32BE(head.length - 12 + records.length, 8);
  head.writeInt8(2, 16);
  head.writeInt32BE(count - 1, 23);
  head.writeInt32BE(count, 57);
  return Buffer.concat([head, Buffer.from(records)]);
}

const fetched = (begin: number, bytes: Buffer, errorCode = 0): FetchedPartition => {
  return { topicId: "id", partition: 0, errorCode, begin, end: 100, bytes };
};

/** Reads from offset 10 on; one broker gives one answer after the other. */
async function readOf(...answers: readonly FetchedPartition[]) {
  const left = [...answers];
  const address = { host: "kafka.test", port: 9092 };
  const send = (...args: unknown[]): void => {
    const next = left.shift();
    (args.at(-1) as (error: Error | null, answer: unknown) => void)(null, next === undefined ? [] : [next]);
  };
  const cluster = { topic: async () => TOPIC, leader: () => address } as unknown as Cluster;
  const connections = { shared: async () => ({ ...address, send }) } as unknown as Connections;
  const offsets = { ends: async () => ({ begin: 50, end: 100 }) } as unknown as Offsets;
  const read = createRead(cluster, connections, offsets, TIMING);
  const partitions = [{ topic: "t", partition: 0, offset: 10 }];
  const [answer] = await read({ partitions, waitMs: 0, bytesMax: 1_000, recordsMax: 8 }, 0, undefined);
  return { answer, left: left.length };
}

const offsetsFrom = (from: number, count: number) => Array.from({ length: count }, (_, i) => ({ offset: from + i }));

describe("a read of several fetches", () => {
  it.each([
    ["answers from behind it", fetched(50, batch(50, 2))],
    ["refuses the offset", fetched(-1, Buffer.alloc(0), CODES.OFFSET_OUT_OF_RANGE)],
  ])("leaves a gap behind the records it has to the next read where Kafka %s", async (_, second) => {
    const { answer, left } = await readOf(fetched(5, batch(10, 2)), second, fetched(50, batch(50, 2)));
    expect(answer).toMatchObject({ begin: 5, end: 100, records: offsetsFrom(10, 2) });
    expect(left).toBe(1);
  });

  it("tells of no gap that came after its records", async () => {
    const { answer } = await readOf(fetched(5, batch(10, 2)), fetched(11, batch(12, 2)));
    expect(answer).toMatchObject({ begin: 5, records: offsetsFrom(10, 4) });
  });

  it("begins where retention left off as long as it has no records", async () => {
    const { answer } = await readOf(fetched(-1, Buffer.alloc(0), CODES.OFFSET_OUT_OF_RANGE), fetched(50, batch(50, 8)));
    expect(answer).toMatchObject({ begin: 50, records: offsetsFrom(50, 8) });
  });
});
