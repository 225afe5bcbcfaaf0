// Outside requests are counted by the platform, for each invocation by itself, so they are counted here as well.
import { AsyncLocalStorage } from "node:async_hooks";

/** A fetch that counts. Parts of a tick ask what is left before they begin. */
export interface CountedFetch {
  readonly fetch: (request: Request) => Promise<Response>;
  /** Counts a request that somebody else makes. */
  count(): void;
  /** The allowance of each invocation. */
  readonly total: number;
  /** What is left of the allowance of the invocation that asks. */
  left(): number;
  /** Runs an invocation with an allowance of its own: what others ask outside meanwhile counts for them. */
  within<Result>(invocation: () => Promise<Result>): Promise<Result>;
}

export function countedFetch(allowance: number, inner = (request: Request) => fetch(request)): CountedFetch {
  // By context and not by parameter: the broker and its breaker outlive invocations.
  const counts = new AsyncLocalStorage<{ made: number }>();
  const count = (): void => {
    const held = counts.getStore();
    if (held !== undefined) held.made++;
  };
  return {
    total: allowance,
    left: () => allowance - (counts.getStore()?.made ?? 0),
    within: (invocation) => counts.run({ made: 0 }, invocation),
    count,
    fetch(request) {
      count();
      return inner(request);
    },
  };
}
