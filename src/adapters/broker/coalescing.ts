// Merges produces that come at the same time into few requests: what makes a proxy keep up with single operations.
import type { Broker, ProduceRecord, ProduceResult } from "../../ports/broker.ts";
import { sharedTimer } from "./shared-timer.ts";

/** Bounds of one merged produce. */
export interface CoalescingOptions {
  /** Records of one merged produce; a single call with more goes out alone. Default 500. */
  readonly recordsMax?: number;
  /** Characters of keys and values of one merged produce; a single larger call goes out alone. Default 1 Mi. */
  readonly bytesMax?: number;
  /** How long a call waits for company at most. Default 2. */
  readonly lingerMs?: number;
  /**
   * Merged produces that are under way together; twice as many when they are half full, and company would save little.
   * Default 2.
   */
  readonly inFlightMax?: number;
  /** How long a call may take, waiting for company and for its turn included. Default: as long as the broker takes. */
  readonly deadlineMs?: number;
}

const DEFAULTS = { recordsMax: 500, bytesMax: 1024 * 1024, lingerMs: 2, inFlightMax: 2 };

interface Call {
  readonly records: readonly ProduceRecord[];
  readonly size: number;
  /** Whether it may be given up: it has a signal or a deadline. */
  readonly isBounded: boolean;
  readonly settle: (results: ProduceResult[]) => void;
  /** Told that it was given up after it went out. */
  onGivenUp?: () => void;
}

/**
 * A broker whose concurrent produces share requests. A call's records stay together and in order, and calls go out in
 * the order they came. With nothing under way a call goes out at the end of the event loop's turn; after calls that had company, at the end
 * of the first turn that brings no more. A call that is cancelled, or late, before it went out is `retryable`; one that is
 * late afterwards is `unknown`. What went out is aborted once all its calls were given up. All else passes through.
 */
export function withCoalescing(broker: Broker, options: CoalescingOptions = {}): Broker {
  const { recordsMax, bytesMax, lingerMs, inFlightMax } = { ...DEFAULTS, ...options };
  const { deadlineMs } = options;
  const beginWait = deadlineMs === undefined ? undefined : sharedTimer(deadlineMs);
  const queue = callQueue(recordsMax, bytesMax);
  let inFlight = 0;
  let cancelFlush: (() => void) | undefined;
  let lingering = false;
  let hadCompany = false;

  const flush = (): void => {
    cancelFlush = undefined;
    const calls = queue.take();
    if (calls.length === 0) return;
    hadCompany = calls.length > 1;
    inFlight++;
    send(broker, calls).finally(() => {
      inFlight--;
      plan(true);
    });
    plan(false);
  };
  /** `now`: do not wait for company any longer than the turn of the event loop. */
  const plan = (now: boolean): void => {
    const isWorthwhile = queue.isHalfFull();
    if (queue.isEmpty() || inFlight >= (isWorthwhile ? 2 * inFlightMax : inFlightMax)) return;
    const soon = now || inFlight === 0 || isWorthwhile;
    if (cancelFlush !== undefined && !(soon && lingering)) return;
    cancelFlush?.();
    lingering = !soon;
    if (!soon) cancelFlush = after(lingerMs, flush);
    else cancelFlush = hadCompany && !now ? onceQuiet() : atEndOfTurn(flush);
  };
  /** Flushes at the end of the first turn that brought no further call, `lingerMs` from now at the latest. */
  const onceQuiet = (): (() => void) => {
    const began = performance.now();
    let seen = queue.size();
    const look = (): void => {
      const grown = queue.size() > seen && !queue.isHalfFull() && performance.now() - began < lingerMs;
      seen = queue.size();
      if (grown) cancel = atEndOfTurn(look);
      else flush();
    };
    let cancel = atEndOfTurn(look);
    return () => cancel();
  };

  return {
    cluster: broker.cluster,
    requests: broker.requests,
    ...(broker.reportPosition === undefined ? {} : { reportPosition: broker.reportPosition }),
    produce(records, signal) {
      if (records.length === 0) return Promise.resolve([]);
      if (signal?.aborted === true) return Promise.resolve(unsent(records));
      return new Promise((resolve) => {
        const settle = (results: ProduceResult[]): void => {
          endWait?.();
          signal?.removeEventListener("abort", giveUp);
          resolve(results);
        };
        /** Whether it had not gone out. */
        const giveUp = (): boolean => {
          const isUnsent = queue.drop(call);
          if (isUnsent) settle(unsent(records));
          else call.onGivenUp?.();
          return isUnsent;
        };
        const endWait = beginWait?.(() => {
          if (giveUp()) return;
          settle(records.map(() => ({ status: "unknown", reason: `no answer within ${deadlineMs} ms` })));
        });
        const isBounded = signal !== undefined || deadlineMs !== undefined;
        const call: Call = { records, size: sizeOf(records), isBounded, settle };
        signal?.addEventListener("abort", giveUp, { once: true });
        queue.add(call);
        plan(false);
      });
    },
    read: (from, budget) => broker.read(from, budget),
    topics: (names, signal) => broker.topics(names, signal),
  };
}

/** Calls that wait, in the order they came. */
function callQueue(recordsMax: number, bytesMax: number) {
  const waiting: Call[] = [];
  const queued = { records: 0, size: 0 };
  const add = (call: Call): void => {
    waiting.push(call);
    queued.records += call.records.length;
    queued.size += call.size;
  };
  const remove = (at: number, count: number): Call[] => {
    const calls = waiting.splice(at, count);
    for (const call of calls) {
      queued.records -= call.records.length;
      queued.size -= call.size;
    }
    return calls;
  };
  const take = (): Call[] => {
    let [count, records, size] = [0, 0, 0];
    for (const call of waiting) {
      records += call.records.length;
      size += call.size;
      if (count > 0 && (records > recordsMax || size > bytesMax)) break;
      count++;
    }
    return remove(0, count);
  };
  return {
    add,
    /** The calls of the next request: as many as fit, at least one. */
    take,
    /** Takes a call out; false when it has gone already. */
    drop(call: Call): boolean {
      const at = waiting.indexOf(call);
      return at !== -1 && remove(at, 1).length === 1;
    },
    isEmpty: () => waiting.length === 0,
    size: () => waiting.length,
    /** Whether what waits fills half a request. */
    isHalfFull: () => 2 * queued.records >= recordsMax || 2 * queued.size >= bytesMax,
  };
}

/** Produces the records of several calls as one and gives each call its own results. */
async function send(broker: Broker, calls: readonly Call[]): Promise<void> {
  const records = calls.flatMap((call) => call.records);
  let results: ProduceResult[];
  try {
    results = await broker.produce(records, allGivenUp(calls));
  } catch (error) {
    results = records.map(() => ({ status: "unknown", reason: String(error) }));
  }
  let from = 0;
  for (const call of calls) {
    const to = from + call.records.length;
    call.settle(results.slice(from, to));
    from = to;
  }
}

function unsent(records: readonly ProduceRecord[]): ProduceResult[] {
  return records.map(() => ({ status: "retryable", reason: "cancelled before it was sent" }));
}

/** A signal that aborts when every call was given up; one that cannot be waits for ever. */
function allGivenUp(calls: readonly Call[]): AbortSignal | undefined {
  if (!calls.every(({ isBounded }) => isBounded)) return undefined;
  const controller = new AbortController();
  let waiting = calls.length;
  const leave = (): void => {
    waiting -= 1;
    if (waiting === 0) controller.abort();
  };
  for (const call of calls) call.onGivenUp = leave;
  return controller.signal;
}

function sizeOf(records: readonly ProduceRecord[]): number {
  return records.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** Node's setImmediate runs once everything that arrived together has been looked at; elsewhere a timer comes closest. */
function atEndOfTurn(run: () => void): () => void {
  if (typeof setImmediate !== "function") return after(0, run);
  const immediate = setImmediate(run);
  return () => clearImmediate(immediate);
}
