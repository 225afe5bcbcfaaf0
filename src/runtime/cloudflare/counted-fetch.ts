// Outside requests are counted by the platform, so they are counted here as well.

/** A fetch that counts. Parts of a tick ask what is left before they begin. */
export interface CountedFetch {
  readonly fetch: (request: Request) => Promise<Response>;
  /** What is left of the allowance since the last tick began. */
  left(): number;
  /** A tick begins. */
  renew(): void;
}

export function countedFetch(allowance: number, inner = (request: Request) => fetch(request)): CountedFetch {
  let made = 0;
  return {
    left: () => allowance - made,
    renew() {
      made = 0;
    },
    fetch(request) {
      made++;
      return inner(request);
    },
  };
}
