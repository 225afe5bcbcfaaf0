// The requests of one read, which may make only so many where the platform counts them.
import type { ProxyCall } from "./proxy-call.ts";

/** Calls a proxy, and knows how many calls are left. */
export interface CountedCall {
  readonly call: ProxyCall;
  left(): number;
}

/** A call of which at most `max` are to be made: whoever makes them looks at what is left. Without `max` it never ends. */
export function countedCall(call: ProxyCall, max = Number.POSITIVE_INFINITY): CountedCall {
  let made = 0;
  return {
    call(request) {
      made++;
      return call(request);
    },
    left: () => max - made,
  };
}
