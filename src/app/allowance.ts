// How many outside requests an invocation may still make, where the platform counts them. A part of a tick begins only while
// what it may need is left, so that a tick which runs out stops between two of its transactions.
import { AppError } from "../domain/errors.ts";
import { type Broker, NO_REQUESTS } from "../ports/broker.ts";

/** Outside requests that are left, and how many there were; undefined where nobody counts them. */
export type Allowance = { left(): number; readonly total: number } | undefined;

/** What parts need at most to begin: the queries and the transaction of one step, some of them tried again. */
export const NEEDS = {
  /** A look, a produce per topic, a transaction. */
  relay: 12,
  /** A page of members and a transaction. */
  sweepRow: 4,
  decision: 5,
  /** What there is to do at all. */
  look: 1,
  /** Pages of rows past their time. */
  purge: 3,
  /** A transaction of records. */
  batch: 4,
  /** Where we are; what telling it to a group takes, the broker says. */
  positions: 1,
  /** Texts, a call, the result. */
  attempt: 10,
} as const;

/** How many steps of so many requests each may begin, at most `max`. */
export function affordable(allowance: Allowance, requests: number, max: number): number {
  if (allowance === undefined) return max;
  return Math.max(0, Math.min(max, Math.floor(allowance.left() / requests)));
}

/** What a read of one partition is asked about: which one makes no difference. */
const ANY = [{ topic: "", partition: 0, offset: 0 }];

/** Whether a look at so many topics, a read and a transaction can begin. Throws AppError where no tick ever has enough for them. */
export function mayRead({ requests: cost = NO_REQUESTS }: Broker, topics: number, allowance: Allowance): boolean {
  if (allowance === undefined) return true;
  const needs = NEEDS.batch + cost.topics(topics) + cost.read(ANY);
  if (NEEDS.look + needs <= allowance.total) return needs <= allowance.left();
  const what = `look at ${topics} topics, read one partition and apply what it gives`;
  const least = `TICK_REQUESTS has to be ${NEEDS.look + needs} at least, and is ${allowance.total}`;
  throw new AppError("internal", `${least}: a tick cannot ${what}`);
}
