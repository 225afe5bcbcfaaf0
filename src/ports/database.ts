// Graph and ledger: one database, one transaction. The contract is in these comments; test/contract/database.ts holds
// adapters to it. Every method throws AppError `graph_unavailable` when the database cannot be reached; after
// `transact` has thrown, the write may still have happened, and because every write is guarded that does no harm.
import type { Counts } from "../domain/accounting.ts";
import type { LedgerRow, ParkReason } from "../domain/outcome.ts";
import type { Edge, StoredEntity } from "../domain/projection.ts";
import type { Save } from "../domain/settle.ts";

/** A position: next offset to read (0 for stripes) and its counts. */
export interface PositionRow {
  readonly key: string;
  readonly next: number;
  readonly counts: Counts;
}

/** A record that still has to reach the log. */
export interface OutboxRow {
  readonly key: string;
  readonly topic: string;
  readonly partitionKey: string;
  readonly record: string;
  /** Why the broker did not take it, and whether it will not heal by itself. */
  readonly reason: string;
  readonly fatal: boolean;
  readonly attempts: number;
  readonly dueMs: number;
}

/** A record set aside. `bytes` is the record's value as it was, base64; null when it could not be read at all. */
export interface ParkedRow {
  readonly key: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly reason: ParkReason;
  readonly detail: string;
  readonly bytes: string | null;
  /** Known when the record could be decoded that far. */
  readonly operationKey: string | null;
  /** Flow of an operation that this service minted; null for all others: foreign records are no part of its accounting. */
  readonly flow: string | null;
  readonly atMs: number;
}

/** Work left over for ticks: recompute what refers to `key`, from `cursor` on. `revision` rises at each restart. */
export interface SweepRow {
  readonly key: string;
  readonly cursor: string;
  readonly revision: number;
}

/** What to lock and load. Each list in code-unit order, without repeats. */
export interface TransactRequest {
  readonly positions: readonly string[];
  readonly keys: readonly string[];
  readonly ledger: readonly string[];
}

/** What was loaded. An absent position is `next: 0`; an absent entity is untouched and not `existing`. */
export interface TransactState {
  /** Database time, milliseconds. */
  readonly nowMs: number;
  position(key: string): PositionRow;
  /** Only keys of the request (and those added by `need`). */
  entity(key: string): StoredEntity;
  ledger(key: string): LedgerRow | undefined;
}

/** What to write. Everything or nothing. */
export interface Writes {
  readonly positions: readonly PositionRow[];
  readonly entities: readonly Save[];
  /** Entities to be named if they have no row yet. */
  readonly names: readonly string[];
  readonly ledger: readonly LedgerRow[];
  readonly outbox: readonly OutboxRow[];
  readonly parked: readonly ParkedRow[];
  /** Sweeps to start, or to start again from the beginning. */
  readonly sweeps: readonly string[];
  /** A sweep that got this far; `cursor` null means done. Skipped when the row's revision is another by now. */
  readonly swept?: { readonly key: string; readonly revision: number; readonly cursor: string | null };
}

/** Write; or load these keys as well and decide again; or leave everything as it is. */
export type Decision = { readonly write: Writes } | { readonly need: readonly string[] } | { readonly stop: true };

/** An Idempotency-Key with the operation it stands for; its answer is the operation's ledger row. */
export interface KeyRow {
  readonly key: string;
  readonly operationId: string;
  readonly stamp: string;
  readonly hash: string;
}

/** An entity as a dump meets it. `touched` when a live edge points to it. */
export interface DumpEntity extends StoredEntity {
  readonly key: string;
  readonly visible: boolean;
  readonly touched: boolean;
}

/** Totals that only the database knows. */
export interface Backlog {
  readonly outbox: number;
  /** Reasons of outbox rows that will not heal by themselves, at most ten. */
  readonly fatal: readonly string[];
  readonly oldestOutboxMs: number | null;
  readonly sweeps: number;
  readonly parked: number;
  /** Entities holding data that nothing created yet. */
  readonly unseen: number;
}

/** A page of members in their order; `next` continues it. */
export interface Page {
  readonly sources: readonly string[];
  readonly next: string | null;
}

export interface Database {
  /**
   * Locks positions, then entities, then reads the ledger, in the order given; calls `decide`, which is synchronous and
   * pure and may be called again; commits what it says. Two calls with a position or an entity in common behave as if
   * one had run after the other.
   */
  transact(request: TransactRequest, decide: (state: TransactState) => Decision): Promise<void>;
  /** Inserts the rows whose key is new and answers, in order, the rows that now stand. */
  reserveKeys(rows: readonly KeyRow[]): Promise<KeyRow[]>;
  positions(keys: readonly string[]): Promise<PositionRow[]>;
  /** Every position and stripe. */
  allPositions(): Promise<PositionRow[]>;
  dueOutbox(nowMs: number, limit: number): Promise<OutboxRow[]>;
  /** Removes rows that reached the log and reschedules the others, in one transaction. */
  settleOutbox(done: readonly string[], later: readonly OutboxRow[]): Promise<void>;
  dueSweeps(limit: number): Promise<SweepRow[]>;
  /** Sources of references to `target` after `cursor` ("" = from the start), live or not. */
  referrers(target: string, cursor: string, limit: number): Promise<Page>;
  backlog(): Promise<Backlog>;
  ledgerRows(keys: readonly string[]): Promise<Map<string, LedgerRow>>;
  parkedByOperation(operationKey: string): Promise<ParkedRow | undefined>;
  parkedCounts(): Promise<Map<string, number>>;
  entities(keys: readonly string[]): Promise<Map<string, StoredEntity>>;
  /** Sources of live edges to `target` through `field`, in their order. */
  members(target: string, field: string, cursor: string, limit: number): Promise<Page>;
  /** Every entity row in key order. */
  dumpEntities(after: string, limit: number): Promise<DumpEntity[]>;
  /** Every edge row in order of source, then field. */
  dumpEdges(after: Pick<Edge, "source" | "field">, limit: number): Promise<Edge[]>;
  /** Database time, milliseconds. */
  nowMs(): Promise<number>;
  close(): Promise<void>;
}
