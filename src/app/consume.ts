// Reads each assigned partition from our own position and applies in batches of bounded size. No correctness rests on
// the proxy: positions are ours, records below them are dropped, and a repeated record meets its ledger row.
import { generationAfter, positionKey, resetKey } from "../domain/accounting.ts";
import { asAppError } from "../domain/errors.ts";
import type { Flow } from "../flows/define.ts";
import { type Broker, NO_REQUESTS, type PartitionRead, type ReadFrom, type TopicInfo } from "../ports/broker.ts";
import type { Clock } from "../ports/clock.ts";
import type { Agenda, ParkedRow } from "../ports/database.ts";
import { type Allowance, affordable, mayRead, NEEDS } from "./allowance.ts";
import type { Advance, ApplyRequest, Arrival } from "./decision.ts";
import type { Engine } from "./engine.ts";
import type { Log } from "./log.ts";
import { type createReceive, parkedRow } from "./receive.ts";
import type { Sharing } from "./sharing.ts";
import { type RecordOrigin, spanProcess } from "./tracing.ts";
import type { Vitals } from "./vitals.ts";

/** Bounds of one tick. */
export interface TickBudget {
  /** Records to read, over all partitions. */
  readonly recordsMax: number;
  /** Bytes to read at a time. */
  readonly bytesMax: number;
  /** How long to wait for a first record when there is nothing else to do. */
  readonly waitMs: number;
  /** Which topic comes first, counted round: where a tick cannot get through all of them, none is always the last. */
  readonly first?: number;
  /** Records of a transaction; 500 unless said otherwise. */
  readonly batchMax?: number;
  /** Transactions under way together at most; 1 unless said otherwise. */
  readonly lanes?: number;
  /** Outside requests that may be made, all parts of the tick together. */
  readonly requests?: Allowance;
  /** Whether rows past their time are looked for; true unless said otherwise. */
  readonly purges?: boolean;
  readonly signal?: AbortSignal;
}

export interface ConsumeDeps {
  /** The flows this consumer reads, if only some of their topics. */
  readonly flows: readonly Flow[];
  /** The topics it reads. */
  readonly topics: readonly string[];
  readonly broker: Broker;
  readonly engine: Engine;
  readonly receive: ReturnType<typeof createReceive>;
  readonly clock: Clock;
  readonly vitals: Vitals;
  readonly log: Log;
  readonly sharing: Sharing;
}

/** What a pass over the topics did. */
export interface Consumed {
  readonly records: number;
  /** Operations met for the first time. */
  readonly first: number;
  readonly duplicate: number;
  readonly parked: number;
  readonly gap: number;
  readonly more: boolean;
}

export const NOTHING_CONSUMED: Consumed = { records: 0, first: 0, duplicate: 0, parked: 0, gap: 0, more: false };

/** Records per transaction. A backlog is worked off in batches of this size; without one they are as small as the reads. */
const BATCH_RECORDS_MAX = 500;
const TOPICS_FRESH_MS = 10_000;
/** The golden ratio: multiples of it, however far apart, come near to every place between two whole numbers. */
const GOLDEN = 0.618_033_988_749_895;
/** A record that does not fit is asked for with more room, up to this; then its coordinates are parked. */
const READ_BYTES_CAP = 16 * 1_048_576;

/** A partition with our position in it. `resets` counts how often its log was found shorter than the position. */
interface Assigned extends ReadFrom {
  readonly key: string;
  readonly resetKey: string;
  readonly resets: number;
}

/** A step of one partition: a gap, an arrival or a parked record, and where the position stands after it. */
interface Step {
  readonly assigned: Assigned;
  readonly from: number;
  readonly to: number;
  readonly gap: number;
  readonly arrival?: Arrival;
  readonly parked?: ParkedRow;
  readonly record?: { readonly origin: RecordOrigin; readonly value: Uint8Array | null };
}

export function createConsume(deps: ConsumeDeps): (budget: TickBudget, agenda: Agenda) => Promise<Consumed> {
  const topics = createTopics(deps, deps.topics);
  let bytesMax = 0;
  let passedOver = new Set<string>();
  let passed = 0;
  return async (budget, agenda) => {
    await deps.sharing.look();
    const known = await topics(budget);
    if (known === undefined) return { ...NOTHING_CONSUMED, more: true };
    const all = assign(deps, agenda, rotated(known, budget.first ?? 0));
    const alone = all.filter(({ key }) => passedOver.has(key));
    const due = alone.length > 0 ? alone : all;
    const assigned = fitting(deps.broker, due, budget, passed);
    const isCut = assigned.length < due.length;
    passed += assigned.length;
    if (assigned.length === 0) return { ...NOTHING_CONSUMED, more: isCut };
    const read = await deps.broker.read(assigned, {
      waitMs: alone.length > 0 ? 0 : budget.waitMs,
      bytesMax: Math.max(bytesMax, budget.bytesMax),
      recordsMax: budget.recordsMax,
      requestsMax: budget.requests && budget.requests.left() - NEEDS.batch,
      signal: budget.signal,
    });
    if (await resetShortened(deps, assigned, read)) return { ...NOTHING_CONSUMED, more: true };
    const empty = emptyAt(assigned, read);
    const stuck = read.some(({ records }) => records.length > 0) ? [] : empty;
    if (stuck.length > 0 && bytesMax < READ_BYTES_CAP) {
      bytesMax = Math.min(READ_BYTES_CAP, Math.max(bytesMax, budget.bytesMax) * 2);
    } else bytesMax = 0;
    // Read on their own next time: then it shows whether others took the room or the next record is too large.
    passedOver = new Set(stuck.length > 0 && bytesMax === 0 ? [] : empty.map(({ key }) => key));
    const steps = stepsOf(deps, assigned, read);
    if (stuck.length > 0 && bytesMax === 0) steps.push(...stuck.map((at) => tooLarge(deps, at)));
    const { isCutShort, ...done } = await applySteps(deps, budget, steps);
    const behind = isCutShort || alone.length > 0 || isBehind(assigned, read, steps) || (isCut && steps.length > 0);
    // Where the end is not known, nobody can say that the backlog is empty.
    const atEnd = !behind && !isCut && read.every(({ end }) => end !== null);
    if (!atEnd || steps.length === 0) noteDrained(deps, assigned, atEnd && !agenda.outbox);
    return { ...done, more: behind };
  };
}

/** Topics to consume, asked for again every ten seconds or while one is missing; undefined while they cannot be read. */
function createTopics({ broker, clock }: ConsumeDeps, names: readonly string[]) {
  let known: readonly TopicInfo[] = [];
  let freshUntilMs = 0;
  return async ({ requests, signal }: TickBudget): Promise<readonly TopicInfo[] | undefined> => {
    const isStale = clock.nowMs() >= freshUntilMs || known.length < names.length;
    if (!mayRead(broker, isStale ? names.length : 0, requests)) return undefined;
    if (isStale) {
      known = await broker.topics(names, signal);
      freshUntilMs = clock.nowMs() + TOPICS_FRESH_MS;
    }
    return known;
  };
}

function rotated<Item>(items: readonly Item[], first: number): Item[] {
  const at = items.length === 0 ? 0 : first % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

/**
 * As many partitions as can be read while a transaction is left. Where not all can, another comes first each time, behind the
 * `passed` of earlier passes: none is left out for ever, however often ticks come.
 */
function fitting(
  { requests: cost = NO_REQUESTS }: Broker,
  all: readonly Assigned[],
  { requests, first = 0 }: TickBudget,
  passed: number,
): readonly Assigned[] {
  const fits = (some: readonly Assigned[]): boolean =>
    requests === undefined || cost.read(some) + NEEDS.batch <= requests.left();
  if (fits(all)) return all;
  const some = rotated(all, passed + Math.floor(((first * GOLDEN) % 1) * all.length));
  while (some.length > 0 && !fits(some)) some.pop();
  return some;
}

/** Our positions in those partitions of these topics that are ours to read. */
function assign(
  { broker, flows, sharing }: ConsumeDeps,
  { positions }: Agenda,
  topics: readonly TopicInfo[],
): Assigned[] {
  const held = new Map(positions.map(({ key, next }) => [key, next]));
  const flowOf = new Map(flows.flatMap((flow) => flow.topics.map((topic) => [topic, flow.name])));
  return topics.flatMap(({ name: topic, partitions, generation }) =>
    Array.from({ length: partitions }, (_, partition) => partition)
      .filter((partition) => sharing.takes(flowOf.get(topic)!, topic, partition))
      .map((partition) => {
        const reset = resetKey(broker.cluster, topic, partition, generation);
        const resets = held.get(reset) ?? 0;
        const key = positionKey(broker.cluster, topic, partition, generationAfter(generation, resets));
        return { topic, partition, key, resetKey: reset, resets, offset: held.get(key) ?? 0 };
      }),
  );
}

/** A log that ends before our position is another log: a new generation starts at its beginning (core-proof #29). */
async function resetShortened(
  deps: ConsumeDeps,
  assigned: readonly Assigned[],
  read: readonly PartitionRead[],
): Promise<boolean> {
  const shortened = assigned.filter((at) => {
    const answer = answerFor(read, at);
    return answer !== undefined && answer.end !== null && answer.end < at.offset;
  });
  for (const at of shortened) {
    deps.log.reset({ topic: at.topic, partition: at.partition }, at.offset, answerFor(read, at)!.end!);
    const advance = { key: at.resetKey, from: at.resets, to: at.resets + 1, gap: 0 };
    await deps.engine.apply({ arrivals: [], advances: [advance], parked: [] });
  }
  return shortened.length > 0;
}

/** Partitions that gave nothing though there is more in them. */
function emptyAt(assigned: readonly Assigned[], read: readonly PartitionRead[]): Assigned[] {
  return assigned.filter((at) => {
    const answer = answerFor(read, at);
    return answer?.records.length === 0 && (answer.end ?? 0) > Math.max(at.offset, answer.begin ?? 0);
  });
}

function tooLarge(deps: ConsumeDeps, assigned: Assigned): Step {
  const { topic, partition, offset } = assigned;
  const origin = { topic, partition, offset };
  const refusal = { reason: "too_large", detail: `The record does not fit a read of ${READ_BYTES_CAP} bytes` } as const;
  deps.log.parked(refusal.reason, refusal.detail, origin);
  const parked = parkedRow(origin, assigned.key, null, refusal, deps.clock.nowMs());
  return { assigned, from: offset, to: offset + 1, gap: 0, parked, record: { origin, value: null } };
}

/**
 * Steps of all partitions in the order their operations were made, as far as each partition's own order allows: an
 * owner is then mostly there before its members, and few of them need a sweep.
 */
function stepsOf(deps: ConsumeDeps, assigned: readonly Assigned[], read: readonly PartitionRead[]): Step[] {
  const ordered = assigned.flatMap((at) => {
    const answer = answerFor(read, at);
    let latest = "";
    return (answer === undefined ? [] : stepsOfPartition(deps, at, answer)).map((step) => {
      const stamp = step.arrival?.operation.stamp ?? "";
      if (stamp > latest) latest = stamp;
      return { step, order: latest };
    });
  });
  return ordered.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0)).map(({ step }) => step);
}

function stepsOfPartition(deps: ConsumeDeps, at: Assigned, { records, begin }: PartitionRead): Step[] {
  const { topic, partition } = at;
  const steps: Step[] = [];
  // Only what retention removed is a gap; holes between offsets are control records or compaction.
  if (begin !== null && begin > at.offset) {
    deps.log.gap(begin - at.offset, { topic, partition });
    steps.push({ assigned: at, from: at.offset, to: begin, gap: begin - at.offset });
  }
  for (const record of records) {
    if (record.offset < at.offset) continue;
    const origin = { topic, partition, offset: record.offset };
    const received = deps.receive(record, origin, at.key);
    if ("parked" in received) deps.log.parked(received.parked.reason, received.parked.detail, origin);
    const from = steps.at(-1)?.to ?? at.offset;
    steps.push({
      assigned: at,
      from,
      to: record.offset + 1,
      gap: 0,
      record: { origin, value: record.value },
      ...received,
    });
  }
  return steps;
}

/**
 * Applies steps in transactions of bounded size: in lanes, as many as there are whole transactions for, so that one is decided
 * while another is written. A stale position ends its queue, and the next tick reads again; requests that run out, and a
 * stop, cut the pass short between two transactions.
 */
async function applySteps(
  deps: ConsumeDeps,
  { requests, signal, batchMax = BATCH_RECORDS_MAX, lanes = 1 }: TickBudget,
  steps: readonly Step[],
): Promise<Omit<Consumed, "more"> & { isCutShort: boolean }> {
  const total = { records: 0, first: 0, duplicate: 0, parked: 0, gap: 0 };
  const count = Math.max(1, Math.min(lanes, Math.floor(steps.length / batchMax)));
  const queues = queuesOf(steps, count);
  let isCutShort = false;
  const lane = async (): Promise<void> => {
    for (let queue = takeLongest(queues); queue !== undefined; queue = takeLongest(queues)) {
      isCutShort ||= signal?.aborted === true || affordable(requests, NEEDS.batch * count, 1) === 0;
      if (isCutShort) return;
      if (await applyBatch(deps, queue.splice(0, batchMax), total)) queues.add(queue);
    }
  };
  const lanesRun = Array.from({ length: count }, lane);
  // Nothing is applied behind the back of a tick that has failed.
  await Promise.allSettled(lanesRun);
  await Promise.all(lanesRun);
  return { ...total, isCutShort };
}

/** What goes in order. Partitions of one number stay together: a member is then rarely applied before its owner. */
function queuesOf(steps: readonly Step[], lanes: number): Set<Step[]> {
  const queues = Map.groupBy(steps, ({ assigned }) => (lanes === 1 ? 0 : assigned.partition));
  return new Set(queues.values());
}

/** Takes the longest queue out, so that no other lane applies it meanwhile. */
function takeLongest(queues: Set<Step[]>): Step[] | undefined {
  const [longest] = [...queues].filter(({ length }) => length > 0).sort((a, b) => b.length - a.length);
  if (longest !== undefined) queues.delete(longest);
  return longest;
}

/**
 * Applies a batch; one that fails for a reason of its own is halved until the bad record is alone, which is parked. So is
 * one that is too much for the database at a time, as far as that goes: its records are not to blame.
 */
async function applyBatch(
  deps: ConsumeDeps,
  batch: readonly Step[],
  total: { [Name in keyof Consumed]?: number },
): Promise<boolean> {
  const arrivals = batch.flatMap(({ arrival, record }) =>
    arrival === undefined || record === undefined ? [] : [{ operation: arrival.operation, origin: record.origin }],
  );
  try {
    const { stale, counts, conflicts } = await spanProcess(arrivals, () => deps.engine.apply(requestOf(batch)));
    if (stale !== null) return false;
    for (const { reason, detail, topic, partition, offset } of conflicts)
      deps.log.parked(reason, detail, { topic, partition, offset });
    const { records, first, duplicate, parked, gap } = counts;
    add(total, { records: records - gap, first, duplicate, parked, gap });
    return true;
  } catch (error) {
    const failure = asAppError(error);
    if (failure.code !== "internal" && (!failure.divisible || batch.length === 1)) throw failure;
    if (batch.length > 1) {
      const half = Math.ceil(batch.length / 2);
      return (await applyBatch(deps, batch.slice(0, half), total)) && applyBatch(deps, batch.slice(half), total);
    }
    const { arrival, ...step } = batch[0]!;
    if (step.record === undefined || step.parked !== undefined) throw failure;
    const { origin, value } = step.record;
    const refusal = { reason: "handler_failed", detail: String(failure.cause ?? failure) } as const;
    deps.log.parked(refusal.reason, refusal.detail, origin);
    const parked = parkedRow(
      origin,
      step.assigned.key,
      value,
      refusal,
      deps.clock.nowMs(),
      arrival?.operation,
      arrival?.minted,
    );
    return applyBatch(deps, [{ ...step, parked }], total);
  }
}

function requestOf(batch: readonly Step[]): ApplyRequest {
  const advances = new Map<string, Advance>();
  for (const { assigned, from, to, gap } of batch) {
    const begun = advances.get(assigned.key);
    advances.set(assigned.key, { key: assigned.key, from: begun?.from ?? from, to, gap: (begun?.gap ?? 0) + gap });
  }
  return {
    arrivals: batch.flatMap(({ arrival }) => arrival ?? []),
    advances: [...advances.values()],
    parked: batch.flatMap(({ parked, assigned }) =>
      parked === undefined ? [] : [{ row: parked, countedBy: assigned.key }],
    ),
  };
}

function add(total: { [name: string]: number | boolean | undefined }, more: { [name: string]: number }): void {
  for (const [name, count] of Object.entries(more)) total[name] = ((total[name] as number | undefined) ?? 0) + count;
}

/** Whether some partition has records beyond what these steps take; one that does not say so, when it gave some. */
function isBehind(assigned: readonly Assigned[], read: readonly PartitionRead[], steps: readonly Step[]): boolean {
  const next = new Map(steps.map((step) => [step.assigned.key, step.to]));
  return assigned.some((at) => {
    const answer = answerFor(read, at);
    if (answer?.end === null) return answer.records.length > 0;
    return (next.get(at.key) ?? at.offset) < (answer?.end ?? 0);
  });
}

/** A flow has no backlog when its topics were read to the end and nothing waits in the outbox. */
function noteDrained(deps: ConsumeDeps, assigned: readonly Assigned[], drained: boolean): void {
  for (const flow of deps.flows) {
    const exists = flow.topics.every((name) => assigned.some(({ topic }) => topic === name));
    deps.vitals.noteDrained(flow.name, exists && drained && deps.sharing.isAlone(flow.name));
  }
}

function answerFor(read: readonly PartitionRead[], at: ReadFrom): PartitionRead | undefined {
  return read.find(({ topic, partition }) => topic === at.topic && partition === at.partition);
}
