// Parked records and what was decided about them.

import type { Database, DecisionRow, ParkedFilter, ParkedRow } from "../../../ports/database.ts";
import { LAST } from "../../../sql/sql.ts";
import { readPlace } from "../place.ts";
import { PARKED, PARKED_COLUMNS, SHOWN, toParkedRows, wholeRows } from "./rows.ts";
import { MARK_DUE } from "./save.ts";
import type { Params, Transport } from "./transport.ts";

type Parked = Pick<
  Database,
  "parkedReasons" | "parkedNamed" | "listParked" | "countParked" | "parkedCounts" | "dueDecisions" | "noteReplay"
>;

export function parked({ run }: Transport): Parked {
  const countParked: Parked["countParked"] = async (filter) => {
    const { where, params } = conditions(filter);
    const [row] = await run(`MATCH (k:Parked) WHERE ${where} RETURN count(k)`, params);
    return row![0] as number;
  };
  return {
    countParked,

    async parkedReasons(operations) {
      const rows = await run(
        "UNWIND $operations AS o MATCH (k:Parked) WHERE k.operation = o RETURN o, k.reason, k.detail",
        { operations },
      );
      const found = wholeRows(rows) as unknown as [string, ParkedRow["reason"], string][];
      return new Map(found.map(([key, reason, detail]) => [key, { reason, detail }]));
    },

    async parkedNamed(record) {
      const named = "k.key = $record OR k.key STARTS WITH $marked";
      const rows = await run(`MATCH (k:Parked) WHERE ${named} RETURN ${PARKED} ORDER BY k.key LIMIT 2`, {
        record,
        marked: `${record}@`,
      });
      return toParkedRows(rows);
    },

    async listParked(filter, cursor, limit) {
      const { where, params } = conditions(filter);
      const [at, key] = readPlace(cursor, [Number.MAX_SAFE_INTEGER, LAST]);
      const rows = await run(
        `MATCH (k:Parked) WHERE k.at <= $at AND (k.at < $at OR k.key < $key) AND ${where} WITH k ORDER BY k.at DESC, k.key DESC LIMIT toInteger($limit)
WITH collect(k) AS ks, collect(coalesce(size(k.bytes), 0)) AS sizes WITH ks, ${SHOWN} AS shown
UNWIND ks[..shown] AS k RETURN ${PARKED}, shown < size(ks) ORDER BY k.at DESC, k.key DESC`,
        { ...params, at, key, limit },
      );
      const found = toParkedRows(rows);
      const last = found.at(-1);
      const isLast = rows[0]?.[PARKED_COLUMNS] !== true && rows.length < limit;
      const next = isLast || last === undefined ? null : JSON.stringify([last.atMs, last.key]);
      return { rows: found, next };
    },

    async parkedCounts() {
      const rows = await run(PARKED_COUNTS, {});
      const counts = new Map(wholeRows(rows) as unknown as [string, number][]);
      const others = (await countParked({})) - [...counts.values()].reduce((sum, n) => sum + n, 0);
      return others === 0 ? counts : counts.set("", others);
    },

    async dueDecisions(limit) {
      const rows = await run(
        `MATCH (k:Parked) WHERE k.isDue = true WITH k ORDER BY k.key LIMIT toInteger($limit) MATCH (d:Decision {key: k.key}) WITH k, d ORDER BY k.key
WITH collect(k) AS ks, collect(d) AS ds, collect(coalesce(size(k.bytes), 0) + coalesce(size(d.value), 0)) AS sizes
WITH ks, ds, ${SHOWN} AS shown UNWIND range(0, shown - 1) AS i WITH ks[i] AS k, ds[i] AS d
RETURN ${PARKED}, d.version, d.verdict, d.value ORDER BY k.key`,
        { limit },
      );
      return rows.flatMap((values) => {
        const [row] = toParkedRows([values]);
        const decided = wholeRows([values.slice(PARKED_COLUMNS)], 2)[0];
        if (row === undefined || decided === undefined) return [];
        const [version, verdict, value] = decided as [string, DecisionRow["verdict"], string | null];
        return [{ row, decision: { record: row.key, version, verdict, value } }];
      });
    },

    async noteReplay(key, version, reason, detail) {
      await run(
        "MATCH (k:Parked {key: $key}) SET k._lock = 0 WITH k WHERE k.decided < $version " +
          `SET k.decided = $version, k.attempts = k.attempts + 1, k.reason = $reason, k.detail = $detail ${MARK_DUE}`,
        { key, version, reason, detail },
      );
    },
  };
}

/** An operation counts once, and not when it has an outcome or waits for one. */
const PARKED_COUNTS = `MATCH (k:Parked) WHERE k.flow IS NOT NULL
WITH k.flow AS flow, CASE WHEN NOT EXISTS { MATCH (l:Ledger) WHERE l.key = k.operation }
  AND NOT EXISTS { MATCH (r:Retry) WHERE r.key = k.operation } THEN coalesce(k.operation, k.key) END AS operation
RETURN flow, count(DISTINCT operation)`;

function conditions({ flow, topic, reason, tenant }: ParkedFilter): { where: string; params: Params } {
  const parts = [
    ...(flow === undefined ? [] : ["k.flow = $flow"]),
    ...(topic === undefined ? [] : ["k.topic = $topic"]),
    ...(reason === undefined ? [] : ["k.reason = $reason"]),
    ...(tenant === undefined ? [] : ["k.operation STARTS WITH $prefix"]),
  ];
  const prefix = tenant === undefined ? "" : `${encodeURIComponent(tenant)}/`;
  return {
    where: parts.length === 0 ? "true" : parts.join(" AND "),
    params: { flow: flow ?? "", topic: topic ?? "", reason: reason ?? "", prefix },
  };
}
