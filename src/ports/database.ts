// Graph and ledger: one database, one transaction. The contract is in these comments; test/contract/database.ts holds
// adapters to it. Every method throws AppError `graph_unavailable` when the database cannot be reached; after
// `transact` has thrown, the write may still have happened, and because every write is guarded that does no harm.
import type { Counts } from "../domain/accounting.ts";
import type { LedgerRow, ParkReason } from "../domain/outcome.ts";
import type { Edge, StoredEntity } from "../domain/projection.ts";
import type { Query } from "../domain/query.ts";
import type { Save } from "../domain/settle.ts";
import type { EntityState } from "../domain/state.ts";

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
  /** How often a person had it replayed in vain. */
  readonly attempts: number;
  /** Version of the last decision that was carried out in vain; empty when there is none. */
  readonly decided: string;
}

/** What a person decided about a parked record; of several decisions the one of the greatest version stands. */
export interface DecisionRow {
  /** The record's coordinates, as in {@link ParkedRow.key}. */
  readonly record: string;
  readonly version: string;
  readonly verdict: "replay" | "discard";
  /** Text of the edited record; null leaves it as it was. */
  readonly value: string | null;
}

/** A request whose work with the outside world is still to be done. */
export interface RetryRow {
  /** The request's ledger key. */
  readonly key: string;
  readonly flow: string;
  /** What the ledger will say once the result is applied. */
  readonly row: LedgerRow;
  /** The request's record. */
  readonly record: string;
  readonly attempts: number;
  readonly dueMs: number;
  /** Why the last attempt failed; empty before the first. */
  readonly reason: string;
}

/** A question to be answered as of its transaction. */
export interface Question {
  /** Ledger key of the operation that asks. */
  readonly key: string;
  readonly query: Query;
  readonly limit: number;
  /** How long the answer is kept. */
  readonly keepMs: number;
}

/** The answer to a question, as of a time and the positions then. */
export interface QueryAnswer {
  readonly atMs: number;
  readonly positions: { readonly [key: string]: number };
  /** The first of what was asked for, up to and with the one whose state makes them 4 MiB of characters. */
  readonly found: readonly { readonly key: string; readonly state: EntityState }[];
  /** More was asked for than is there. */
  readonly truncated: boolean;
  /** Characters that it is kept as. */
  readonly size: number;
}

/** How old rows may get; see `purge`. */
export interface PurgeLimits {
  /** Ledger rows go when older than that, and older than every outbox, retry and parked row. */
  readonly ledgerBeforeMs: number;
  readonly keysBeforeMs: number;
  /** Types with prepared work, as `flow.type`: their rows are kept (core-proof #37). */
  readonly keepTypes: readonly string[];
}

/** Work left over for ticks: recompute what refers to `key`, from `cursor` on. `revision` rises at each restart. */
export interface SweepRow {
  readonly key: string;
  readonly cursor: string;
  readonly revision: number;
}

/** A consumer process that shares partitions with others; it counts as alive until then, by the database's clock. */
export interface ConsumerRow {
  readonly name: string;
  /** What it consumes: names of flows, and `flow/topic`. */
  readonly flows: readonly string[];
  readonly untilMs: number;
}

/** What to lock and load. Each list in code-unit order, without repeats. */
export interface TransactRequest {
  readonly positions: readonly string[];
  readonly keys: readonly string[];
  readonly ledger: readonly string[];
  /** Retry rows, by their request's ledger key. */
  readonly retries?: readonly string[];
  readonly parked?: readonly string[];
  /**
   * The caller can take less at a time: what loads more than 8 MiB of characters fails, and says that it is divisible.
   * What cannot be divided passes, however large it is.
   */
  readonly divisible?: boolean;
}

/** What was loaded. An absent position is `next: 0`; an absent entity is untouched and not `existing`. */
export interface TransactState {
  /** Database time, milliseconds. */
  readonly nowMs: number;
  position(key: string): PositionRow;
  /** Of keys of the request and those added by `need`; undefined for any other, which has to be asked for. */
  entity(key: string): StoredEntity | undefined;
  ledger(key: string): LedgerRow | undefined;
  retry(key: string): RetryRow | undefined;
  isParked(key: string): boolean;
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
  readonly retries?: readonly RetryRow[];
  /** Retry rows and parked rows that are done with. */
  readonly retried?: readonly string[];
  readonly unparked?: readonly string[];
  readonly decisions?: readonly DecisionRow[];
  /** Asked after everything else is written, within the transaction. */
  readonly questions?: readonly Question[];
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

/** What waits for a tick, and where it stands. */
export interface Agenda {
  /** Database time, milliseconds. */
  readonly nowMs: number;
  /** Whether there are outbox rows, and whether any of them is due. */
  readonly outbox: boolean;
  readonly dueOutbox: boolean;
  readonly sweeps: boolean;
  /** Decisions that have not been carried out. */
  readonly decisions: boolean;
  /** Due retry rows of these flows that nobody holds. */
  readonly retries: boolean;
  /** Positions of the cluster's logs, and how often each was found shorter. */
  readonly positions: readonly PositionRow[];
}

/** Totals that only the database knows. */
export interface Backlog {
  readonly outbox: number;
  /** Reasons of outbox rows that will not heal by themselves, at most ten. */
  readonly fatal: readonly string[];
  readonly oldestOutboxMs: number | null;
  readonly sweeps: number;
  readonly parked: number;
  readonly retries: number;
  /** When the oldest request that waits for its prepared work was applied. */
  readonly oldestRetryMs: number | null;
  /** Entities holding data that nothing created yet. */
  readonly unseen: number;
}

/** Parked rows for which everything given holds. */
export interface ParkedFilter {
  readonly flow?: string;
  readonly topic?: string;
  readonly reason?: string;
  /** Of a tenant's operations alone. */
  readonly tenant?: string;
}

/**
 * A page of members in their order; `next` continues it. It ends early with the member whose state makes theirs 4 MiB of
 * characters: whoever lists them is about to load them.
 */
export interface Page {
  readonly sources: readonly string[];
  readonly next: string | null;
}

/** Sources of live edges to `target` through `field`, of one kind, in their order or from the newest on. */
export interface MembersQuery {
  readonly target: string;
  readonly kind: string;
  readonly field: string;
  readonly cursor: string;
  readonly limit: number;
  readonly newestFirst?: boolean;
}

/** Rows of a list, newest first; `next` continues it. Large rows end it early, with the one that makes it 4 MiB of characters. */
export interface Listed<Row> {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

export interface Database {
  /**
   * Locks positions, then entities, then reads the ledger, in the order given; calls `decide`, which is synchronous and
   * pure and may be called again; commits what it says. Two calls with a position or an entity in common behave as if
   * one had run after the other.
   */
  transact(request: TransactRequest, decide: (state: TransactState) => Decision): Promise<void>;
  /**
   * Inserts the rows whose key is new and answers, in order, the rows that now stand. A row that is answered for another
   * operation than its own is shared from then on.
   */
  reserveKeys(rows: readonly KeyRow[]): Promise<KeyRow[]>;
  /**
   * Removes the keys that stand for these operations, but none that is shared: whoever else was given the operation may
   * yet have it applied. Sharing and removing are each one look at the row, under its lock.
   */
  releaseKeys(rows: readonly Pick<KeyRow, "key" | "operationId">[]): Promise<void>;
  positions(keys: readonly string[]): Promise<PositionRow[]>;
  /** All that a tick has to know before it begins, in one look: an idle one needs no other. */
  agenda(cluster: string, flows: readonly string[], nowMs: number): Promise<Agenda>;
  /** Every position and stripe. */
  allPositions(): Promise<PositionRow[]>;
  /** The first of the due rows, up to and with the one whose record makes them `bytesMax` characters. */
  dueOutbox(nowMs: number, limit: number, bytesMax: number): Promise<OutboxRow[]>;
  /** Removes rows that reached the log and reschedules the others, in one transaction. */
  settleOutbox(done: readonly string[], later: readonly OutboxRow[]): Promise<void>;
  dueSweeps(limit: number): Promise<SweepRow[]>;
  /** Sources of references to `target` after `cursor` ("" = from the start), live or not. */
  referrers(target: string, cursor: string, limit: number): Promise<Page>;
  backlog(): Promise<Backlog>;
  ledgerRows(keys: readonly string[]): Promise<Map<string, LedgerRow>>;
  /**
   * Ledger rows of a tenant, newest first. With a filter a page may hold fewer rows than asked for, or none, and still be
   * followed by another: what is looked at is bounded. `next` names nothing of another tenant.
   */
  listLedger(
    filter: { readonly tenant?: string; readonly flow?: string; readonly outcome?: string },
    cursor: string,
    limit: number,
  ): Promise<Listed<LedgerRow>>;
  /**
   * Ledger rows of a tenant behind a place, oldest first; `next` is the place behind what was looked at, and `more` says
   * that it was as many rows of all tenants as were asked for: others may lie behind them. A row's place is
   * `[atMs, key]` in JSON, and `next` names nothing of another tenant. Rows of the last moment are left for later, so that none is passed by that commits beside them.
   */
  ledgerAfter(
    tenant: string,
    cursor: string,
    limit: number,
  ): Promise<{ rows: LedgerRow[]; next: string; more: boolean }>;
  /** Why operations are parked, by their ledger keys; nothing of those that are not. */
  parkedReasons(operationKeys: readonly string[]): Promise<Map<string, Pick<ParkedRow, "reason" | "detail">>>;
  /** The parked record of this name; of coordinates alone, which records of several logs may bear, two at most. */
  parkedNamed(record: string): Promise<ParkedRow[]>;
  listParked(filter: ParkedFilter, cursor: string, limit: number): Promise<Listed<ParkedRow>>;
  countParked(filter: ParkedFilter): Promise<number>;
  /**
   * Parked operations by flow: those that have neither a ledger row nor a retry row, each once. Every further parked row
   * counts under the empty name.
   */
  parkedCounts(): Promise<Map<string, number>>;
  /**
   * Parked rows with a decision that has not been carried out, in order of key: the first, up to and with the one whose
   * record and text make them 4 MiB of characters.
   */
  dueDecisions(limit: number): Promise<{ readonly row: ParkedRow; readonly decision: DecisionRow }[]>;
  /** Notes that a replay was in vain, and why; the row then waits for the next decision. */
  noteReplay(key: string, version: string, reason: ParkReason, detail: string): Promise<void>;
  /**
   * Leases due retry rows until `untilMs`, so that nobody else takes them up meanwhile: of these flows in turn, of each the
   * longest due first.
   */
  leaseRetries(flows: readonly string[], nowMs: number, untilMs: number, limit: number): Promise<RetryRow[]>;
  /**
   * Leases one retry row that is due; undefined when there is none, it is not due, or somebody else holds it. Before its
   * first attempt it is due at once, whatever `nowMs` is beside the database's clock.
   */
  leaseRetry(key: string, nowMs: number, untilMs: number): Promise<RetryRow | undefined>;
  rescheduleRetry(key: string, attempts: number, dueMs: number, reason: string): Promise<void>;
  /**
   * Notes that a consumer lives for another `keepMs` (0: that it leaves), forgets those whose time has passed, and answers
   * all that live, in code-unit order of their names.
   */
  announce(consumer: Omit<ConsumerRow, "untilMs">, keepMs: number): Promise<ConsumerRow[]>;
  retryRows(keys: readonly string[]): Promise<Map<string, RetryRow>>;
  /** The kept answer to a question; undefined when there is none, or its time is over. */
  queryAnswer(key: string): Promise<QueryAnswer | undefined>;
  /**
   * Keys of visible entities of a searchable kind: the best matches first where a text is given, else the newest. What
   * comes or goes between two pages makes the next one neither repeat nor leave out another entity. Throws AppError
   * `invalid_input` for a cursor of another list; so do the other lists.
   */
  search(query: Query, cursor: string, limit: number): Promise<Page>;
  entities(keys: readonly string[]): Promise<Map<string, StoredEntity>>;
  members(query: MembersQuery): Promise<Page>;
  /** Live edges from an entity, then those to it, at most `limit` together. */
  edgesAt(key: string, limit: number): Promise<Edge[]>;
  /** Removes a bounded number of rows past their time. Answers how many of each went. */
  purge(limits: PurgeLimits, rowsMax: number): Promise<{ ledger: number; keys: number; answers: number }>;
  /**
   * Every entity row in key order: the first, up to and with the one whose state makes them 4 MiB of characters; none at the
   * end.
   */
  dumpEntities(after: string, limit: number): Promise<DumpEntity[]>;
  /** Every edge row in order of source, then field. */
  dumpEdges(after: Pick<Edge, "source" | "field">, limit: number): Promise<Edge[]>;
  /** Database time, milliseconds. */
  nowMs(): Promise<number>;
  close(): Promise<void>;
}
