// The calls in flight on one driver. A driver that is closed leaves them without an answer for ever, so they end with it.
import { GraphFailure } from "./failure.ts";

export interface Calls {
  /** Waits for `work` as long as it may take. Throws GraphFailure `late` then, or what ended the calls. */
  within<Result>(work: Promise<Result>): Promise<Result>;
  /** Fails every call in flight, and every one that is still to come. */
  end(failure: GraphFailure): void;
  /** Nothing that is asked will be answered any more. */
  isEnded(): boolean;
}

/** Calls that may take `msMax`; `onLate` is told of each that takes longer. */
export function createCalls(msMax: number, onLate: () => void): Calls {
  const inFlight = new Set<(failure: GraphFailure) => void>();
  let ended: GraphFailure | undefined;
  return {
    async within(work) {
      const { promise, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        reject(new GraphFailure("late", `no answer within ${msMax} ms`));
        onLate();
      }, msMax);
      inFlight.add(reject);
      if (ended !== undefined) reject(ended);
      try {
        return await Promise.race([promise, work]);
      } finally {
        clearTimeout(timer);
        inFlight.delete(reject);
        work.catch(() => undefined);
      }
    },
    end(failure) {
      ended = failure;
      for (const reject of inFlight) reject(failure);
    },
    isEnded: () => ended !== undefined,
  };
}
