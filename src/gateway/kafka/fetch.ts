// One fetch from one broker, without a fetch session: it keeps no state on either side.
import { type Connection, fetchV13, type Reader } from "@platformatic/kafka";
import { ask } from "./connections.ts";
import { toNumber } from "./record-cursor.ts";

/** What to fetch of a partition. */
export interface FetchPartition {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly bytesMax: number;
}

/** What a partition answered. `bytes` are record batches as they are. */
export interface FetchedPartition {
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly begin: number;
  readonly end: number;
  readonly bytes: Buffer;
}

/** The bounds of one fetch. */
export interface FetchBounds {
  readonly bytesMax: number;
  /** How long the broker may wait for a first byte. */
  readonly waitMs: number;
  readonly timeoutMs: number;
}

const FETCH_KEY = 1;
const VERSION = 13;
const UNCOMMITTED = 0;
const NO_SESSION = 0;
const NO_EPOCH = -1;
const NOTHING = Buffer.alloc(0);

/** Fetches; rejects with LostError when no answer comes. The first partition with records may exceed the bytes. */
export function fetchOnce(
  connection: Connection,
  partitions: readonly FetchPartition[],
  { bytesMax, waitMs, timeoutMs }: FetchBounds,
): Promise<FetchedPartition[]> {
  // A topic may stand in a request once; the partition that is to begin stays the first.
  const byTopic = Map.groupBy(partitions, ({ topicId }) => topicId);
  const topics = [...byTopic].map(([topicId, each]) => ({ topicId, partitions: each.map(requestPartition) }));
  const wait = Math.max(0, Math.floor(waitMs));
  const request = () => fetchV13.createRequest(wait, 1, bytesMax, UNCOMMITTED, NO_SESSION, NO_EPOCH, topics, [], "");
  return ask(connection, timeoutMs, (_, callback) =>
    connection.send(FETCH_KEY, VERSION, request, parseResponse, true, true, callback),
  );
}

function requestPartition({ partition, offset, bytesMax }: FetchPartition) {
  return {
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(offset),
    lastFetchedEpoch: -1,
    partitionMaxBytes: bytesMax,
  };
}

/** Reads the response as the library does, but leaves the batches as bytes: most of them may never be decoded. */
function parseResponse(_correlation: number, _key: number, _version: number, reader: Reader): FetchedPartition[] {
  reader.readInt32();
  const failure = reader.readInt16();
  if (failure !== 0) throw new Error(`Kafka answered error ${failure} to a fetch`);
  reader.readInt32();
  const answers: FetchedPartition[] = [];
  reader.readArray((topic) => {
    const topicId = topic.readUUID();
    topic.readArray((partition) => {
      answers.push(parsePartition(topicId, partition));
    });
  });
  return answers;
}

function parsePartition(topicId: string, reader: Reader): FetchedPartition {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  const end = toNumber(reader.readInt64());
  reader.readInt64();
  const begin = toNumber(reader.readInt64());
  reader.readNullableArray((transaction) => {
    transaction.readInt64();
    transaction.readInt64();
  });
  reader.readInt32();
  const length = reader.readUnsignedVarInt() - 1;
  const bytes = length > 0 ? reader.buffer.slice(reader.position, reader.position + length) : NOTHING;
  if (length > 0) reader.skip(length);
  return { topicId, partition, errorCode, begin, end, bytes };
}
