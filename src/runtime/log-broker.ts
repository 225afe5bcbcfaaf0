// The embedded log as a broker. Within one process nothing has to become HTTP, JSON and base64 on its way: records and reads
// have the gateway's limits, and the contract of brokers holds.
import { unavailable } from "../adapters/broker/proxy-answer.ts";
import { utf8Length } from "../gateway/base64.ts";
import {
  type Appended,
  type AppendFault,
  type AppendRecord,
  type Log,
  LogError,
  type LogRecord,
} from "../gateway/log.ts";
import { GATEWAY_LIMITS } from "../gateway/options.ts";
import { readMany } from "../gateway/read-request.ts";
import type { Broker, PartitionRead, ProduceRecord, ProduceResult, ReadRecord } from "../ports/broker.ts";

export interface LogBrokerOptions {
  /** Names the cluster in position keys. */
  readonly cluster: string;
  /** Told when the log failed. */
  readonly onError: (error: unknown) => void;
}

/** Bounds of one append, which is a transaction: appends of other threads wait for its end. */
const APPEND_RECORDS_MAX = 1_000;
const APPEND_BYTES_MAX = 4 * 1_048_576;
const LOG_FAILED = "The log failed";

/** A broker over a log in this process. The caller keeps and closes the log. */
export function logBroker(log: Log, { cluster, onError }: LogBrokerOptions): Broker {
  let turn = 0;
  /** What a log refuses is no failure of it. */
  const tell = (error: unknown): void => {
    if (!(error instanceof LogError && error.kind === "refused")) onError(error);
  };
  const append = async (topic: string, records: readonly AppendRecord[]): Promise<ProduceResult[]> => {
    try {
      const appended = await log.append(topic, records);
      if (appended === undefined) return records.map(() => ({ status: "fatal", reason: `Topic ${topic} not found` }));
      return appended.map(resultOf);
    } catch (error) {
      tell(error);
      const failure = failureOf(error);
      return records.map(() => failure);
    }
  };
  return {
    cluster,
    async produce(records, signal) {
      const results = new Array<ProduceResult>(records.length);
      for (const [topic, places] of placesByTopic(records)) {
        if (signal?.aborted === true) for (const place of places) results[place] = UNSENT;
        else await appendPlaces(records, places, results, (accepted) => append(topic, accepted));
      }
      return results;
    },
    async read(from, { waitMs, bytesMax, recordsMax, signal }) {
      if (from.length === 0) return [];
      const action = `read ${from.length} partitions`;
      if (signal?.aborted === true) throw unavailable(action, "it was cancelled");
      const request = {
        partitions: from,
        waitMs: Math.min(waitMs, GATEWAY_LIMITS.waitMsMax),
        bytesMax: Math.min(bytesMax, GATEWAY_LIMITS.readBytesMax),
        recordsMax: Math.min(Math.max(1, recordsMax), GATEWAY_LIMITS.readRecordsMax),
      };
      try {
        const reads = await readMany(log, request, () => turn++, signal);
        return reads.flatMap((read, i): PartitionRead[] => {
          if (read instanceof LogError) throw read;
          const { topic, partition } = from[i]!;
          if (read === undefined) return [];
          const { begin, end, records } = read;
          return [{ topic, partition, begin, end, records: readRecords(records) }];
        });
      } catch (error) {
        tell(error);
        throw unavailable(action, wordsOf(error), error);
      }
    },
    async topics(names) {
      try {
        // What is remembered of topics must not hide that nobody is there any more.
        const [found] = await Promise.all([Promise.all(names.map((name) => log.topic(name))), log.ping()]);
        return found.flatMap((topic) => {
          if (topic === undefined) return [];
          return [{ name: topic.name, partitions: topic.partitions, generation: topic.id }];
        });
      } catch (error) {
        tell(error);
        throw unavailable(`read ${names.length} topics`, wordsOf(error), error);
      }
    },
  };
}

const UNSENT: ProduceResult = { status: "retryable", reason: "cancelled before it was sent" };
const NO_ANSWER: ProduceResult = { status: "unknown", reason: "The log gave no answer for the record" };

/** Places of the records, by topic and in order. */
function placesByTopic(records: readonly ProduceRecord[]): Map<string, number[]> {
  const byTopic = new Map<string, number[]>();
  for (const [place, { topic }] of records.entries()) {
    const places = byTopic.get(topic);
    if (places === undefined) byTopic.set(topic, [place]);
    else places.push(place);
  }
  return byTopic;
}

/** Appends those of the places that are not too large, in order; puts the results where the records were. */
async function appendPlaces(
  records: readonly ProduceRecord[],
  places: readonly number[],
  results: ProduceResult[],
  append: (records: readonly AppendRecord[]) => Promise<ProduceResult[]>,
): Promise<void> {
  const timestampMs = Date.now();
  let accepted: number[] = [];
  let appends: AppendRecord[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    const appended = await append(appends);
    for (const [i, place] of accepted.entries()) results[place] = appended[i] ?? NO_ANSWER;
    [accepted, appends, size] = [[], [], 0];
  };
  for (const place of places) {
    const key = records[place]!.key.toWellFormed();
    const value = records[place]!.value.toWellFormed();
    const bytes = utf8Length(key) + utf8Length(value);
    if (bytes > GATEWAY_LIMITS.recordBytesMax) {
      const reason = `The record has ${bytes} bytes, more than ${GATEWAY_LIMITS.recordBytesMax}`;
      results[place] = { status: "fatal", reason };
      continue;
    }
    if (accepted.length === APPEND_RECORDS_MAX || size + bytes > APPEND_BYTES_MAX) await flush();
    size += bytes;
    accepted.push(place);
    appends.push({ partition: null, key, value, headers: [], timestampMs, bytes });
  }
  if (accepted.length > 0) await flush();
}

function resultOf(appended: Appended | AppendFault): ProduceResult {
  if (!("fault" in appended)) return { status: "ok", partition: appended.partition, offset: appended.offset };
  const { fault, reason } = appended;
  return { status: fault === "retryable" || fault === "unknown" ? fault : "fatal", reason };
}

/** What an append that threw says of its records: where the log was not reached, or refused them, nothing was written. */
function failureOf(error: unknown): ProduceResult {
  const reason = wordsOf(error);
  if (!(error instanceof LogError)) return { status: "unknown", reason };
  return { status: error.kind === "unreachable" ? "retryable" : "fatal", reason };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Contents as brokers give them. All values share one piece of memory. */
function readRecords(records: readonly LogRecord[]): ReadRecord[] {
  const memory = new Uint8Array(records.reduce((sum, { bytes }) => sum + bytes, 0));
  let end = 0;
  const bytesOf = (content: LogRecord["value"]): Uint8Array | null => {
    if (typeof content !== "string") return content;
    const begin = end;
    const { read, written } = encoder.encodeInto(content, memory.subarray(begin));
    if (read < content.length) return encoder.encode(content);
    end += written;
    return memory.subarray(begin, end);
  };
  return records.map(({ offset, key, value }) => ({
    offset,
    key: key === null || typeof key === "string" ? key : decoder.decode(key),
    value: bytesOf(value),
  }));
}

/** What callers are told, and with them clients: what a log says of itself is meant for them, what an engine says is not. */
function wordsOf(error: unknown): string {
  return error instanceof LogError ? error.message : LOG_FAILED;
}
