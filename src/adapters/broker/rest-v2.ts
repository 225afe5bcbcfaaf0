// Broker over a Kafka REST proxy of the v2 dialect, always in the binary format: a poison value cannot fail a read.
import { AppError } from "../../domain/errors.ts";
import type { Broker, ProduceResult, TopicInfo } from "../../ports/broker.ts";
import { type Fetch, type ProxyAnswer, proxyCaller } from "./proxy-call.ts";
import { type Chunk, chunksByTopic, complaint, fieldsOf, produceRequest, produceResults } from "./rest-v2-produce.ts";
import { parseRead, readRequest } from "./rest-v2-read.ts";

/** How to reach the proxy, and its bounds. */
export interface RestV2Options {
  /** Address of the proxy, with a path prefix if it has one. */
  readonly url: string;
  /** Names the cluster in position keys. */
  readonly cluster: string;
  /** The global fetch, or `app.fetch` of a gateway in this process. */
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
}

const MIB = 1024 * 1024;
const PRODUCE_RECORDS_MAX = 1_000;
const PRODUCE_BYTES_MAX = 4 * MIB;
const ANSWER_BYTES_MAX = 32 * MIB;
/** Requests of one call that are under way together: what a Worker may have open. */
const REQUESTS_MAX = 6;
const META = "application/vnd.kafka.v2+json";

/** A broker behind a REST proxy. See the Broker port for what it promises; nothing is sent before a method is called. */
export function restV2Broker(options: RestV2Options): Broker {
  const answerBytesMax = options.answerBytesMax ?? ANSWER_BYTES_MAX;
  const call = proxyCaller({ ...options, answerBytesMax });
  const bounds = {
    recordsMax: options.produceRecordsMax ?? PRODUCE_RECORDS_MAX,
    bytesMax: options.produceBytesMax ?? PRODUCE_BYTES_MAX,
  };
  const topicOf = async (name: string, signal: AbortSignal | undefined): Promise<TopicInfo | undefined> => {
    const path = `/topics/${encodeURIComponent(name)}`;
    const answer = await call({ method: "GET", path, accept: META, signal });
    // Only an answer of the dialect says that a topic is missing; any other 404 says that the address is wrong.
    if (answer.kind === "answered" && answer.status === 404) {
      if (typeof fieldsOf(answer.body).error_code === "number") return undefined;
    }
    const { partitions, topic_id } = fieldsOf(bodyOf(answer, `read topic "${name}"`));
    if (!Array.isArray(partitions)) throw unavailable(`read topic "${name}"`, "the answer has no partitions");
    return { name, partitions: partitions.length, generation: typeof topic_id === "string" ? topic_id : "0" };
  };

  return {
    cluster: options.cluster,
    async produce(records, signal) {
      const results = new Array<ProduceResult>(records.length);
      // Chunks of a topic go one after another, so that records of one key keep their order.
      const send = async ([topic, chunks]: readonly [string, readonly Chunk[]]): Promise<void> => {
        for (const { indices, body } of chunks) {
          const answer = await call(produceRequest(topic, body, signal));
          for (const [i, result] of produceResults(answer, indices.length).entries()) results[indices[i]!] = result;
        }
      };
      await inParallel([...chunksByTopic(records, bounds)], send);
      return results;
    },
    async read(from, budget) {
      if (from.length === 0) return [];
      const action = `read ${from.length} partitions`;
      // Base64 and the JSON around it take up to twice the bytes of the contents.
      const body = bodyOf(await call(readRequest(from, budget, Math.floor(answerBytesMax / 2))), action);
      try {
        return parseRead(body, from);
      } catch (cause) {
        throw unavailable(action, (cause as Error).message, cause);
      }
    },
    async topics(names, signal) {
      const found = await inParallel(names, (name) => topicOf(name, signal));
      return found.filter((topic) => topic !== undefined);
    },
  };
}

/** The body of a successful answer. Throws AppError `broker_unavailable`. */
function bodyOf(answer: ProxyAnswer, action: string): unknown {
  if (answer.kind !== "answered") throw unavailable(action, answer.reason, answer.cause);
  if (answer.status !== 200) throw unavailable(action, `proxy answered ${answer.status}${complaint(answer.body)}`);
  if (answer.body === undefined) throw unavailable(action, "proxy answered 200 with a body that cannot be read");
  return answer.body;
}

function unavailable(action: string, reason: string, cause?: unknown): AppError {
  return new AppError("broker_unavailable", `Cannot ${action}: ${reason}`, { cause });
}

/** Runs a task for every item, a bounded number at a time, and answers in order. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  task: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const pending = items.entries();
  const work = async (): Promise<void> => {
    for (const [i, item] of pending) results[i] = await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(REQUESTS_MAX, items.length) }, work));
  return results;
}
