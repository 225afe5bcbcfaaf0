// The Upstash REST API through its own package. The package retries every failure for 15.5 s and cannot be stopped, so
// it runs under the caller's deadline, and whatever was given up is unknown: it may still be written.

import type { Kafka } from "@upstash/kafka";
import { UNTOLD_GENERATION } from "../../domain/accounting.ts";
import type {
  Broker,
  PartitionRead,
  ProduceRecord,
  ProduceResult,
  ReadFrom,
  ReadRecord,
  ReadRequests,
} from "../../ports/broker.ts";
import type { DialectOptions, OpenDialect } from "./dialect.ts";
import { inParallel } from "./in-parallel.ts";
import { beginAtRead, skips } from "./passed-begin.ts";
import { isCount, unavailable } from "./proxy-answer.ts";
import { words } from "./proxy-call.ts";
import { inOrder } from "./rest-v2-read.ts";

/** How long an answer of `topics` counts: asking about a missing topic takes the package 15.5 s. */
const TOPICS_FRESH_MS = 10_000;
/** Characters of one produce request; a longer record goes alone. */
const PRODUCE_CHARS_MAX = 900_000;
const PRODUCE_RECORDS_MAX = 500;

const encoder = new TextEncoder();

type Consumer = ReturnType<Kafka["consumer"]>;

interface Client {
  readonly producer: ReturnType<Kafka["producer"]>;
  readonly consumer: Consumer;
  readonly admin: ReturnType<Kafka["admin"]>;
}

/** A read asks for the topics it has forgotten, where logs begin and end, records by topic, and again where logs begin. */
const UPSTASH_REQUESTS: ReadRequests = {
  topics: (count) => Math.min(count, 1),
  read: (from) => 4 + new Set(from.map(({ topic }) => topic)).size,
  report: 1,
};

/** Opens the dialect `upstash`. */
export const upstash: OpenDialect = (options) => {
  let client: Promise<Client> | undefined;
  const open = (): Promise<Client> => {
    client ??= connect(options);
    return client;
  };
  const topicsOf = topicCounts(open);
  return {
    cluster: options.cluster,
    requests: UPSTASH_REQUESTS,
    produce: (records, signal) => produce(open, topicsOf, records, signal),
    read: readFrom(open, topicsOf),
    async topics(names, signal) {
      const counts = await given(topicsOf(true), signal, `read ${names.length} topics`);
      return names.flatMap((name) => {
        const partitions = counts.get(name);
        return partitions === undefined ? [] : [{ name, partitions, generation: UNTOLD_GENERATION }];
      });
    },
    ...(options.reportGroup === undefined ? {} : { reportPosition: report(open, options.reportGroup) }),
  };
};

async function connect({ url, basic, onRequest }: DialectOptions): Promise<Client> {
  const upstashKafka = await import("@upstash/kafka");
  const kafka: Kafka = new upstashKafka.Kafka({
    url,
    username: basic?.username ?? "",
    password: basic?.password ?? "",
  });
  const told = <Made extends object>(made: Made): Made => telling(made, onRequest ?? (() => undefined));
  return { producer: told(kafka.producer()), consumer: told(kafka.consumer()), admin: told(kafka.admin()) };
}

/** Tells of each call: as they are made here, each is one request, though the package may try it again by itself. */
function telling<Made extends object>(made: Made, onRequest: () => void): Made {
  return new Proxy(made, {
    get(target, name) {
      const held: unknown = Reflect.get(target, name);
      if (typeof held !== "function") return held;
      return (...args: unknown[]) => {
        onRequest();
        return Reflect.apply(held, target, args);
      };
    },
  });
}

/** Partitions by topic. `isFresh` asks again; else an answer counts for a while. */
type TopicCounts = (isFresh: boolean) => Promise<ReadonlyMap<string, number>>;

function topicCounts(open: () => Promise<Client>): TopicCounts {
  let known: { readonly counts: ReadonlyMap<string, number>; readonly untilMs: number } | undefined;
  return async (isFresh) => {
    if (!isFresh && known !== undefined && performance.now() < known.untilMs) return known.counts;
    const counts = new Map(Object.entries(await (await open()).admin.topics()));
    known = { counts, untilMs: performance.now() + TOPICS_FRESH_MS };
    return counts;
  };
}

/** What a call gives before its signal aborts. Throws AppError `broker_unavailable`. */
async function given<Result>(work: Promise<Result>, signal: AbortSignal | undefined, action: string): Promise<Result> {
  const result = await orAborted(work, signal);
  if ("cause" in result) throw unavailable(action, words(result.cause), result.cause);
  return result.value;
}

async function orAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<{ readonly value: Result } | { readonly cause: unknown }> {
  const settled = work.then(
    (value) => ({ value }),
    (cause: unknown) => ({ cause }),
  );
  if (signal === undefined) return settled;
  let stop: () => void = () => undefined;
  const aborted = new Promise<{ cause: unknown }>((resolve) => {
    stop = () => resolve({ cause: signal.reason });
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([settled, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function produce(
  open: () => Promise<Client>,
  topicsOf: TopicCounts,
  records: readonly ProduceRecord[],
  signal: AbortSignal | undefined,
): Promise<ProduceResult[]> {
  if (records.length === 0) return [];
  const all = (status: "retryable" | "unknown", reason: string) => records.map(() => ({ status, reason }) as const);
  if (signal?.aborted === true) return all("retryable", "cancelled before it was sent");
  // Looking first keeps a record of a missing topic from holding up the others for as long as the package tries.
  const known = await orAborted(knownTopics(topicsOf, records), signal);
  if ("cause" in known) return all("retryable", `no list of topics: ${words(known.cause)}`);
  const results = new Array<ProduceResult>(records.length);
  const { producer } = await open();
  for (const chunk of chunks(records)) {
    const there = chunk.filter((i) => known.value.has(records[i]!.topic));
    for (const i of chunk) results[i] = { status: "fatal", reason: `there is no topic ${records[i]!.topic}` };
    if (there.length === 0) continue;
    const requests = there.map((i) => ({ topic: records[i]!.topic, key: records[i]!.key, value: records[i]!.value }));
    const answer = await orAborted(producer.produceMany(requests), signal);
    for (const [place, i] of there.entries()) results[i] = resultOf(answer, place, there.length);
  }
  return results;
}

async function knownTopics(topicsOf: TopicCounts, records: readonly ProduceRecord[]) {
  const counts = await topicsOf(false);
  return records.every(({ topic }) => counts.has(topic)) ? counts : topicsOf(true);
}

/** Indices of records that go in one request each. */
function chunks(records: readonly ProduceRecord[]): number[][] {
  const all: number[][] = [];
  let chars = 0;
  for (const [i, { key, value }] of records.entries()) {
    const own = key.length + value.length;
    const last = all.at(-1);
    if (last !== undefined && last.length < PRODUCE_RECORDS_MAX && chars + own <= PRODUCE_CHARS_MAX) {
      last.push(i);
      chars += own;
    } else {
      all.push([i]);
      chars = own;
    }
  }
  return all;
}

function resultOf(answer: { value: unknown } | { cause: unknown }, place: number, count: number): ProduceResult {
  // Of several attempts any but the last may have been written.
  if ("cause" in answer) return { status: "unknown", reason: `no answer: ${words(answer.cause)}` };
  const offsets = answer.value;
  if (!Array.isArray(offsets) || offsets.length !== count) {
    return { status: "unknown", reason: "the answer has another number of results" };
  }
  const { partition, offset } = (offsets[place] ?? {}) as { partition?: unknown; offset?: unknown };
  if (isCount(partition) && isCount(offset)) return { status: "ok", partition, offset };
  return { status: "unknown", reason: "no offset for the record" };
}

function readFrom(open: () => Promise<Client>, topicsOf: TopicCounts): Broker["read"] {
  return async (from, budget) => {
    if (from.length === 0) return [];
    const action = `read ${from.length} partitions`;
    return given(readAll(await open(), topicsOf, from, budget), budget.signal, action);
  };
}

async function readAll(
  { admin, consumer }: Client,
  topicsOf: TopicCounts,
  from: readonly ReadFrom[],
  budget: Parameters<Broker["read"]>[1],
): Promise<PartitionRead[]> {
  const counts = await topicsOf(false);
  const places = from.filter(({ topic, partition }) => partition < (counts.get(topic) ?? 0));
  if (places.length === 0) return [];
  const [begins, lasts] = await Promise.all([ends(admin, "earliest", places), ends(admin, "latest", places)]);
  const asked = places.map((at) => {
    const name = `${at.topic}/${at.partition}`;
    const [begin, end] = [begins.get(name) ?? null, lasts.get(name) ?? null];
    return { ...at, name, offset: Math.max(at.offset, begin ?? 0), from: at.offset, begin, end };
  });
  const behind = asked.filter(({ offset, end }) => end === null || offset < end);
  const atEnd = asked.filter(({ offset, end }) => end !== null && offset === end);
  const wanted = behind.length > 0 ? behind : budget.waitMs > 0 ? atEnd : [];
  const found = await fetchByTopic(consumer, wanted, behind.length > 0 ? 0 : budget.waitMs);
  let left = budget.recordsMax;
  const reads = asked.map((at) => {
    const records = inOrder(found.get(at.name) ?? [], at.from).slice(0, left);
    left -= records.length;
    return { ...at, records };
  });
  const skipping = reads.filter(({ offset, records }) => skips(offset, records));
  const after = skipping.length === 0 ? new Map<string, number>() : await ends(admin, "earliest", skipping);
  return reads.map(({ topic, partition, name, records, begin: before, end: known }) => {
    const [now, last] = [after.get(name), records.at(-1)];
    const begin = now === undefined ? before : beginAtRead(before ?? 0, now, records);
    const end = known === null ? null : Math.max(known, last ? last.offset + 1 : 0);
    return { topic, partition, records, begin, end };
  });
}

/** Where partitions begin or end, by topic/partition. */
async function ends(
  admin: Client["admin"],
  timestamp: "earliest" | "latest",
  places: readonly ReadFrom[],
): Promise<Map<string, number>> {
  const topicPartitions = places.map(({ topic, partition }) => ({ topic, partition }));
  const offsets = await admin.topicPartitionOffsets({ timestamp, topicPartitions });
  return new Map(offsets.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
}

/** One request answers one topic, so each topic has its own. */
async function fetchByTopic(
  consumer: Consumer,
  wanted: readonly ReadFrom[],
  timeout: number,
): Promise<Map<string, ReadRecord[]>> {
  const found = new Map<string, ReadRecord[]>();
  const groups = [...Map.groupBy(wanted, ({ topic }) => topic).values()];
  await inParallel(groups, async (places) => {
    const topicPartitionOffsets = places.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
    const messages = await consumer.fetch({ topicPartitionOffsets, timeout }, { parallel: false });
    for (const { topic, partition, offset, key, value } of messages) {
      const name = `${topic}/${partition}`;
      const bytes = value === null || value === undefined ? null : encoder.encode(value);
      found.set(name, [...(found.get(name) ?? []), { offset, key: key ?? null, value: bytes }]);
    }
  });
  return found;
}

/** The package's example commits the offset of the message it has just consumed, so the last one processed. */
function report(open: () => Promise<Client>, consumerGroupId: string): NonNullable<Broker["reportPosition"]> {
  return async (positions, signal) => {
    const offset = positions
      .filter((at) => at.offset > 0)
      .map(({ topic, partition, offset: next }) => ({ topic, partition, offset: next - 1 }));
    if (offset.length === 0) return;
    const { consumer } = await open();
    const instanceId = `tidegate-${crypto.randomUUID()}`;
    await given(consumer.commit({ consumerGroupId, instanceId, offset }), signal, "report positions");
  };
}
