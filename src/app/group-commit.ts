// Synchronous operations that come while a transaction is under way share the next one: where a commit costs a round trip
// or a flush, it costs about as much for many as for one. In a crowd, whoever was answered is likely to come again at once, and is
// waited for a moment; a few never wait for company.
import type { Delay } from "../ports/clock.ts";
import { type Applied, type ApplyRequest, NOTHING_APPLIED } from "./decision.ts";
import type { Engine } from "./engine.ts";
import { inHalves } from "./in-halves.ts";

/** Operations in a shared transaction; a request with more has one of its own. */
const OPERATIONS_MAX = 128;
/** Transactions under way at a time. */
const AT_ONCE = 2;
/** Requests that are a crowd: one transaction after the other then does more than two side by side. */
const CROWD = 4;
/** How long a crowd waits for those who were answered last. */
const GATHER_MS = 5;
/** How long it waits for the transaction under way, which is longer than most take: one that waits for a lock must not hold up everybody. */
const PATIENCE_MS = 80;

interface Waiting extends Pick<PromiseWithResolvers<Applied>, "resolve" | "reject"> {
  readonly request: ApplyRequest;
}

/**
 * An engine whose concurrent requests share transactions. One that cannot be applied is found by halving and fails alone.
 * What moves positions, or parks or unparks records, goes its own way.
 */
export function withGroupCommit(engine: Engine, delay: Delay): Engine {
  const waiting: Waiting[] = [];
  let underWay = 0;
  /** Requests that were there when a transaction ended last: its own, and those that waited. */
  let expected = 1;
  let started = 0;
  const start = (): void => {
    started += 1;
    underWay += 1;
    const group = takeGroup(waiting);
    void applyGroup(engine, group).finally(() => {
      underWay -= 1;
      expected = group.length + waiting.length;
      pump();
    });
  };
  let timer = { since: -1, ms: 0 };
  /** Starts one after so many milliseconds, unless another start comes first. */
  const startWithin = (ms: number): void => {
    if (timer.since === started && timer.ms <= ms) return;
    const since = started;
    timer = { since, ms };
    void delay(ms).then(() => {
      if (started !== since || waiting.length === 0) return;
      start();
      pump();
    });
  };
  /** How long those that wait may wait on; 0 is no longer. */
  const restMs = (): number => {
    if (expected < CROWD) return 0;
    if (underWay > 0) return PATIENCE_MS;
    return waiting.length < expected ? GATHER_MS : 0;
  };
  const pump = (): void => {
    while (underWay < AT_ONCE && waiting.length > 0) {
      const ms = restMs();
      if (ms > 0) {
        startWithin(ms);
        break;
      }
      start();
    }
  };
  return {
    arrival: (operation, path, countedBy) => engine.arrival(operation, path, countedBy),
    apply(request) {
      const { arrivals, advances, parked, unparking } = request;
      const isAlone = advances.length + parked.length > 0 || unparking !== undefined;
      if (isAlone || arrivals.length === 0 || arrivals.length > OPERATIONS_MAX) return engine.apply(request);
      const { promise, resolve, reject } = Promise.withResolvers<Applied>();
      waiting.push({ request, resolve, reject });
      pump();
      return promise;
    },
  };
}

/** The longest run of requests that may share a transaction. Results go by id, so no id may come from two of them. */
function takeGroup(waiting: Waiting[]): Waiting[] {
  const ids = new Set<string>();
  let taken = 0;
  for (const { request } of waiting) {
    const own = request.arrivals.map(({ operation }) => operation.id);
    if (taken > 0 && (ids.size + own.length > OPERATIONS_MAX || own.some((id) => ids.has(id)))) break;
    for (const id of own) ids.add(id);
    taken += 1;
  }
  return waiting.splice(0, taken);
}

/** Settles every member; never rejects. */
function applyGroup(engine: Engine, waiting: readonly Waiting[]): Promise<void> {
  return inHalves(waiting, async (group) => {
    const arrivals = group.flatMap(({ request }) => request.arrivals);
    const applied = await engine.apply({ arrivals, advances: [], parked: [] });
    for (const { request, resolve } of group) resolve(ownPart(applied, request));
  });
}

/** The results of a request's own operations; what the transaction counted is nobody's in particular. */
function ownPart({ results }: Applied, { arrivals }: ApplyRequest): Applied {
  const own = arrivals.flatMap(({ operation: { id } }) => {
    const result = results.get(id);
    return result === undefined ? [] : [[id, result] as const];
  });
  return { ...NOTHING_APPLIED, results: new Map(own) };
}
