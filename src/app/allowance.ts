// How many outside requests an invocation may still make, where the platform counts them. A part of a tick begins only while
// what it may need is left, so that a tick which runs out stops between two of its transactions.

/** Outside requests that are left; undefined where nobody counts them. */
export type Allowance = { left(): number } | undefined;

/** What parts need at most to begin: the queries and the transaction of one step, some of them tried again. */
export const NEEDS = {
  /** A look, a produce per topic, a transaction. */
  relay: 12,
  /** A page of members and a transaction. */
  sweepRow: 4,
  decision: 5,
  /** Topics and records. */
  read: 3,
  /** A transaction of records. */
  batch: 4,
  /** Texts, a call, the result. */
  attempt: 10,
} as const;

/** How many steps of so many requests each may begin, at most `max`. */
export function affordable(allowance: Allowance, requests: number, max: number): number {
  if (allowance === undefined) return max;
  return Math.max(0, Math.min(max, Math.floor(allowance.left() / requests)));
}
