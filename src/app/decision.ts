// The decision of one transaction: what a batch of operations does to what was loaded. Synchronous and pure, so that a
// database may call it again. Nothing outside this file and settle.ts decides what is written.
import { addCounts, type Counts, NO_COUNTS, stripeKey } from "../domain/accounting.ts";
import { entityKey, kindOfKey, ledgerKey } from "../domain/key.ts";
import type { GraphModel } from "../domain/model.ts";
import { kindIn } from "../domain/model.ts";
import type { Operation } from "../domain/operation.ts";
import { type LedgerRow, type Outcome, outcomeOf, type Path } from "../domain/outcome.ts";
import { ABSENT, isHidden, type Lookup, type StoredEntity } from "../domain/projection.ts";
import { settle } from "../domain/settle.ts";
import { type Change, type EntityState, isAlive, join, versionOf } from "../domain/state.ts";
import type {
  Decision,
  DecisionRow,
  OutboxRow,
  ParkedRow,
  Question,
  RetryRow,
  TransactState,
} from "../ports/database.ts";

/** An operation on its way into the graph. */
export interface Arrival {
  readonly operation: Operation;
  readonly changes: readonly Change[];
  readonly hash: string;
  readonly path: Path;
  /** Key of the position or stripe that counts it. */
  readonly countedBy: string;
  /** False for records of foreign producers. */
  readonly minted: boolean;
  /** Refuse it, before acceptance, when its entity does not exist (core-proof #22). */
  readonly refuseUnseen?: boolean;
  /** Fallback operations reach the log later. */
  readonly outbox?: OutboxRow;
  /** Makes the record's row, should it have to be parked because its id was used for something else. */
  readonly conflictRow?: () => ParkedRow;
  /** It asks for work with the outside world: its record, and the ledger keys its result may have. */
  readonly prepares?: { readonly record: string; readonly results: readonly string[] };
  /** It is the result of the request with this id. */
  readonly finishes?: string;
  /** Made by the service itself, so no client holds its id. */
  readonly derived?: true;
  readonly question?: Question;
  readonly decision?: DecisionRow;
}

/** A parked record that leaves its place: replayed by an arrival of the same request, or discarded. */
export interface Unparking {
  readonly key: string;
  /** The ledger row of a discarded operation of ours, and the stripe that counts it. */
  readonly discarded?: { readonly row: Omit<LedgerRow, "atMs">; readonly countedBy: string };
}

/** A position moves from `from` to `to`; `gap` offsets of it were lost to retention. */
export interface Advance {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly gap: number;
}

export interface ApplyRequest {
  readonly arrivals: readonly Arrival[];
  readonly advances: readonly Advance[];
  /** Records set aside, with the position that counts each. */
  readonly parked: readonly { readonly row: ParkedRow; readonly countedBy: string }[];
  readonly unparking?: Unparking;
}

/** What became of one arrival. `state` and `hidden` are its entity's after the transaction; ticks are not told who is hidden. */
export type Result =
  | {
      readonly status: "done";
      readonly row: LedgerRow;
      readonly duplicate: boolean;
      readonly state: EntityState;
      readonly hidden: boolean;
      /** Its prepared work is still to be done. */
      readonly waiting: boolean;
    }
  | { readonly status: "refused" | "conflict" };

/** Results by operation id; empty with `stale` when a position was not where the caller thought: read again from it. */
export interface Applied {
  readonly results: ReadonlyMap<string, Result>;
  /** What the transaction counted, over all its positions. */
  readonly counts: Counts;
  /** Records parked because their id was used before for something else. */
  readonly conflicts: readonly ParkedRow[];
  readonly stale: { readonly key: string; readonly next: number } | null;
}

export const NOTHING_APPLIED: Applied = { results: new Map(), counts: NO_COUNTS, conflicts: [], stale: null };

/** Decides one batch. */
export function decideBatch(
  model: GraphModel,
  request: ApplyRequest,
  state: TransactState,
): { decision: Decision; applied: Applied } {
  for (const { key, from } of request.advances) {
    const { next } = state.position(key);
    if (next !== from) return { decision: { stop: true }, applied: { ...NOTHING_APPLIED, stale: { key, next } } };
  }
  const { unparking } = request;
  // Two decisions about one record: the second finds it gone.
  if (unparking !== undefined && !state.isParked(unparking.key)) {
    return { decision: { stop: true }, applied: NOTHING_APPLIED };
  }
  const batch = createBatch(model, state);
  for (const advance of request.advances) batch.count(advance.key, { records: advance.gap, gap: advance.gap });
  for (const { row, countedBy } of request.parked) batch.park(row, countedBy);
  for (const arrival of request.arrivals) batch.take(arrival, versionOf(arrival.operation));
  if (unparking !== undefined && !batch.unpark(unparking)) {
    return {
      decision: { stop: true },
      applied: { ...NOTHING_APPLIED, results: batch.results((key) => state.entity(key) ?? ABSENT) },
    };
  }

  const settled = settle(model, batch.after, (key) => state.entity(key), false);
  if ("need" in settled) return { decision: settled, applied: NOTHING_APPLIED };
  const saved = new Map(settled.saves.map((save): [string, StoredEntity] => [save.key, { ...save, existing: true }]));
  const need = new Set<string>();
  const lookup: Lookup = (key) => saved.get(key) ?? state.entity(key) ?? (need.add(key) && ABSENT);
  const results = batch.results(lookup);
  if (need.size > 0) return { decision: { need: [...need].sort() }, applied: NOTHING_APPLIED };
  const to = new Map(request.advances.map((advance) => [advance.key, advance.to]));
  const positions = [...batch.counts].map(([key, counts]) => {
    const held = state.position(key);
    return { key, next: to.get(key) ?? held.next, counts: addCounts(held.counts, counts) };
  });
  return {
    decision: {
      write: {
        positions,
        entities: settled.saves,
        names: [...batch.names].filter((key) => !batch.after.has(key)).sort(),
        ledger: [...batch.ledger.values()],
        outbox: batch.outbox,
        parked: batch.parked,
        retries: [...batch.retries.values()],
        retried: batch.retried,
        unparked: unparking === undefined ? [] : [unparking.key],
        decisions: batch.decisions,
        questions: batch.questions,
        sweeps: settled.sweeps,
      },
    },
    applied: {
      results,
      counts: [...batch.counts.values()].reduce(addCounts, NO_COUNTS),
      conflicts: batch.parked.slice(request.parked.length),
      stale: null,
    },
  };
}

/** Collects the effects of arrivals, one after the other. */
function createBatch(model: GraphModel, state: TransactState) {
  const after = new Map<string, EntityState>();
  const names = new Set<string>();
  const ledger = new Map<string, LedgerRow>();
  const counts = new Map<string, { -readonly [Name in keyof Counts]: Counts[Name] }>();
  const outcomes = new Map<
    string,
    { arrival: Arrival; row: LedgerRow | null; duplicate: boolean; conflict: boolean }
  >();
  const retries = new Map<string, RetryRow>();
  const retried: string[] = [];
  const decisions: DecisionRow[] = [];
  const questions: Question[] = [];
  const outbox: OutboxRow[] = [];
  const parked: ParkedRow[] = [];
  const stateOf = (key: string): EntityState => after.get(key) ?? state.entity(key)!.state;
  const count = (key: string, more: Partial<Counts>): void => {
    const held = counts.get(key) ?? { ...NO_COUNTS };
    counts.set(key, held);
    for (const name in more) held[name as keyof Counts] += more[name as keyof Counts]!;
  };
  const park = (row: ParkedRow, countedBy: string): void => {
    parked.push(row);
    count(countedBy, { records: 1, parked: 1 });
  };
  const note = (arrival: Arrival, row: LedgerRow | null, duplicate: boolean, conflict = false): void => {
    outcomes.set(arrival.operation.id, { arrival, row, duplicate, conflict });
  };

  const takeAgain = (arrival: Arrival, row: LedgerRow): void => {
    if (row.hash !== arrival.hash) {
      if (arrival.conflictRow !== undefined) park(arrival.conflictRow(), arrival.countedBy);
      note(arrival, null, false, true);
    } else {
      count(arrival.countedBy, { records: 1, duplicate: 1 });
      note(arrival, row, true);
    }
  };

  const applyFirst = (arrival: Arrival, key: string, version: string): void => {
    let won = 0;
    let registers = 0;
    const lost: string[] = [];
    for (const change of arrival.changes) {
      const held = stateOf(change.key);
      const joined = join(held, change, version);
      won += joined.won;
      lost.push(...joined.lost);
      registers += registersOf(change);
      if (joined.state !== held) after.set(change.key, joined.state);
    }
    // Whoever is referred to is named, also when the reference loses (core-proof #10).
    for (const target of targetsOf(model, arrival.changes)) names.add(target);
    const main = arrival.changes[0];
    const outcome: Outcome =
      main === undefined
        ? { outcome: "applied" }
        : outcomeOf(won, lost, isAlive(stateOf(main.key)), main.type === "delete");
    const row = ledgerRow(arrival, key, outcome, main?.key ?? noEntity(arrival), registers, state.nowMs);
    const waits = arrival.prepares !== undefined && !arrival.prepares.results.some(isApplied);
    if (waits) retries.set(key, retryRow(row, arrival, state.nowMs));
    else ledger.set(key, row);
    if (arrival.outbox !== undefined) outbox.push(arrival.outbox);
    if (arrival.question !== undefined) questions.push(arrival.question);
    if (arrival.decision !== undefined) decisions.push(arrival.decision);
    count(arrival.countedBy, {
      records: 1,
      first: 1,
      [waits ? "waiting" : row.outcome.outcome]: 1,
      ...(arrival.minted ? {} : { foreign: 1 }),
      ...(arrival.derived ? { derived: 1 } : {}),
    });
    note(arrival, row, false);
    if (arrival.finishes !== undefined) finish(arrival.operation, arrival.finishes);
  };

  const isApplied = (key: string): boolean => ledger.has(key) || state.ledger(key) !== undefined;

  /** The request of a result becomes terminal in the result's own transaction; one not met yet will find the result. */
  const finish = ({ tenant, flow }: Operation, requestId: string): void => {
    const key = ledgerKey(tenant, requestId);
    const waiting = retries.get(key) ?? state.retry(key);
    if (waiting === undefined || isApplied(key)) return;
    const row = { ...waiting.row, atMs: state.nowMs };
    ledger.set(key, row);
    if (!retries.delete(key)) retried.push(key);
    count(stripeKey("prepared", flow, requestId), { waiting: -1, [row.outcome.outcome]: 1 });
  };

  return {
    after,
    names,
    ledger,
    counts,
    outbox,
    parked,
    retries,
    retried,
    decisions,
    questions,
    count,
    park,
    /** False when the record's operation cannot be taken, and has to stay parked. */
    unpark({ discarded }: Unparking): boolean {
      if ([...outcomes.values()].some(({ conflict }) => conflict)) return false;
      // What has or awaits its outcome by another record keeps it.
      if (discarded === undefined || isApplied(discarded.row.key) || state.retry(discarded.row.key)) return true;
      ledger.set(discarded.row.key, { ...discarded.row, atMs: state.nowMs });
      count(discarded.countedBy, { records: 1, first: 1, discarded: 1 });
      return true;
    },
    take(arrival: Arrival, version: string): void {
      const key = ledgerKey(arrival.operation.tenant, arrival.operation.id);
      const waiting = arrival.prepares && (retries.get(key) ?? state.retry(key));
      const known = ledger.get(key) ?? state.ledger(key) ?? waiting?.row;
      const main = arrival.changes[0];
      if (known !== undefined) takeAgain(arrival, known);
      else if (arrival.refuseUnseen && main && main.type !== "create" && !isAlive(stateOf(main.key)))
        note(arrival, null, false);
      else applyFirst(arrival, key, version);
    },
    results(lookup: Lookup): Map<string, Result> {
      const results = new Map<string, Result>();
      for (const [id, { arrival, row, duplicate, conflict }] of outcomes) {
        if (row === null) results.set(id, { status: conflict ? "conflict" : "refused" });
        else {
          const main = arrival.changes[0];
          const waiting = !isApplied(row.key);
          const entity = main ? lookup(main.key) : ABSENT;
          const hides =
            arrival.path !== "kafka" && main !== undefined && isHidden(model, main.key, entity.state, lookup);
          const hidden = entity.hidden || hides;
          results.set(id, { status: "done", row, duplicate, waiting, state: entity.state, hidden });
        }
      }
      return results;
    },
  };
}

/** Stands for the entity of an operation that is about none: nothing is ever stored under it. */
export function noEntity({ operation }: Pick<Arrival, "operation">): string {
  return entityKey(operation.tenant, NO_KIND, operation.id);
}

/** The kind of {@link noEntity}, and of no entity. */
export const NO_KIND = "Operation";

function retryRow(row: LedgerRow, { operation, prepares }: Arrival, nowMs: number): RetryRow {
  const { record } = prepares!;
  return { key: row.key, flow: operation.flow, row, record, attempts: 0, dueMs: nowMs, reason: "" };
}

function registersOf(change: Change): number {
  if (change.type === "delete") return 1;
  return Object.keys(change.fields).length + (change.type === "create" ? 1 : 0);
}

function ledgerRow(
  arrival: Arrival,
  key: string,
  outcome: Outcome,
  entity: string,
  registers: number,
  atMs: number,
): LedgerRow {
  const { flow, type, stamp } = arrival.operation;
  return { key, flow, type, path: arrival.path, outcome, hash: arrival.hash, stamp, entity, registers, atMs };
}

/** Keys that the reference fields of these changes name. */
export function targetsOf(model: GraphModel, changes: readonly Change[]): string[] {
  const targets: string[] = [];
  for (const change of changes) {
    if (change.type === "delete") continue;
    for (const { field } of kindIn(model, kindOfKey(change.key)).references) {
      const value = change.fields[field];
      if (typeof value === "string") targets.push(value);
    }
  }
  return targets;
}
