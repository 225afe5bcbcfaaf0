// Rows of the graph and the ledger as the domain knows them.
import { type Counts, NO_COUNTS } from "../../domain/accounting.ts";
import type { LedgerRow } from "../../domain/outcome.ts";
import { ABSENT, type StoredEntity } from "../../domain/projection.ts";
import { decodeState } from "../../domain/state.ts";
import type { PositionRow } from "../../ports/database.ts";
import type { Sql } from "../../sql/sql.ts";

export function readEntity(sql: Sql, key: string): StoredEntity {
  const row = sql.get<{ state: string; hidden: number }>("SELECT state, hidden FROM entity WHERE key = ?", key);
  return row === undefined ? ABSENT : { state: decodeState(row.state), hidden: row.hidden === 1, existing: true };
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
