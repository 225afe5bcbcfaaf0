// The parts of the v2 dialect that its proxies share, and the broker that reads without state. Always in the binary
// format: a poison value cannot fail a read.
import { UNTOLD_GENERATION } from "../../domain/accounting.ts";
import type { Broker, ProduceResult, ReadRequests, TopicInfo } from "../../ports/broker.ts";
import { inParallel } from "./in-parallel.ts";
import { createTellFailed, type TellFailed } from "./part-failures.ts";
import { bodyOf, fieldsOf, isCount, saysMissing, unavailable } from "./proxy-answer.ts";
import { type Fetch, type ProxyCall, proxyCaller } from "./proxy-call.ts";
import {
  type Chunk,
  chunksByTopic,
  type EntryReader,
  isTooLarge,
  type ProduceBounds,
  produceRequest,
  produceResults,
} from "./rest-v2-produce.ts";
import { parseRead, readRequest } from "./rest-v2-read.ts";

/** How to reach the proxy, and its bounds. */
export interface RestV2Options {
  /** Address of the proxy, with a path prefix if it has one. */
  readonly url: string;
  /** Names the cluster in position keys. */
  readonly cluster: string;
  /** How requests are sent. */
  readonly fetch: Fetch;
  /** How records are read: many partitions by offset in one request. */
  readonly read: "stateless";
  readonly headers?: Readonly<Record<string, string>>;
  /** Records of one produce request. Default 1,000. */
  readonly produceRecordsMax?: number;
  /** Bytes of one produce request's body; a single larger record is still sent. Default 4 MiB. */
  readonly produceBytesMax?: number;
  /** Bytes of an answer that are read before it is given up. Default 32 MiB. */
  readonly answerBytesMax?: number;
  /** See DialectOptions. */
  readonly onFailed?: ((error: unknown) => void) | undefined;
}

const MIB = 1024 * 1024;
/** Bounds of one produce request where a dialect has no narrower ones. */
export const PRODUCE_BOUNDS: ProduceBounds = { recordsMax: 1_000, bytesMax: 4 * MIB };
/** Bytes of an answer that are read before it is given up. */
export const ANSWER_BYTES_MAX = 32 * MIB;
const META = "application/vnd.kafka.v2+json";

/** However many topics and partitions there are. */
const STATELESS_REQUESTS: ReadRequests = { topics: (count) => Math.min(count, 1), read: () => 1, report: 0 };

/** A broker behind a REST proxy. See the Broker port for what it promises; nothing is sent before a method is called. */
export function restV2Broker(options: RestV2Options): Broker {
  const answerBytesMax = options.answerBytesMax ?? ANSWER_BYTES_MAX;
  const call = proxyCaller({ ...options, answerBytesMax });
  return {
    cluster: options.cluster,
    requests: STATELESS_REQUESTS,
    produce: restV2Produce(call, {
      recordsMax: options.produceRecordsMax ?? PRODUCE_BOUNDS.recordsMax,
      bytesMax: options.produceBytesMax ?? PRODUCE_BOUNDS.bytesMax,
    }),
    // Base64 and the JSON around it take up to twice the bytes of the contents.
    read: statelessRead(call, Math.floor(answerBytesMax / 2), createTellFailed(options.onFailed)),
    topics: statelessTopics(call),
  };
}

/** Produces one request per topic and chunk. `readEntries` is for a proxy that does not answer an entry for each record. */
export function restV2Produce(call: ProxyCall, bounds: ProduceBounds, readEntries?: EntryReader): Broker["produce"] {
  return (records, signal) =>
    produceByTopic(chunksByTopic(records, bounds), records.length, async (topic, { body, indices }) => {
      const answer = await call(produceRequest(topic, body, signal));
      return isTooLarge(answer, indices.length) ? TOO_LARGE : produceResults(answer, indices.length, readEntries);
    });
}

/** In place of results: the request was too large, see isTooLarge. */
export const TOO_LARGE = "too_large";

/** Sends the chunks of every topic, in halves where one is too large, and puts the results where their records were. */
export async function produceByTopic(
  byTopic: ReadonlyMap<string, readonly Chunk[]>,
  count: number,
  send: (topic: string, chunk: Chunk) => Promise<ProduceResult[] | typeof TOO_LARGE>,
): Promise<ProduceResult[]> {
  const results = new Array<ProduceResult>(count);
  // Chunks of a topic go one after another, so that records of one key keep their order.
  const sendAll = async (topic: string, chunks: readonly Chunk[]): Promise<void> => {
    for (const chunk of chunks) {
      const answers = await send(topic, chunk);
      if (answers === TOO_LARGE) await sendAll(topic, chunk.halves());
      else for (const [i, result] of answers.entries()) results[chunk.indices[i]!] = result;
    }
  };
  await inParallel([...byTopic], ([topic, chunks]) => sendAll(topic, chunks));
  return results;
}

/** Topics, one request each. */
export function restV2Topics(call: ProxyCall): Broker["topics"] {
  const topicOf = async (name: string, signal: AbortSignal | undefined): Promise<TopicInfo | undefined> => {
    const path = `/topics/${encodeURIComponent(name)}`;
    const answer = await call({ method: "GET", path, accept: META, signal });
    if (saysMissing(answer)) return undefined;
    const { partitions, topic_id } = fieldsOf(bodyOf(answer, `read topic "${name}"`));
    if (!Array.isArray(partitions)) throw unavailable(`read topic "${name}"`, "the answer has no partitions");
    return {
      name,
      partitions: partitions.length,
      generation: typeof topic_id === "string" ? topic_id : UNTOLD_GENERATION,
    };
  };
  return async (names, signal) => {
    const found = await inParallel(names, (name) => topicOf(name, signal));
    return found.filter((topic) => topic !== undefined);
  };
}

/** All topics in one request. */
function statelessTopics(call: ProxyCall): Broker["topics"] {
  return async (names, signal) => {
    const action = `read ${names.length} topics`;
    const query = names.map((name) => `topic=${encodeURIComponent(name)}`).join("&");
    const body = bodyOf(await call({ method: "GET", path: `/partitions?${query}`, accept: META, signal }), action);
    const { topics } = fieldsOf(body);
    if (!Array.isArray(topics)) throw unavailable(action, "the answer has no topics");
    const found = new Map(topics.map((topic: unknown) => [fieldsOf(topic).name, fieldsOf(topic)]));
    return names.flatMap((name): TopicInfo[] => {
      const { partitions, topic_id } = found.get(name) ?? {};
      if (!found.has(name)) return [];
      if (!isCount(partitions) || typeof topic_id !== "string") {
        throw unavailable(action, `the answer does not describe topic "${name}"`);
      }
      return [{ name, partitions, generation: topic_id }];
    });
  };
}

function statelessRead(call: ProxyCall, bytesMax: number, tell: TellFailed): Broker["read"] {
  return async (from, budget) => {
    if (from.length === 0) return [];
    const action = `read ${from.length} partitions`;
    const body = bodyOf(await call(readRequest(from, budget, bytesMax)), action);
    try {
      return parseRead(body, from, tell);
    } catch (cause) {
      throw unavailable(action, (cause as Error).message, cause);
    }
  };
}
