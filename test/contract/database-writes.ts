// Rows for the database contract, short to write.

import type { Json } from "../../src/domain/json.ts";
import type { LedgerRow } from "../../src/domain/outcome.ts";
import type { Edge } from "../../src/domain/projection.ts";
import type { Save } from "../../src/domain/settle.ts";
import type { EntityState } from "../../src/domain/state.ts";
import type { Database, OutboxRow, ParkedRow, RetryRow, Writes } from "../../src/ports/database.ts";

const VERSION = "000000000001-0000-0123456789abcdef|op";

/** Writes without looking. */
export function write(database: Database, writes: Partial<Writes>): Promise<void> {
  const nothing = { positions: [], entities: [], names: [], ledger: [], outbox: [], parked: [], sweeps: [] };
  const keys = (writes.entities ?? []).map(({ key }) => key).toSorted();
  return database.transact({ positions: [], keys, ledger: [] }, () => ({ write: { ...nothing, ...writes } }));
}

export function stateOf(fields: { readonly [name: string]: Json }): EntityState {
  const registers = Object.entries(fields).map(([name, value]) => [name, [value, VERSION] as const]);
  return { born: VERSION, died: null, fields: Object.fromEntries(registers) };
}

export function save(key: string, fields: { readonly [name: string]: Json }, more: Partial<Save> = {}): Save {
  return { key, state: stateOf(fields), hidden: false, visible: true, edges: undefined, ...more };
}

export function edge(source: string, field: string, target: string, more: Partial<Edge> = {}): Edge {
  return { source, field, target, live: true, sort: "", ...more };
}

export function ledgerRow(key: string): LedgerRow {
  return {
    key,
    flow: "memory",
    type: "create",
    path: "kafka",
    outcome: { outcome: "applied", unseen: true, lost: ["a"] },
    hash: "hash",
    stamp: "000000000001-0000-0123456789abcdef",
    entity: "a/Memory/1",
    registers: 3,
    atMs: 1_700_000_000_000,
  };
}

export function outboxRow(key: string): OutboxRow {
  return {
    key,
    topic: "t",
    partitionKey: "p",
    record: '{"é":1}',
    reason: "down",
    fatal: false,
    attempts: 0,
    dueMs: 0,
  };
}

export function retryRow(key: string, more: Partial<RetryRow> = {}): RetryRow {
  const row = ledgerRow(key);
  return { key, flow: row.flow, row, record: "{}", attempts: 0, dueMs: 0, reason: "", ...more };
}

export function parkedRow(key: string): ParkedRow {
  const [topic = "", partition, offset] = key.split("/");
  return {
    key,
    topic,
    partition: Number(partition),
    offset: Number.parseInt(offset!, 10),
    reason: "undecodable",
    detail: "not JSON",
    bytes: "",
    operationKey: null,
    flow: null,
    atMs: 5,
    attempts: 0,
    decided: "",
  };
}
