// A read by offset through a proxy that has none: an instance is created, assigned, sent to our positions, read and
// deleted, all within one call. Nothing of it outlives the call, so a restarted proxy or another replica changes nothing.
import {
  type Broker,
  ENDS_ONLY,
  type PartitionRead,
  type ReadBudget,
  type ReadFrom,
  type ReadRecord,
} from "../../ports/broker.ts";
import { type ConsumerInstance, InstanceGone, type InstancePlace, withInstance } from "./consumer-instance.ts";
import { type CountedCall, countedCall } from "./counted-call.ts";
import type { LogEnds, ReadEnds } from "./log-ends.ts";
import { beginAtRead, skips } from "./passed-begin.ts";
import { nameOf } from "./place-name.ts";
import { fieldsOf, unavailable } from "./proxy-answer.ts";
import { inOrder, parseRecord } from "./rest-v2-read.ts";

/** How an instance is read. */
export interface ReadManner {
  /** Whether `max_bytes` cuts an answer to size; else it only makes a larger one fail, and is set as high as it goes. */
  readonly cutsAtBytes: boolean;
  /** Bytes that an answer may hold at most. */
  readonly bytesCap: number;
}

/** How long a proxy may give nothing though its log goes on, before that means something. */
const PATIENCE_MS = 2_000;
const POLL_MS = 500;
/** Requests for records of one instance. */
const POLLS_MAX = 12;
/** An instance that was lost is made anew once (case 1). */
const ATTEMPTS = 2;
/** How long a partition is left alone that gives nothing up to an end that does not move: markers of transactions. */
export const QUIET_MS = 5_000;
/** How long partitions are looked at on their own in one read. */
const LOOK_MS = 3_000;

/** An instance is made, assigned, sent to our positions, asked for records once and deleted. */
const INSTANCE_REQUESTS = 5;
/** Kept for afterwards: asking again where one partition begins that skipped records. */
const AFTER_REQUESTS = 1;
/** A partition looked at on its own, with the record behind the next: two instances that are asked twice each. */
const LOOK_REQUESTS = 2 * (INSTANCE_REQUESTS + 1);
/** Further requests for records until it is plain that nothing comes. */
const PATIENCE_REQUESTS = Math.ceil(PATIENCE_MS / POLL_MS) - 1;

/** Where the instances of one read are made, and how many requests it has left. */
type ReadPlace = InstancePlace & CountedCall;

interface Place extends ReadFrom {
  readonly end: number;
}

/** A read, and what it costs: see ReadRequests. */
export interface InstanceRead {
  readonly read: Broker["read"];
  readonly requestsOf: (from: readonly ReadFrom[]) => number;
}

/**
 * Makes the read of a dialect with consumer instances. Each partition's ends are a request, and an instance's are some. Once
 * nothing came and no request was left to look for the partition that stands still, several cost more: so fewer are read.
 */
export function instanceRead(instances: InstancePlace, ends: ReadEnds, manner: ReadManner): InstanceRead {
  let wasShort = false;
  const requestsOf = ({ length }: readonly ReadFrom[]): number =>
    length + INSTANCE_REQUESTS + AFTER_REQUESTS + (wasShort && length > 1 ? PATIENCE_REQUESTS + LOOK_REQUESTS : 0);
  const quiet = new Map<string, { readonly offset: number; readonly end: number; readonly untilMs: number }>();
  const isQuiet = (at: Place): boolean => {
    const held = quiet.get(nameOf(at));
    return held?.offset === at.offset && held.end === at.end && performance.now() < held.untilMs;
  };
  const read: Broker["read"] = async (from, budget) => {
    if (from.length === 0) return [];
    const place: ReadPlace = { ...instances, ...countedCall(instances.call, budget.requestsMax) };
    // Whether a quiet partition has grown is always asked.
    const asked = from.map((at) => (quiet.has(nameOf(at)) ? { ...at, offset: ENDS_ONLY } : at));
    const known = await ends(place.call, asked, budget.waitMs > 0, budget.signal);
    const places = from.flatMap((at): Place[] => {
      const log = known.get(nameOf(at));
      return log == null ? [] : [{ ...at, offset: Math.max(at.offset, log.begin), end: log.end }];
    });
    const behind = places.filter((at) => at.offset < at.end && !isQuiet(at));
    const atEnd = places.filter(({ offset, end }) => offset === end);
    let answers: Answers = { found: new Map(), unsaid: new Set(places.filter(isQuiet).map(nameOf)) };
    if (behind.length > 0) {
      const found = await readBehind(place, behind, budget, manner);
      for (const at of behind.filter((each) => found.unsaid.has(nameOf(each)))) {
        quiet.set(nameOf(at), { offset: at.offset, end: at.end, untilMs: performance.now() + QUIET_MS });
      }
      wasShort = found.found.size === 0 && place.left() < LOOK_REQUESTS;
      answers = { found: found.found, unsaid: new Set([...answers.unsaid, ...found.unsaid]) };
    } else if (budget.waitMs > 0 && atEnd.length > 0) {
      const { found } = await poll(place, atEnd, budget, manner, budget.waitMs);
      answers = { ...answers, found };
    }
    const logs = await logsAtRead(ends, place, places, { known, answers }, budget.signal);
    return from.flatMap((at) => readOf(at, logs.get(nameOf(at)), answers));
  };
  return { read, requestsOf };
}

/** Logs by partition: null are those of which nothing could be told, and those that are not there do not exist. */
type Known = ReadonlyMap<string, LogEnds | null>;

/**
 * The logs as they were when the records were read: where some were skipped, the beginning is asked for anew. Where it cannot
 * be, nothing counts as read: whether the records are gone, nobody knows.
 */
async function logsAtRead(
  ends: ReadEnds,
  { call, left }: ReadPlace,
  places: readonly Place[],
  { known, answers: { found } }: { readonly known: Known; readonly answers: Answers },
  signal: AbortSignal | undefined,
): Promise<Known> {
  const skipping = places.filter((at) => skips(at.offset, found.get(nameOf(at))));
  if (skipping.length === 0) return known;
  // What is remembered never counts for an offset beyond the end.
  const asked = skipping.slice(0, Math.max(0, left())).map((at) => ({ ...at, offset: ENDS_ONLY }));
  const after = await ends(call, asked, false, signal);
  const logs = new Map(known);
  for (const at of skipping.slice(asked.length)) logs.set(nameOf(at), null);
  for (const at of asked) {
    const name = nameOf(at);
    const [{ begin, end }, now] = [known.get(name)!, after.get(name)];
    if (now === undefined) logs.delete(name);
    else if (now === null) logs.set(name, null);
    else logs.set(name, { begin: beginAtRead(begin, now.begin, found.get(name)!), end });
  }
  return logs;
}

/** Records by partition, and partitions of which nobody can say what lies before their end. */
interface Answers {
  readonly found: ReadonlyMap<string, readonly ReadRecord[]>;
  readonly unsaid: ReadonlySet<string>;
}

function readOf(at: ReadFrom, log: LogEnds | null | undefined, { found, unsaid }: Answers): PartitionRead[] {
  if (log === undefined) return [];
  const { topic, partition } = at;
  if (log === null) return [{ topic, partition, records: [], begin: null, end: null }];
  const records = found.get(nameOf(at)) ?? [];
  const last = records.at(-1);
  const end = unsaid.has(nameOf(at)) ? null : Math.max(log.end, last === undefined ? 0 : last.offset + 1);
  return [{ topic, partition, records, begin: log.begin, end }];
}

/**
 * Reads partitions whose logs go on. Nothing at all is not believed at once: a record that is too large looks the same as
 * a slow broker (case 15: Confluent answers `[]` for ever), so each partition is then looked at on its own.
 */
async function readBehind(
  place: ReadPlace,
  behind: readonly Place[],
  budget: ReadBudget,
  manner: ReadManner,
): Promise<Answers> {
  const { found, isTooLarge } = await poll(place, behind, budget, manner, PATIENCE_MS);
  if (found.size > 0) return { found, unsaid: new Set() };
  const alone = new Map<string, readonly ReadRecord[]>();
  const unsaid = new Set<string>();
  const untilMs = performance.now() + LOOK_MS;
  for (const at of behind) {
    const isKnown = isTooLarge && behind.length === 1;
    if (performance.now() > untilMs || (!isKnown && place.left() < LOOK_REQUESTS)) {
      unsaid.add(nameOf(at));
      continue;
    }
    const verdict = await lookAlone(place, at, budget, manner, isKnown);
    if (verdict === "nothing") unsaid.add(nameOf(at));
    else if (verdict !== "too_large") {
      alone.set(nameOf(at), verdict);
      break;
    }
  }
  // Where something came, the others have their turn next time.
  return { found: alone, unsaid: alone.size > 0 ? new Set() : unsaid };
}

/** One partition with all the room there is: its records, or proof that the next one does not fit, or neither. */
async function lookAlone(
  place: ReadPlace,
  at: Place,
  budget: ReadBudget,
  manner: ReadManner,
  isKnownTooLarge: boolean,
): Promise<readonly ReadRecord[] | "too_large" | "nothing"> {
  if (isKnownTooLarge) return "too_large";
  const roomy = { ...budget, bytesMax: manner.bytesCap };
  const { found, isTooLarge } = await poll(place, [at], roomy, manner, POLL_MS * 2);
  const records = found.get(nameOf(at));
  if (records !== undefined) return records;
  if (isTooLarge) return "too_large";
  if (at.offset + 1 >= at.end) return "nothing";
  // If the record behind it can be read, the proxy works and it is this one that does not fit.
  const next = await poll(place, [{ ...at, offset: at.offset + 1 }], roomy, manner, POLL_MS * 2);
  return next.found.size > 0 || next.isTooLarge ? "too_large" : "nothing";
}

interface Polled {
  readonly found: Map<string, readonly ReadRecord[]>;
  readonly isTooLarge: boolean;
}

/** One instance from its creation to its end. */
async function poll(
  place: ReadPlace,
  places: readonly Place[],
  budget: ReadBudget,
  manner: ReadManner,
  patienceMs: number,
): Promise<Polled> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await withInstance(place, Math.max(POLL_MS, budget.waitMs), budget.signal, (instance) =>
        pollInstance(instance, places, budget, manner, { patienceMs, left: place.left }),
      );
    } catch (error) {
      if (!(error instanceof InstanceGone)) throw error;
      const isLast = attempt >= ATTEMPTS || place.left() < INSTANCE_REQUESTS + AFTER_REQUESTS;
      if (isLast) throw unavailable("read records", error.message, error);
    }
  }
}

async function pollInstance(
  instance: ConsumerInstance,
  places: readonly Place[],
  budget: ReadBudget,
  { cutsAtBytes, bytesCap }: ReadManner,
  { patienceMs, left }: { readonly patienceMs: number; left(): number },
): Promise<Polled> {
  await instance.assign(places, budget.signal);
  await instance.seek(places, budget.signal);
  const basket = createBasket(places, budget);
  const untilMs = performance.now() + patienceMs;
  for (let polls = 0; polls < POLLS_MAX; polls++) {
    const leftMs = untilMs - performance.now();
    // One is kept for deleting the instance.
    if (polls > 0 && (leftMs <= 0 || left() <= 1 + AFTER_REQUESTS)) break;
    const timeoutMs = Math.max(1, Math.min(leftMs, Math.max(POLL_MS, budget.waitMs)));
    const bytesMax = cutsAtBytes ? Math.min(bytesCap, Math.max(1, budget.bytesMax - basket.bytes())) : bytesCap;
    const entries = await instance.records({ timeoutMs, bytesMax }, budget.signal);
    if (entries === "too_large") return { found: basket.take(), isTooLarge: true };
    basket.put(entries);
    if (basket.isFull() || (entries.length === 0 && !basket.isEmpty()) || basket.isComplete()) break;
  }
  return { found: basket.take(), isTooLarge: false };
}

/** Collects records of the partitions asked for, and cuts them to the budget. */
function createBasket(places: readonly Place[], { recordsMax, bytesMax }: ReadBudget) {
  const held = new Map(places.map((at) => [nameOf(at), { at, records: [] as ReadRecord[], next: at.offset }]));
  let [records, bytes] = [0, 0];
  return {
    put(entries: readonly unknown[]): void {
      for (const entry of entries) {
        const { topic, partition } = fieldsOf(entry);
        const own = held.get(nameOf({ topic: String(topic), partition: Number(partition) }));
        if (own === undefined) continue;
        const record = parse(entry);
        own.records.push(record);
        own.next = Math.max(own.next, record.offset + 1);
        records++;
        bytes += (record.value?.byteLength ?? 0) + (record.key?.length ?? 0);
      }
    },
    bytes: () => bytes,
    isEmpty: () => records === 0,
    isFull: () => records >= recordsMax || bytes >= bytesMax,
    /** Whether every partition has given all that was known to be in it. */
    isComplete: () => [...held.values()].every(({ at, next }) => next >= at.end) && records > 0,
    take(): Map<string, readonly ReadRecord[]> {
      let left = recordsMax;
      return new Map(
        [...held].flatMap(([name, { at, records: all }]): [string, readonly ReadRecord[]][] => {
          const cut = inOrder(all, at.offset).slice(0, left);
          left -= cut.length;
          return cut.length === 0 ? [] : [[name, cut]];
        }),
      );
    },
  };
}

function parse(entry: unknown): ReadRecord {
  try {
    return parseRecord(entry);
  } catch (cause) {
    throw unavailable("read records", (cause as Error).message, cause);
  }
}
