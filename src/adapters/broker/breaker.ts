// Stops asking a broker that keeps failing, so that callers learn at once that it is down.
import { type CircuitBreakerPolicy, CircuitState, circuitBreaker, handleAll, isBrokenCircuitError } from "cockatiel";
import { AppError } from "../../domain/errors.ts";
import type { Broker, ProduceRecord, ProduceResult } from "../../ports/broker.ts";

/** When the breaker opens, and for how long. */
export interface BreakerOptions {
  /** Failures in a row that open it; produces are counted apart from reads and topics. Default 5. */
  readonly failuresMax?: number;
  /** How long it stays open before one call may try again. Default 5,000. */
  readonly openMs?: number;
  /** After so long a call that tries again has failed, should it never end. Default: it is waited for. */
  readonly tryMsMax?: number;
}

/** `half-open` while the one call that tries again is under way. */
export type BreakerState = "closed" | "open" | "half-open";

/**
 * What is known of one broker: counts, times and the last failure. Several decorated ones may share it, also where each
 * belongs to a request of a Worker, whose promises no other request may wait for: nobody ever waits here for the call that
 * tries again, and should that call's request be ended before it, `tryMsMax` ends it.
 */
export interface Breaker {
  readonly failures: Failures;
  /** The policy that holds now; to be asked anew after every wait. */
  policy(): CircuitBreakerPolicy;
}

/** A broker with a breaker. */
export interface BreakingBroker extends Broker {
  state(): BreakerState;
}

const FAILURES_MAX = 5;
const OPEN_MS = 5_000;
const OPEN = "breaker open";

/** A closed breaker. */
export function createBreaker(options: BreakerOptions = {}): Breaker {
  const { failuresMax = FAILURES_MAX, openMs = OPEN_MS, tryMsMax = Number.POSITIVE_INFINITY } = options;
  const failures: Failures = { produce: 0, read: 0 };
  let triedMs = 0;
  const make = (initialState?: unknown): CircuitBreakerPolicy => {
    const policy = circuitBreaker(
      handleAll.orWhenResult((result) => (result as { failed?: boolean }).failed === true),
      {
        halfOpenAfter: openMs,
        // Successful reads must not hide that nothing can be produced, which one count for both would do.
        breaker: { state: 0, success() {}, failure: () => Math.max(failures.produce, failures.read) >= failuresMax },
        initialState,
      },
    );
    policy.onReset(() => Object.assign(failures, { produce: 0, read: 0 }));
    policy.onHalfOpen(() => {
      triedMs = Date.now();
    });
    return policy;
  };
  let policy = make();
  return {
    failures,
    policy() {
      // What a half-open policy writes down of itself is open, with its time over: the next call tries.
      if (policy.state === CircuitState.HalfOpen && Date.now() - triedMs > tryMsMax) policy = make(policy.toJSON());
      return policy;
    },
  };
}

/**
 * A broker that is not called while the breaker is open: produce answers `retryable` at once, reads and topics throw
 * AppError `broker_unavailable`. Failures are produces of which every record is unknown or retryable, and calls that
 * throw; what the caller itself cancelled is none. After `openMs` a single call is let through and decides; a read that
 * does so does not wait for records.
 */
export function withBreaker(broker: Broker, breaker: Breaker = createBreaker()): BreakingBroker {
  const { failures } = breaker;
  const guardedRead = readGuard(breaker);

  return {
    cluster: broker.cluster,
    requests: broker.requests,
    state: () => stateOf(breaker.policy().state),
    async produce(records, signal) {
      if (records.length === 0) return [];
      const policy = breaker.policy();
      if (policy.state === CircuitState.Closed) {
        const answer = await broker.produce(records, signal);
        const failed = isNothing(answer);
        if (!failed) failures.produce = 0;
        // Cancelling is no fault of the broker; and what comes back when the breaker has opened must not try for others.
        else if (signal?.aborted !== true && breaker.policy().state === CircuitState.Closed) {
          failures.produce++;
          await breaker.policy().execute(async () => ({ failed }));
        }
        return answer;
      }
      if (policy.state === CircuitState.HalfOpen) return refused(records);
      try {
        // A cancelled try has not shown that the broker is back, so it counts.
        const { answer } = await policy.execute(async () => {
          const answer = await broker.produce(records, signal);
          return { answer, failed: isNothing(answer) };
        });
        return answer;
      } catch (error) {
        if (isBrokenCircuitError(error)) return refused(records);
        throw error;
      }
    },
    read(from, budget) {
      return guardedRead(`read ${from.length} partitions`, budget.signal, (trying) =>
        broker.read(from, trying ? { ...budget, waitMs: 0 } : budget),
      );
    },
    topics(names, signal) {
      return guardedRead(`read ${names.length} topics`, signal, () => broker.topics(names, signal));
    },
  };
}

function refused(records: readonly ProduceRecord[]): ProduceResult[] {
  return records.map(() => ({ status: "retryable", reason: OPEN }));
}

/** Whether no record got anywhere. */
function isNothing(answer: readonly ProduceResult[]): boolean {
  return answer.every(({ status }) => status === "unknown" || status === "retryable");
}

interface Failures {
  produce: number;
  read: number;
}

/** Runs reads through the breaker; `trying` tells one that it is the call that finds out whether the broker is back. */
function readGuard(breaker: Breaker) {
  const { failures } = breaker;
  const watchedRead = async <Result>(signal: AbortSignal | undefined, work: () => Promise<Result>): Promise<Result> => {
    try {
      const result = await work();
      failures.read = 0;
      return result;
    } catch (error) {
      if (signal?.aborted !== true && breaker.policy().state === CircuitState.Closed) {
        failures.read++;
        await breaker
          .policy()
          .execute(() => Promise.reject(error))
          .catch(() => {});
      }
      throw error;
    }
  };
  return async <Result>(
    action: string,
    signal: AbortSignal | undefined,
    work: (trying: boolean) => Promise<Result>,
  ): Promise<Result> => {
    const policy = breaker.policy();
    if (policy.state === CircuitState.Closed) return watchedRead(signal, () => work(false));
    const refuse = () => new AppError("broker_unavailable", `Cannot ${action}: ${OPEN}`);
    // The policy would let further calls wait for the outcome of the one that tries.
    if (policy.state === CircuitState.HalfOpen) throw refuse();
    try {
      return (await policy.execute(async () => ({ result: await work(true) }))).result;
    } catch (error) {
      throw isBrokenCircuitError(error) ? refuse() : error;
    }
  };
}

function stateOf(state: CircuitState): BreakerState {
  if (state === CircuitState.Closed) return "closed";
  return state === CircuitState.HalfOpen ? "half-open" : "open";
}
