// Redpanda's HTTP proxy: a read by offset of one partition at a time, no ends and no list of partitions. READ IN SOURCE
// (src/v/pandaproxy), never run here.
import { UNTOLD_GENERATION } from "../../domain/accounting.ts";
import { AppError } from "../../domain/errors.ts";
import {
  type Broker,
  ENDS_ONLY,
  type PartitionRead,
  type ReadBudget,
  type ReadFrom,
  type ReadRecord,
  type ReadRequests,
  type TopicInfo,
} from "../../ports/broker.ts";
import { type CountedCall, countedCall } from "./counted-call.ts";
import { type DialectOptions, type OpenDialect, READ_MS } from "./dialect.ts";
import { createEachPlace, createTellFailed, type EachPlace, type TellFailed } from "./part-failures.ts";
import { nameOf } from "./place-name.ts";
import { bodyOf, complaint, fieldsOf, saysMissing, unavailable } from "./proxy-answer.ts";
import { type ProxyAnswer, type ProxyCall, proxyCaller } from "./proxy-call.ts";
import {
  LOOK_REQUESTS,
  REPORT_REQUESTS,
  type SeenOffsets,
  seenOffsets,
  subscribedReport,
} from "./redpanda-instance.ts";
import { REDPANDA_BOUNDS, resultsByPartition } from "./redpanda-produce.ts";
import { ANSWER_BYTES_MAX, restV2Produce } from "./rest-v2.ts";
import { inOrder, parseRecord } from "./rest-v2-read.ts";

const META = "application/vnd.kafka.v2+json";
const BINARY = "application/vnd.kafka.binary.v2+json";
/** How long one partition may wait; the waiting of a whole read is a loop over all of them. */
const FETCH_MS = 20;
/** The part of a read's deadline that one partition may take; its records have to fit into it, not the waiting alone. */
const FETCH_PART = 1 / 2;
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 400;
/** How often a partition is looked at that has lost our position and holds nothing: the others wait for the look. */
export const LOOK_EVERY_MS = 30_000;
const OUT_OF_RANGE = /out[ _]of[ _]range/i;

/** Room for one look at what lost its position is always kept. */
const REDPANDA_REQUESTS: ReadRequests = {
  topics: (count) => Math.min(count, 1),
  read: ({ length }) => length + LOOK_REQUESTS,
  report: REPORT_REQUESTS,
};

/** Opens the dialect `redpanda`. */
export const redpanda: OpenDialect = (options) => {
  const call = proxyCaller({ ...options, answerBytesMax: ANSWER_BYTES_MAX });
  const broker: Broker = {
    cluster: options.cluster,
    requests: REDPANDA_REQUESTS,
    produce: restV2Produce(call, REDPANDA_BOUNDS, resultsByPartition),
    read: redpandaRead(call, createTellFailed(options.onFailed), options.readMs ?? READ_MS),
    topics: namedTopics(call, options),
  };
  const { reportGroup } = options;
  return reportGroup === undefined ? broker : { ...broker, reportPosition: subscribedReport(call, reportGroup) };
};

/** The proxy lists names alone; how many partitions there are comes from the configuration. */
function namedTopics(call: ProxyCall, { partitions }: DialectOptions): Broker["topics"] {
  return async (names, signal): Promise<TopicInfo[]> => {
    if (names.length === 0) return [];
    const action = `read topic "${names[0]}"`;
    const body = bodyOf(await call({ method: "GET", path: "/topics", accept: META, signal }), action);
    if (!Array.isArray(body)) throw unavailable(action, "the answer is no list of topics");
    const known = new Set(body);
    return names.filter((name) => known.has(name)).map((name) => ({ name, partitions, generation: UNTOLD_GENERATION }));
  };
}

function redpandaRead(call: ProxyCall, tell: TellFailed, readMs: number): Broker["read"] {
  const beginnings = createBeginnings(tell, readMs);
  const eachPlace = createEachPlace(tell, readMs * FETCH_PART);
  return async (from, budget) => {
    const untilMs = performance.now() + budget.waitMs;
    const counted = countedCall(call, budget.requestsMax);
    let pauseMs = PAUSE_MS_MIN;
    for (;;) {
      const { reads, lost } = await pass(counted.call, eachPlace, from, budget);
      if (lost.length > 0) return [...reads, ...(await beginnings(counted, lost, budget.signal))];
      const leftMs = untilMs - performance.now();
      const isLast = leftMs <= 0 || counted.left() < REDPANDA_REQUESTS.read(from);
      if (isLast || reads.length === 0 || reads.some(({ records }) => records.length > 0)) return reads;
      await pause(Math.min(pauseMs, leftMs), budget.signal);
      pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
    }
  };
}

const notTold = ({ topic, partition }: ReadFrom, records: readonly ReadRecord[] = []): PartitionRead => {
  return { topic, partition, records, begin: null, end: null };
};

/** One request for each partition. Every partition gets the same share of the bytes; records beyond the budget are let go. */
async function pass(
  call: ProxyCall,
  eachPlace: EachPlace,
  from: readonly ReadFrom[],
  budget: ReadBudget,
): Promise<{ reads: PartitionRead[]; lost: ReadFrom[] }> {
  const bytesMax = Math.max(1, Math.floor(budget.bytesMax / Math.max(1, from.length)));
  const wanted = from.filter(({ offset }) => offset !== ENDS_ONLY);
  const answers = await eachPlace(wanted, budget.signal, (at, signal) => fetchOne(call, at, bytesMax, signal));
  let left = budget.recordsMax;
  const reads = from.filter(({ offset }) => offset === ENDS_ONLY).map((at) => notTold(at));
  const lost: ReadFrom[] = [];
  for (const [i, at] of wanted.entries()) {
    const records = answers[i] ?? [];
    if (records === "missing") continue;
    if (records === "out_of_range") {
      lost.push(at);
      continue;
    }
    const cut = inOrder(records, at.offset).slice(0, left);
    left -= cut.length;
    reads.push(notTold(at, cut));
  }
  return { reads, lost };
}

/**
 * What is known of partitions whose position is not in their log: retention has passed it, or the log is another one
 * (case 17). Only a consumer that starts at the earliest record shows which; one without records shows nothing yet. A look
 * that fails shows nothing either, and must not cost what the other partitions gave.
 */
function createBeginnings(tell: TellFailed, readMs: number) {
  const lookedUntilMs = new Map<string, number>();
  const look = (counted: CountedCall, due: readonly ReadFrom[], signal: AbortSignal | undefined) =>
    seenOffsets(counted, due, readMs, signal).catch((error: unknown) => {
      for (const at of due) tell(at, error);
      return new Map<string, SeenOffsets>();
    });
  return async (
    counted: CountedCall,
    lost: readonly ReadFrom[],
    signal: AbortSignal | undefined,
  ): Promise<PartitionRead[]> => {
    const nowMs = performance.now();
    const due = lost.filter((at) => (lookedUntilMs.get(nameOf(at)) ?? 0) <= nowMs);
    const seen = due.length === 0 ? new Map<string, SeenOffsets>() : await look(counted, due, signal);
    const lookAgainMs = performance.now() + LOOK_EVERY_MS;
    return lost.map((at) => {
      const { topic, partition, offset } = at;
      const range = seen.get(nameOf(at));
      if (range === undefined) {
        if (due.includes(at)) lookedUntilMs.set(nameOf(at), lookAgainMs);
        return notTold(at);
      }
      // Beyond the position: a gap up to there. Before it: the log ends before the position, behind what was seen.
      if (range.first > offset) return { topic, partition, records: [], begin: range.first, end: null };
      return { topic, partition, records: [], begin: range.first, end: Math.min(range.last + 1, offset - 1) };
    });
  };
}

async function fetchOne(
  call: ProxyCall,
  { topic, partition, offset }: ReadFrom,
  bytesMax: number,
  signal: AbortSignal,
): Promise<readonly ReadRecord[] | "missing" | "out_of_range"> {
  const action = `read ${topic}/${partition}`;
  const query = `?offset=${offset}&timeout=${FETCH_MS}&max_bytes=${bytesMax}`;
  const path = `/topics/${encodeURIComponent(topic)}/partitions/${partition}/records${query}`;
  const answer = await call({ method: "GET", path, accept: BINARY, signal });
  if (saysMissing(answer)) return "missing";
  if (isOutOfRange(answer)) return "out_of_range";
  const body = bodyOf(answer, action);
  if (!Array.isArray(body)) throw unavailable(action, "the answer has no records");
  try {
    return body.map(parseRecord);
  } catch (cause) {
    throw unavailable(action, (cause as Error).message, cause);
  }
}

function isOutOfRange(answer: ProxyAnswer): boolean {
  if (answer.kind !== "answered" || answer.status === 200) return false;
  const { error_code, message } = fieldsOf(answer.body);
  return OUT_OF_RANGE.test(`${complaint({ message })} ${String(error_code)}`);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new AppError("broker_unavailable", "Cannot read records: cancelled"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
