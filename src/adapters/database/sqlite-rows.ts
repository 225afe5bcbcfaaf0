// Rows of the graph and the ledger as the domain knows them.
import { type Counts, NO_COUNTS } from "../../domain/accounting.ts";
import type { LedgerRow } from "../../domain/outcome.ts";
import { ABSENT, type StoredEntity } from "../../domain/projection.ts";
import { decodeState } from "../../domain/state.ts";
import type { PositionRow } from "../../ports/database.ts";
import type { Sql } from "../../sql/sql.ts";
import { countShown, SHOWN_MAX } from "./bounds.ts";

export function readEntity(sql: Sql, key: string): StoredEntity {
  return readEntityIn(sql, key, () => undefined);
}

/** Tells `take` how large the stored state is before it is decoded. */
export function readEntityIn(sql: Sql, key: string, take: (size: number) => void): StoredEntity {
  const row = sql.get<{ state: string; hidden: number }>("SELECT state, hidden FROM entity WHERE key = ?", key);
  if (row === undefined) return ABSENT;
  take(row.state.length);
  return { state: decodeState(row.state), hidden: row.hidden === 1, existing: true };
}

/** States that are measured at a time: no more of them are read than are about to be shown, and a few. */
const MEASURED_AT_ONCE = 50;

/** How large a state is, and a parked record with the text of what was decided about it. */
const SIZES = {
  entity: "SELECT length(state) FROM entity WHERE key = asked.value",
  parked:
    "SELECT coalesce(length(bytes), 0) + coalesce((SELECT length(value) FROM decision WHERE record = asked.value), 0) FROM parked WHERE key = asked.value",
};

/** Those of the rows, from the first on, that an answer or a page holds by the size of what their keys name. */
export function shownRows<Row>(
  sql: Sql,
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  what: keyof typeof SIZES = "entity",
): readonly Row[] {
  const sizes: number[] = [];
  for (let sum = 0; sizes.length < rows.length && rows.length > 1 && sum < SHOWN_MAX; ) {
    const keys = rows.slice(sizes.length, sizes.length + MEASURED_AT_ONCE).map(keyOf);
    const measured = sql.all<{ size: number }>(
      `SELECT coalesce((${SIZES[what]}), 0) AS size FROM json_each(?) AS asked ORDER BY asked.key`,
      JSON.stringify(keys),
    );
    for (const { size } of measured) {
      sizes.push(size);
      sum += size;
    }
  }
  return rows.length > 1 ? rows.slice(0, countShown(sizes)) : rows;
}

export function readPosition(sql: Sql, key: string): PositionRow {
  const row = sql.get<{ next: number; counts: string }>("SELECT next, counts FROM position WHERE key = ?", key);
  return row === undefined
    ? { key, next: 0, counts: NO_COUNTS }
    : { key, next: row.next, counts: toCounts(row.counts) };
}

/** Counts as stored; rows of an older release lack the newer ones. */
export function toCounts(text: string): Counts {
  return { ...NO_COUNTS, ...(JSON.parse(text) as Partial<Counts>) };
}

export interface LedgerColumns {
  key: string;
  flow: string;
  type: string;
  path: LedgerRow["path"];
  outcome: string;
  hash: string;
  stamp: string;
  entity: string;
  registers: number;
  at_ms: number;
}

export const LEDGER = "SELECT key, flow, type, path, outcome, hash, stamp, entity, registers, at_ms FROM ledger";

export function readLedger(sql: Sql, key: string): LedgerRow | undefined {
  const row = sql.get<LedgerColumns>(`${LEDGER} WHERE key = ?`, key);
  return row === undefined ? undefined : toLedger(row);
}

export function toLedger({ at_ms: atMs, outcome, ...rest }: LedgerColumns): LedgerRow {
  return { ...rest, outcome: JSON.parse(outcome), atMs };
}
