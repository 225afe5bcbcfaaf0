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
const QUIET_MS = 5_000;
/** How long partitions are looked at on their own in one read. */
const LOOK_MS = 3_000;

interface Place extends ReadFrom {
  readonly end: number;
}

/** Makes the read of a dialect with consumer instances. */
export function instanceRead(place: InstancePlace, ends: ReadEnds, manner: ReadManner): Broker["read"] {
  const quiet = new Map<string, { readonly offset: number; readonly end: number; readonly untilMs: number }>();
  const isQuiet = (at: Place): boolean => {
    const held = quiet.get(nameOf(at));
    return held?.offset === at.offset && held.end === at.end && performance.now() < held.untilMs;
  };
  return async (from, budget) => {
    if (from.length === 0) return [];
    // Whether a quiet partition has grown is always asked.
    const asked = from.map((at) => (quiet.has(nameOf(at)) ? { ...at, offset: ENDS_ONLY } : at));
    const known = await ends(asked, budget.waitMs > 0, budget.signal);
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
      answers = { found: found.found, unsaid: new Set([...answers.unsaid, ...found.unsaid]) };
    } else if (budget.waitMs > 0 && atEnd.length > 0) {
      const { found } = await poll(place, atEnd, budget, manner, budget.waitMs);
      answers = { ...answers, found };
    }
    const logs = await logsAtRead(ends, places, { known, answers }, budget.signal);
    return from.flatMap((at) => readOf(at, logs.get(nameOf(at)), answers));
  };
}

/** Logs by partition: null are those of which nothing could be told, and those that are not there do not exist. */
type Known = ReadonlyMap<string, LogEnds | null>;

/** The logs as they were when the records were read: where some were skipped, the beginning is asked for anew. */
async function logsAtRead(
  ends: ReadEnds,
  places: readonly Place[],
  { known, answers: { found } }: { readonly known: Known; readonly answers: Answers },
  signal: AbortSignal | undefined,
): Promise<Known> {
  const skipping = places.filter((at) => skips(at.offset, found.get(nameOf(at))));
  if (skipping.length === 0) return known;
  // What is remembered never counts for an offset beyond the end.
  const asked = skipping.map((at) => ({ ...at, offset: ENDS_ONLY }));
  const after = await ends(asked, false, signal);
  const logs = new Map(known);
  for (const at of skipping) {
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
  place: InstancePlace,
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
    if (performance.now() > untilMs) {
      unsaid.add(nameOf(at));
      continue;
    }
    const verdict = await lookAlone(place, at, budget, manner, isTooLarge && behind.length === 1);
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
  place: InstancePlace,
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
  place: InstancePlace,
  places: readonly Place[],
  budget: ReadBudget,
  manner: ReadManner,
  patienceMs: number,
): Promise<Polled> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await withInstance(place, Math.max(POLL_MS, budget.waitMs), budget.signal, (instance) =>
        pollInstance(instance, places, budget, manner, patienceMs),
      );
    } catch (error) {
      if (!(error instanceof InstanceGone)) throw error;
      if (attempt >= ATTEMPTS) throw unavailable("read records", error.message, error);
    }
  }
}

async function pollInstance(
  instance: ConsumerInstance,
  places: readonly Place[],
  budget: ReadBudget,
  { cutsAtBytes, bytesCap }: ReadManner,
  patienceMs: number,
): Promise<Polled> {
  await instance.assign(places, budget.signal);
  await instance.seek(places, budget.signal);
  const basket = createBasket(places, budget);
  const untilMs = performance.now() + patienceMs;
  for (let polls = 0; polls < POLLS_MAX; polls++) {
    const leftMs = untilMs - performance.now();
    if (polls > 0 && leftMs <= 0) break;
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
