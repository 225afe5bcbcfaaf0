// Work left for later: the outbox, sweeps, retry rows; idempotency keys; and rows past their time. Each of these is one
// statement, which locks a row before it looks whether the row is still what it wants (core-proof b).
import type { ConsumerRow, Database, KeyRow, SweepRow } from "../../../ports/database.ts";
import { inTurn } from "../in-turn.ts";
import { OUTBOX, RETRY, toOutboxRows, toRetryRows, wholeRows } from "./rows.ts";
import type { Row, Transport } from "./transport.ts";

type Tasks = Pick<
  Database,
  | "reserveKeys"
  | "releaseKeys"
  | "dueOutbox"
  | "settleOutbox"
  | "dueSweeps"
  | "leaseRetries"
  | "leaseRetry"
  | "rescheduleRetry"
  | "retryRows"
  | "announce"
  | "purge"
  | "nowMs"
>;

const NOW = "datetime.realtime().epochMillis";

/** Looks again under the lock: whoever held it may have tried meanwhile, and put off the next attempt. */
const LEASE = `SET r._lock = 0 WITH r WHERE r.leased <= $now AND (r.attempts = 0 OR r.due <= $now) SET r.leased = toInteger($until) RETURN ${RETRY}`;

/** Keys are locked in one order everywhere. */
const byKey = (a: { readonly key: string }, b: { readonly key: string }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;

/** Once shared, a key is so for ever, whoever else is at it. A key of an older release says nothing, and is not released. */
const RESERVE = `UNWIND $rows AS r MERGE (k:IdempotencyKey {key: r.key})
ON CREATE SET k += r, k.at = ${NOW}, k.shared = false ON MATCH SET k._lock = 0
FOREACH (other IN CASE WHEN k.operationId = r.operationId THEN [] ELSE [r] END | SET k.shared = true)
RETURN k.key, k.operationId, k.stamp, k.hash`;

const RELEASE = `UNWIND $rows AS r MATCH (k:IdempotencyKey {key: r.key}) SET k._lock = 0
WITH k, r WHERE k.operationId = r.operationId AND k.shared = false DELETE k`;

export function tasks({ run }: Transport): Tasks {
  return {
    async reserveKeys(rows) {
      if (rows.length === 0) return [];
      // Of equal keys the first is to stand.
      const standing = await run(RESERVE, { rows: rows.toSorted(byKey).map((row) => ({ ...row })) });
      const held = new Map(standing.map(toKey).map((row) => [row.key, row]));
      return rows.map(({ key }) => held.get(key)!);
    },

    async releaseKeys(rows) {
      if (rows.length === 0) return;
      await run(RELEASE, { rows: rows.toSorted(byKey).map(({ key, operationId }) => ({ key, operationId })) });
    },

    async dueOutbox(now, limit, bytesMax) {
      // Records are measured once each: measured for every row behind them, they would be read again for each.
      const rows = await run(
        `MATCH (o:Outbox) WHERE o.due <= $now WITH o ORDER BY o.due, o.key LIMIT toInteger($limit)
WITH collect(o) AS os, collect(coalesce(size(o.record), 0)) AS sizes
UNWIND range(0, size(os) - 1) AS i WITH os[i] AS o, reduce(sum = 0, b IN sizes[..i] | sum + b) AS before
WHERE before < $bytesMax RETURN ${OUTBOX}`,
        { now, limit, bytesMax },
      );
      return toOutboxRows(rows);
    },

    async settleOutbox(done, later) {
      if (done.length + later.length === 0) return;
      await run(
        "CALL () { UNWIND $done AS k MATCH (o:Outbox {key: k}) DELETE o } CALL () { UNWIND $later AS r MATCH (o:Outbox {key: r.key}) SET o += r } RETURN 1",
        {
          done: done.toSorted(),
          later: later.map(({ key, reason, fatal, attempts, dueMs: due }) => ({ key, reason, fatal, attempts, due })),
        },
      );
    },

    async dueSweeps(limit) {
      const rows = await run(
        "MATCH (s:Sweep) WHERE s.cursor IS NOT NULL RETURN s.key, s.cursor, s.revision ORDER BY s.key LIMIT toInteger($limit)",
        { limit },
      );
      return (wholeRows(rows) as unknown as [string, string, number][]).map(
        ([key, cursor, revision]): SweepRow => ({ key, cursor, revision }),
      );
    },

    async leaseRetries(flows, now, until, limit) {
      const rows = await run(
        `UNWIND $flows AS flow
CALL (flow) { MATCH (r:Retry) WHERE r.flow = flow AND r.due <= $now AND r.leased <= $now RETURN r ORDER BY r.due, r.key LIMIT toInteger($limit) }
WITH flow, collect(r) AS rs UNWIND range(0, size(rs) - 1) AS turn WITH rs[turn] AS r, turn ORDER BY turn, r.due, r.key LIMIT toInteger($limit)
${LEASE}`,
        { flows, now, until, limit },
      );
      return inTurn(toRetryRows(rows));
    },

    async leaseRetry(key, now, until) {
      return toRetryRows(await run(`MATCH (r:Retry {key: $key}) ${LEASE}`, { key, now, until }))[0];
    },

    async rescheduleRetry(key, attempts, due, reason) {
      await run("MATCH (r:Retry {key: $key}) SET r += $row", { key, row: { attempts, due, reason, leased: 0 } });
    },

    async retryRows(keys) {
      if (keys.length === 0) return new Map();
      const rows = await run(`UNWIND $keys AS k MATCH (r:Retry {key: k}) RETURN ${RETRY}`, { keys });
      return new Map(toRetryRows(rows).map((row) => [row.key, row]));
    },

    async announce({ name, flows }, keepMs) {
      const rows = await run(ANNOUNCE, { name, flows, keepMs });
      return (wholeRows(rows) as unknown as [string, string[], number][]).map(
        ([known, consumes, untilMs]): ConsumerRow => ({ name: known, flows: consumes, untilMs }),
      );
    },

    async purge({ ledgerBeforeMs, keysBeforeMs, keepTypes }, rowsMax) {
      const [row] = await run(PURGE, { ledgerBefore: ledgerBeforeMs, keysBefore: keysBeforeMs, keepTypes, rowsMax });
      const [ledger, keys, answers] = row as unknown as [number, number, number];
      return { ledger, keys, answers };
    },

    async nowMs() {
      const [row] = await run(`RETURN ${NOW}`, {});
      return row![0] as number;
    },
  };
}

const ANNOUNCE = `CALL () { MATCH (c:Consumer) WHERE c.until <= ${NOW} OR ($keepMs = 0 AND c.key = $name) DELETE c }
CALL () { UNWIND CASE WHEN $keepMs > 0 THEN [$name] ELSE [] END AS k MERGE (c:Consumer {key: k}) SET c.flows = $flows, c.until = ${NOW} + toInteger($keepMs) }
MATCH (c:Consumer) RETURN c.key, c.flows, c.until ORDER BY c.key`;

function toKey(row: Row): KeyRow {
  const [key, operationId, stamp, hash] = row as unknown as [string, string, string, string];
  return { key, operationId, stamp, hash };
}

const oldest = (label: string): string => `MATCH (n:${label}) RETURN min(n.at) AS at`;

const gone = (name: string): string =>
  `WITH collect(n) AS gone FOREACH (n IN gone | DELETE n) RETURN size(gone) AS ${name}`;

/** Ledger rows stay while anything older than them waits (core-proof #37). */
const PURGE = `CALL () { CALL () { ${oldest("Outbox")} UNION ALL ${oldest("Retry")} UNION ALL ${oldest("Parked")} } RETURN min(at) AS held }
CALL (held) {
  MATCH (n:Ledger) WHERE n.at < $ledgerBefore AND n.at < coalesce(held, $ledgerBefore) AND NOT n.type IN $keepTypes
  WITH n ORDER BY n.at LIMIT toInteger($rowsMax) ${gone("ledger")}
}
CALL () { MATCH (n:IdempotencyKey) WHERE n.at < $keysBefore WITH n ORDER BY n.at LIMIT toInteger($rowsMax) ${gone("keys")} }
CALL () { MATCH (n:QueryAnswer) WHERE n.expires <= ${NOW} WITH n LIMIT toInteger($rowsMax) ${gone("answers")} }
RETURN ledger, keys, answers`;
