// Appends to the leaders of a topic's partitions, acknowledged by all replicas in sync, and says of every record what
// is known. Only what was definitely not written is tried again: a repeated unknown could be written twice.
import { ProduceAcks, produceV9 } from "@platformatic/kafka";
import { toBytes } from "../base64.ts";
import { type Appended, type AppendFault, type AppendRecord, type Content, LogError } from "../log.ts";
import { partitionOf } from "../partitioner.ts";
import type { Cluster, KafkaTopic } from "./cluster.ts";
import { CODES, codeName, LEADER_MOVED } from "./error-codes.ts";
import type { BrokerAddress, KafkaTiming } from "./options.ts";
import { toNumber } from "./record-cursor.ts";

/** Bytes of one batch to stay below a broker's default limit of a batch; batches refused as too large are halved. */
const BATCH_BYTES_MAX = 900_000;
/** What the protocol adds to a record at most, headers apart. */
const RECORD_OVERHEAD_BYTES = 32;
/** Bytes under way at the same time; more is refused rather than kept in memory while a broker does not answer. */
const BYTES_UNDER_WAY_MAX = 64 * 1024 * 1024;
const PAUSE_MS_MIN = 25;
const PAUSE_MS_MAX = 400;

type Result = Appended | AppendFault;
type Response = ReturnType<typeof produceV9.parseResponse>;
type PartitionResponse = Response["responses"][number]["partitionResponses"][number];
type Messages = Parameters<typeof produceV9.createRequest>[2];

/** One append under way. */
interface Work {
  topic: KafkaTopic;
  readonly records: readonly AppendRecord[];
  readonly results: Result[];
  /** Batches (indices of records) still to be written, by partition; one after another, to keep their order. */
  readonly queues: Map<number, number[][]>;
  readonly untilMs: number;
  readonly patienceMs: number;
  /** Set by a round that found a leader gone. */
  stale: boolean;
  /** Why the last attempt was refused. */
  refusal: string;
}

export type Append = (topic: KafkaTopic, records: readonly AppendRecord[]) => Promise<Result[]>;

export function createAppend(cluster: Cluster, timing: KafkaTiming): Append {
  let turn = 0;
  let bytesUnderWay = 0;

  const queuesOf = (topic: KafkaTopic, records: readonly AppendRecord[]): Work["queues"] => {
    const queues: Work["queues"] = new Map();
    const room = new Map<number, number>();
    for (const [index, record] of records.entries()) {
      const { key, bytes } = record;
      const unkeyed = (): number => (key === null ? turn++ % topic.partitions : partitionOf(key, topic.partitions));
      const partition = record.partition ?? unkeyed();
      if (partition < 0 || partition >= topic.partitions) {
        throw new RangeError(`Topic ${topic.name} has no partition ${partition}`);
      }
      const size = bytes + RECORD_OVERHEAD_BYTES + record.headers.length * 8;
      const left = (room.get(partition) ?? 0) - size;
      if (!queues.has(partition)) queues.set(partition, []);
      if (left < 0) queues.get(partition)!.push([index]);
      else queues.get(partition)!.at(-1)!.push(index);
      room.set(partition, left < 0 ? BATCH_BYTES_MAX - size : left);
    }
    return queues;
  };

  const send = async (work: Work, leader: BrokerAddress, partitions: readonly number[]): Promise<void> => {
    const leftMs = Math.max(1, work.untilMs - performance.now());
    const heads = partitions.map((partition) => [partition, work.queues.get(partition)![0]!] as const);
    const messages = heads.flatMap(([partition, batch]) => messagesOf(work, partition, batch));
    let response: Response;
    try {
      response = await cluster.call<Response>(leader, "append", leftMs, (connection, callback) => {
        produceV9.api(connection, ProduceAcks.ALL, Math.ceil(leftMs), messages, {}, (error, answer) =>
          callback(error, answer as Response),
        );
      });
    } catch (error) {
      for (const [partition] of heads) settleFailure(work, partition, error as Error);
      return;
    }
    const answers = response.responses.flatMap(({ partitionResponses }) => partitionResponses);
    for (const [partition, batch] of heads) {
      const answer = answers.find(({ index }) => index === partition);
      if (answer === undefined) end(work, partition, { fault: "unknown", reason: "Kafka answered nothing for it" });
      else settle(work, partition, batch, answer);
    }
  };

  const round = async (work: Work): Promise<void> => {
    const byLeader = new Map<BrokerAddress, number[]>();
    for (const partition of work.queues.keys()) {
      const leader = cluster.leader(work.topic, partition);
      if (leader === undefined) {
        work.stale = true;
        work.refusal = `partition ${partition} has no leader`;
      } else byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    await Promise.all([...byLeader].map(([leader, partitions]) => send(work, leader, partitions)));
  };

  const recover = async (work: Work): Promise<void> => {
    work.stale = false;
    try {
      const topic = await cluster.topic(work.topic.name, true);
      if (topic !== undefined) work.topic = topic;
      const gone = [...work.queues.keys()].filter((partition) => partition >= (topic?.partitions ?? 0));
      const fault = topic === undefined ? "topic_unknown" : "partition_unknown";
      for (const partition of gone) endAll(work, partition, { fault, reason: `Topic ${work.topic.name} has changed` });
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      work.refusal = error.message;
      if (error.kind === "forbidden") endWork(work, { fault: "forbidden", reason: error.message });
    }
  };

  return async (topic, records) => {
    const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
    if (bytesUnderWay > 0 && bytesUnderWay + bytes > BYTES_UNDER_WAY_MAX) {
      throw new LogError("unreachable", "Kafka is slower than what comes in: too many bytes are under way");
    }
    const beganMs = performance.now();
    const work: Work = {
      topic,
      records,
      results: new Array<Result>(records.length),
      queues: queuesOf(topic, records),
      untilMs: beganMs + timing.appendMs,
      patienceMs: beganMs + timing.patienceMs,
      stale: false,
      refusal: "",
    };
    bytesUnderWay += bytes;
    try {
      for (let pauseMs = PAUSE_MS_MIN; work.queues.size > 0; ) {
        const [records, batches] = [left(work.queues), batchesIn(work.queues)];
        await round(work);
        // A batch that was halved is as good as one that was written: no halving goes on for ever.
        const hasMoved = left(work.queues) < records || batchesIn(work.queues) > batches;
        if (hasMoved && !work.stale) continue;
        if (work.queues.size === 0) break;
        if (performance.now() + pauseMs > work.patienceMs) {
          endWork(work, { fault: "retryable", reason: `Kafka did not take it: ${work.refusal}` });
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
        await recover(work);
      }
    } finally {
      bytesUnderWay -= bytes;
    }
    return work.results;
  };
}

/** Records still to be written. */
function left(queues: Work["queues"]): number {
  let count = 0;
  for (const batches of queues.values()) for (const batch of batches) count += batch.length;
  return count;
}

function batchesIn(queues: Work["queues"]): number {
  return [...queues.values()].reduce((sum, { length }) => sum + length, 0);
}

function settle(work: Work, partition: number, batch: readonly number[], answer: PartitionResponse): void {
  const { errorCode, baseOffset, errorMessage, recordErrors } = answer;
  const reason = `Kafka answered ${codeName(errorCode)}${errorMessage ? `: ${errorMessage}` : ""}`;
  if (errorCode === 0) {
    const base = toNumber(baseOffset);
    for (const [i, index] of batch.entries()) work.results[index] = { partition, offset: base + i };
    shift(work, partition);
  } else if (LEADER_MOVED.has(errorCode) && baseOffset < 0n) {
    // With an offset the batch was appended before the leader lost its place: the next one may have it.
    work.stale = true;
    work.refusal = reason;
  } else if (errorCode === CODES.NOT_ENOUGH_REPLICAS || errorCode === CODES.THROTTLING_QUOTA_EXCEEDED) {
    work.refusal = reason;
  } else if (errorCode === CODES.MESSAGE_TOO_LARGE || errorCode === CODES.RECORD_LIST_TOO_LARGE) {
    if (batch.length === 1) end(work, partition, { fault: "too_large", reason });
    else replace(work, partition, [batch.slice(0, batch.length / 2), batch.slice(batch.length / 2)]);
  } else if (errorCode === CODES.INVALID_RECORD || errorCode === CODES.INVALID_TIMESTAMP) {
    // Kafka refuses the whole batch for some of its records and names them: the others may go without them.
    const named = new Map(recordErrors.map((error) => [error.batchIndex, error.batchIndexErrorMessage]));
    for (const [i, index] of batch.entries()) {
      if (named.size > 0 && !named.has(i)) continue;
      work.results[index] = { fault: "invalid", reason: named.get(i) ?? reason };
    }
    replace(work, partition, [named.size === 0 ? [] : batch.filter((_, i) => !named.has(i))]);
  } else {
    const forbidden =
      errorCode === CODES.TOPIC_AUTHORIZATION_FAILED || errorCode === CODES.CLUSTER_AUTHORIZATION_FAILED;
    const refused = errorCode === CODES.POLICY_VIOLATION || errorCode === CODES.INVALID_TOPIC_EXCEPTION;
    end(work, partition, { fault: forbidden ? "forbidden" : refused ? "invalid" : "unknown", reason });
  }
}

/** The request failed as a whole: it was never sent, or nobody knows. */
function settleFailure(work: Work, partition: number, error: Error): void {
  if (!(error instanceof LogError)) {
    end(work, partition, { fault: "unknown", reason: error.message });
    // What was to follow has not been sent, and would only wait for the same broker.
    endAll(work, partition, { fault: "retryable", reason: error.message });
  } else if (error.kind === "forbidden") endAll(work, partition, { fault: "forbidden", reason: error.message });
  else {
    work.stale = true;
    work.refusal = error.message;
  }
}

function end(work: Work, partition: number, fault: AppendFault): void {
  for (const index of work.queues.get(partition)![0]!) work.results[index] = fault;
  shift(work, partition);
}

function endAll(work: Work, partition: number, fault: AppendFault): void {
  while (work.queues.has(partition)) end(work, partition, fault);
}

function endWork(work: Work, fault: AppendFault): void {
  for (const partition of [...work.queues.keys()]) endAll(work, partition, fault);
}

function shift(work: Work, partition: number): void {
  replace(work, partition, []);
}

/** Puts batches in the place of a partition's first one. */
function replace({ queues }: Work, partition: number, batches: readonly number[][]): void {
  const queue = [...batches.filter((batch) => batch.length > 0), ...queues.get(partition)!.slice(1)];
  if (queue.length === 0) queues.delete(partition);
  else queues.set(partition, queue);
}

function messagesOf({ topic, records }: Work, partition: number, batch: readonly number[]): Messages {
  return batch.map((index) => {
    const { key, value, headers, timestampMs } = records[index]!;
    return {
      topic: topic.name,
      partition,
      key: bufferOf(key)!,
      value: bufferOf(value)!,
      timestamp: BigInt(timestampMs),
      ...(headers.length === 0 ? {} : { headers: headersOf(headers) }),
    };
  });
}

/** The library takes whatever has a size and yields entries; unlike a map, a list may repeat a name. */
function headersOf(headers: AppendRecord["headers"]): Map<Buffer, Buffer> {
  const entries = headers.map(({ key, value }) => [Buffer.from(key), bufferOf(value)] as [Buffer, Buffer]);
  return Object.assign(entries, { size: entries.length }) as unknown as Map<Buffer, Buffer>;
}

function bufferOf(content: Content | null): Buffer | null {
  if (content === null || content instanceof Buffer) return content;
  const bytes = toBytes(content);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
