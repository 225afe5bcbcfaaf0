// Retention of the service's own books: ledger rows, idempotency keys and kept answers go after a stated time, a bounded
// number at a time (core-proof #37). Tombstones and positions stay.
import type { Flow } from "../flows/define.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";

/** How long rows are kept; 0 keeps them. */
export interface Retention {
  readonly ledgerMs: number;
  readonly keysMs: number;
}

export interface PurgeDeps {
  /** Every flow: types with prepared work keep their ledger rows. */
  readonly allFlows: readonly Flow[];
  readonly database: Database;
  readonly clock: Clock;
  readonly retention: Retention;
}

const EVERY_MS = 60_000;
const ROWS_MAX = 5_000;

/** A step that purges at most once a minute, and again at the next tick while there is more. */
export function createPurge({ allFlows, database, clock, retention }: PurgeDeps): () => Promise<void> {
  let nextMs = 0;
  const keepTypes = allFlows.flatMap(({ name, types }) =>
    Object.entries(types).flatMap(([type, { prepare, isResult }]) => (prepare || isResult ? `${name}.${type}` : [])),
  );
  const before = (ms: number, nowMs: number): number => (ms === 0 ? 0 : nowMs - ms);
  return async () => {
    const nowMs = clock.nowMs();
    if (nowMs < nextMs) return;
    const limits = {
      ledgerBeforeMs: before(retention.ledgerMs, nowMs),
      keysBeforeMs: before(retention.keysMs, nowMs),
      keepTypes,
    };
    const gone = await database.purge(limits, ROWS_MAX);
    nextMs = Object.values(gone).some((count) => count >= ROWS_MAX) ? nowMs : nowMs + EVERY_MS;
  };
}
