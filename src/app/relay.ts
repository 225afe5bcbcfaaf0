// Publishes what fallback operations left in the outbox, with the same id and stamp, so that the log becomes complete.
import { backoffMs } from "../domain/backoff.ts";
import type { Broker } from "../ports/broker.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database, OutboxRow } from "../ports/database.ts";

const ROWS_MAX = 500;
/** What one produce takes, however slow the proxy is, within the deadline of any other. */
const BYTES_MAX = 1_048_576;
/** Rows that go to the end of the line when all are refused: enough that none stands in the way of others for ever. */
const REFUSED_MAX = 20;
const RETRY_BASE_MS = 500;
const RETRY_MAX_MS = 60_000;

export interface RelayDeps {
  readonly broker: Broker;
  readonly database: Database;
  readonly clock: Clock;
  /** Uniform in [0, 1), for jitter. */
  readonly random: () => number;
}

/**
 * One pass over due rows, at most 500 and a MiB. A row goes only after its produce was confirmed; one whose fate is unknown stays
 * and is sent again, and the ledger knows the duplicate. While Kafka takes none at all, most stay due: the breaker sees to it
 * that it is not asked too often, and they go as soon as it is back. Answers how many reached the log.
 */
export async function relay({ broker, database, clock, random }: RelayDeps): Promise<number> {
  const rows = await database.dueOutbox(clock.nowMs(), ROWS_MAX, BYTES_MAX);
  if (rows.length === 0) return 0;
  const results = await broker.produce(
    rows.map((row) => ({ topic: row.topic, key: row.partitionKey, value: row.record })),
  );
  const done: string[] = [];
  const later: OutboxRow[] = [];
  const isRefused = results.length > 0 && results.every(({ status }) => status === "retryable");
  for (const [i, row] of (isRefused ? rows.slice(0, REFUSED_MAX) : rows).entries()) {
    const result = results[i] ?? { status: "unknown", reason: "the broker gave no result for this record" };
    if (result.status === "ok") done.push(row.key);
    else {
      const dueMs = clock.nowMs() + backoffMs(row.attempts, RETRY_BASE_MS, RETRY_MAX_MS, random);
      later.push({
        ...row,
        attempts: row.attempts + 1,
        dueMs,
        reason: result.reason,
        fatal: result.status === "fatal",
      });
    }
  }
  await database.settleOutbox(done, later);
  return done.length;
}
