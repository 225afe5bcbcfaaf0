// What the service reads of its books: outcomes, positions, and what is left to be done.

import { positionPrefixes } from "../../../domain/accounting.ts";
import type { Backlog, Database } from "../../../ports/database.ts";
import { LAST } from "../../../sql/sql.ts";
import { readPlace, tenantCursor } from "../place.ts";
import { LEDGER, POSITION, toLedgerRows, toPosition, wholeRows } from "./rows.ts";
import { SETTLED_MS } from "./settled.ts";
import type { Row, Transport } from "./transport.ts";

type LedgerReads = Pick<
  Database,
  "positions" | "agenda" | "allPositions" | "backlog" | "ledgerRows" | "listLedger" | "ledgerAfter"
>;

/** Rows that a filtered page looks at. */
const LOOKED_AT_MAX = 10_000;
const FATAL_MAX = 10;

export function ledgerReads({ run }: Transport): LedgerReads {
  return {
    async positions(keys) {
      if (keys.length === 0) return [];
      const rows = await run(
        `UNWIND $keys AS k MATCH (p:Position {key: k}) WHERE p.next IS NOT NULL RETURN ${POSITION}`,
        { keys },
      );
      return rows.map(toPosition);
    },

    async agenda(cluster, flows, now) {
      const [log, reset] = positionPrefixes(cluster);
      const [row] = await run(AGENDA, { log, reset, flows, now });
      const [nowMs, outbox, dueOutbox, sweeps, decisions, retries, positions] = row as unknown as [
        ...[number, boolean, boolean, boolean, boolean, boolean],
        Row[],
      ];
      return { nowMs, outbox, dueOutbox, sweeps, decisions, retries, positions: positions.map(toPosition) };
    },

    async allPositions() {
      const rows = await run(`MATCH (p:Position) WHERE p.next IS NOT NULL RETURN ${POSITION} ORDER BY p.key`, {});
      return rows.map(toPosition);
    },

    async ledgerRows(keys) {
      if (keys.length === 0) return new Map();
      const rows = await run(`UNWIND $keys AS k MATCH (l:Ledger {key: k}) RETURN ${LEDGER}`, { keys });
      return new Map(toLedgerRows(rows).map((row) => [row.key, row]));
    },

    async listLedger({ tenant, flow, outcome }, cursor, limit) {
      const [at, key] = readPlace(cursor, [Number.MAX_SAFE_INTEGER, LAST]);
      const conditions = [
        ...(tenant === undefined ? [] : ["l.key STARTS WITH $prefix"]),
        ...(flow === undefined ? [] : ["l.type STARTS WITH $flow"]),
        ...(outcome === undefined ? [] : ["l.outcome = $outcome"]),
      ];
      const isFiltered = conditions.length > 0;
      const looked =
        "MATCH (l:Ledger) WHERE l.at <= $at AND (l.at < $at OR l.key < $key) " +
        `WITH l ORDER BY l.at DESC, l.key DESC LIMIT ${isFiltered ? LOOKED_AT_MAX : "toInteger($limit)"}`;
      const prefix = tenant === undefined ? "" : `${encodeURIComponent(tenant)}/`;
      const params = { at, key, limit, prefix, flow: `${flow}.`, outcome: outcome ?? "" };
      const filter = isFiltered ? `WITH l WHERE ${conditions.join(" AND ")}` : "";
      const rows = await run(`${looked} ${filter} RETURN ${LEDGER} LIMIT toInteger($limit)`, params);
      const found = toLedgerRows(rows);
      const last = found.at(-1);
      if (rows.length === limit && last !== undefined) {
        return { rows: found, next: JSON.stringify([last.atMs, last.key]) };
      }
      if (!isFiltered) return { rows: found, next: null };
      const [bound] = wholeRows(await run(`${looked} RETURN l.at, l.key SKIP ${LOOKED_AT_MAX - 1}`, params));
      const next = bound === undefined ? null : tenantCursor(prefix, bound as [number, string], "descending");
      return { rows: found, next };
    },

    async ledgerAfter(tenant, cursor, limit) {
      const [at, key] = readPlace(cursor, [0, ""]);
      const rows = await run(
        `MATCH (l:Ledger) WHERE l.at >= $at AND l.at < datetime.realtime().epochMillis - ${SETTLED_MS} AND (l.at > $at OR l.key > $key) ` +
          `RETURN ${LEDGER} ORDER BY l.at, l.key LIMIT toInteger($limit)`,
        { at, key, limit },
      );
      const found = toLedgerRows(rows);
      const last = found.at(-1);
      const prefix = `${encodeURIComponent(tenant)}/`;
      return {
        rows: found.filter((row) => row.key.startsWith(prefix)),
        next: last === undefined ? JSON.stringify([at, key]) : tenantCursor(prefix, [last.atMs, last.key], "ascending"),
        more: rows.length === limit,
      };
    },

    async backlog() {
      const [row] = await run(BACKLOG, {});
      const [outbox, fatal, oldestOutboxMs, sweeps, parked, retries, oldestRetryMs, unseen] = row as unknown as [
        number,
        string[],
        number | null,
        number,
        number,
        number,
        number | null,
        number,
      ];
      return { outbox, fatal, oldestOutboxMs, sweeps, parked, retries, oldestRetryMs, unseen } satisfies Backlog;
    },
  };
}

/** Fields of AGENDA in the order of their names above. */
const AGENDA = `CALL () { MATCH (p:Position) WHERE p.next IS NOT NULL AND (p.key STARTS WITH $log OR p.key STARTS WITH $reset) RETURN collect([${POSITION}]) AS positions }
RETURN datetime.realtime().epochMillis, EXISTS { MATCH (o:Outbox) }, EXISTS { MATCH (o:Outbox) WHERE o.due <= $now },
EXISTS { MATCH (s:Sweep) WHERE s.cursor IS NOT NULL }, EXISTS { MATCH (k:Parked) WHERE k.isDue = true },
EXISTS { MATCH (r:Retry) WHERE r.due <= $now AND r.leased <= $now AND r.flow IN $flows }, positions`;

const count = (label: string, name: string): string => `CALL () { MATCH (n:${label}) RETURN count(n) AS ${name} }`;
const oldest = (label: string, name: string): string => `CALL () { MATCH (n:${label}) RETURN min(n.at) AS ${name} }`;

const BACKLOG = `${count("Outbox", "outbox")}
CALL () { MATCH (n:Outbox) WHERE n.fatal = true WITH DISTINCT n.reason AS reason LIMIT ${FATAL_MAX} RETURN collect(reason) AS fatal }
${oldest("Outbox", "oldestOutbox")}
${count("Sweep", "sweeps")}
${count("Parked", "parked")}
${count("Retry", "retries")}
${oldest("Retry", "oldestRetry")}
${count("Unseen", "unseen")}
RETURN outbox, fatal, oldestOutbox, sweeps, parked, retries, oldestRetry, unseen`;
