// What clients read: entities, members of a session, and the fate of an operation.
import { AppError } from "../domain/errors.ts";
import type { Json } from "../domain/json.ts";
import { entityKey, ledgerKey, parseEntityKey } from "../domain/key.ts";
import type { GraphModel } from "../domain/model.ts";
import { isMinted, operationIdMs } from "../domain/operation-id.ts";
import type { LedgerRow, Path } from "../domain/outcome.ts";
import { ABSENT, type StoredEntity } from "../domain/projection.ts";
import { countCurrent, type EntityState, fieldValue } from "../domain/state.ts";
import { type Flow, present } from "../flows/define.ts";
import type { Basis } from "../flows/outside.ts";
import { isStale } from "../flows/texts.ts";
import type { Clock, Delay, Entropy } from "../ports/clock.ts";
import type { Database, ParkedRow, RetryRow } from "../ports/database.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { type Answered, createRoom, flowOfKind, type Queries } from "./queries.ts";
import { surroundings, visible } from "./visible.ts";

/** What became of an operation, as its resource shows it. */
export interface OperationStatus {
  readonly id: string;
  /** `pending` until its outcome is committed. */
  readonly state: "pending" | "parked" | "applied" | "superseded" | "discarded";
  readonly flow?: string;
  readonly type?: string;
  readonly path?: Path;
  readonly stamp?: string;
  readonly entity?: { readonly kind: string; readonly id: string };
  readonly unseen?: true;
  readonly lost?: readonly string[];
  /** Whether what it wrote is what stands now: a function of the set of operations, unlike the outcome. */
  readonly current?: boolean | "partly";
  readonly appliedAt?: string;
  /** Attempts at its prepared work so far, and when the next is due. */
  readonly attempts?: number;
  readonly dueAt?: string;
  /** The answer to a query, while it is kept; of many operations together, as far as there is room, and once each. */
  readonly result?: Answered;
  /** Why it is parked, or why its prepared work failed so far. */
  readonly reason?: string;
  readonly detail?: string;
}

export interface Reads {
  /** One visible entity; throws AppError `not_found`. */
  entity(kind: string, id: string, tenant: string): Promise<{ [name: string]: Json }>;
  /** Visible members of an owner in their order. A cursor is opaque; one that is not ours is `invalid_input`. */
  members(
    query: { owner: string; id: string; kind: string; field: string; cursor: string; limit: number },
    tenant: string,
  ): Promise<{ items: { [name: string]: Json }[]; next: string | null }>;
  /** Fates of operations, in order; null for an id that this service never gave to this tenant. */
  statuses(ids: readonly string[], tenant: string): Promise<(OperationStatus | null)[]>;
  /** Operations with an outcome, newest first; a page may be short and still be followed by another. */
  operations(
    filter: { flow?: string; outcome?: string },
    cursor: string,
    limit: number,
    tenant: string,
  ): Promise<{ items: OperationStatus[]; next: string | null }>;
  /** The newest summary of a session or a user; throws AppError `not_found`. */
  latestSummary(kind: string, id: string, tenant: string): Promise<{ [name: string]: Json }>;
  /**
   * Operations that got their outcome after a place in the ledger, oldest first, each with its own place, and the place to
   * go on from; `more` when what was looked at is not all there is.
   */
  operationsAfter(
    cursor: string,
    limit: number,
    tenant: string,
  ): Promise<{ items: { status: OperationStatus; cursor: string }[]; cursor: string; more: boolean }>;
  /** The place in the ledger now. */
  cursorNow(): Promise<string>;
  /** Statuses once none of them is pending any more, or `waitMs` have passed. */
  settled(ids: readonly string[], tenant: string, waitMs: number): Promise<(OperationStatus | null)[]>;
}

export interface ReadsDeps {
  readonly flows: readonly Flow[];
  readonly model: GraphModel;
  readonly database: Database;
  readonly entropy: Entropy;
  readonly queries: Queries;
  readonly clock: Clock;
  readonly delay: Delay;
  /** Ledger rows that old may be gone; 0 keeps them. */
  readonly ledgerMs: number;
}

const NONE = new Map<string, never>();

/** How often a wait looks again: soon at first, ever less often. */
const LOOK_MS = [5, 10, 20, 50, 100, 200];

export function createReads(deps: ReadsDeps): Reads {
  const flowOf = (kind: string): Flow => flowOfKind(deps.flows, kind);
  const statuses = async (ids: readonly string[], tenant: string): Promise<(OperationStatus | null)[]> => {
    const keys = ids.map((id) => ledgerKey(tenant, id));
    const rows = await deps.database.ledgerRows(keys);
    const missing = keys.filter((key) => !rows.has(key));
    const [retries, parked, known] = await Promise.all([
      missing.length === 0 ? NONE : deps.database.retryRows(missing),
      missing.length === 0 ? NONE : deps.database.parkedReasons(missing),
      appliedOf(deps.database, [...rows.values()]),
    ]);
    const results = new Map<string, Answered>();
    const room = createRoom();
    for (const row of rows.values()) {
      const result = isQuery(deps.flows, row) ? await deps.queries.answered(row.key, room) : undefined;
      if (result !== undefined) results.set(row.key, result);
    }
    return ids.map((id, i) => {
      const key = keys[i]!;
      if (!rows.has(key)) return unapplied(deps, id, tenant, { retry: retries.get(key), parked: parked.get(key) });
      const status = known.get(key)!;
      const result = results.get(key);
      return results.delete(key) ? { ...status, result: result! } : status;
    });
  };
  return {
    async entity(kind, id, tenant) {
      const key = entityKey(tenant, kind, id);
      const [found] = await visible(deps, [key]);
      if (found === undefined) throw new AppError("not_found", `There is no ${kind} ${JSON.stringify(id)}`);
      return withStale(deps, found.entity.state, present(flowOf(kind), key, found.entity.state));
    },
    async latestSummary(kind, id, tenant) {
      const query = { target: entityKey(tenant, kind, id), kind: "Summary", field: "of", cursor: "", limit: 1 };
      const { sources } = await deps.database.members({ ...query, newestFirst: true });
      const [found] = await visible(deps, sources);
      if (found === undefined) throw new AppError("not_found", `There is no summary of ${kind} ${JSON.stringify(id)}`);
      const { key, entity } = found;
      return withStale(deps, entity.state, present(flowOf("Summary"), key, entity.state));
    },
    async members({ owner, id, kind, field, cursor, limit }, tenant) {
      const target = entityKey(tenant, owner, id);
      const page = await deps.database.members({ target, kind, field, cursor: readCursor(cursor), limit });
      const found = await visible(deps, page.sources);
      return {
        items: found.map(({ key, entity }) => present(flowOf(kind), key, entity.state)),
        next: page.next === null ? null : writeCursor(page.next),
      };
    },
    statuses,
    async operations(filter, cursor, limit, tenant) {
      const { rows, next } = await deps.database.listLedger({ ...filter, tenant }, readCursor(cursor), limit);
      return {
        items: [...(await appliedOf(deps.database, rows)).values()],
        next: next === null ? null : writeCursor(next),
      };
    },
    async operationsAfter(cursor, limit, tenant) {
      const { rows, next, more } = await deps.database.ledgerAfter(tenant, readCursor(cursor), limit);
      const statuses = await appliedOf(deps.database, rows);
      const items = rows.map((row) => ({
        status: statuses.get(row.key)!,
        cursor: writeCursor(JSON.stringify([row.atMs, row.key])),
      }));
      return { items, cursor: writeCursor(next), more };
    },
    cursorNow: async () => writeCursor(JSON.stringify([await deps.database.nowMs(), ""])),
    async settled(ids, tenant, waitMs) {
      const untilMs = deps.clock.nowMs() + waitMs;
      for (let look = 0; ; look++) {
        const found = await statuses(ids, tenant);
        const leftMs = untilMs - deps.clock.nowMs();
        if (leftMs <= 0 || !found.some((status) => status?.state === "pending")) return found;
        await deps.delay(Math.min(leftMs, LOOK_MS[Math.min(look, LOOK_MS.length - 1)]!));
      }
    },
  };
}

/** The operation id of a ledger key. */
function idOf(key: string): string {
  return decodeURIComponent(key.slice(key.indexOf("/") + 1));
}

/** Whether a text model's words still rest on what is visible: a function of the set of operations (core-proof #33). */
async function withStale(deps: ReadsDeps, state: EntityState, shown: { [name: string]: Json }) {
  for (const [field, about] of [
    ["summary", "of"],
    ["analysis", "about"],
  ] as const) {
    const value = fieldValue(state, field);
    const target = fieldValue(state, about);
    if (value === null || typeof target !== "string" || (value as { basis?: Json }).basis === undefined) continue;
    const { basis } = value as unknown as { basis: Basis };
    return { ...shown, stale: await isStale(surroundings(deps), target, basis) };
  }
  return shown;
}

function isQuery(flows: readonly Flow[], { flow, type }: LedgerRow): boolean {
  return flows.find(({ name }) => name === flow)?.types[type]?.query !== undefined;
}

const ENTITIES_AT_ONCE = 100;

/** Statuses of ledger rows by key, in order. Their entities, which may all be large, are looked at a few at a time. */
async function appliedOf(database: Database, rows: readonly LedgerRow[]): Promise<Map<string, OperationStatus>> {
  const statuses = new Map<string, OperationStatus>();
  for (let from = 0; from < rows.length; from += ENTITIES_AT_ONCE) {
    const some = rows.slice(from, from + ENTITIES_AT_ONCE);
    const entities = await database.entities([...new Set(some.map((row) => row.entity))]);
    for (const row of some) statuses.set(row.key, applied(idOf(row.key), row, entities.get(row.entity) ?? ABSENT));
  }
  return statuses;
}

function applied(id: string, row: LedgerRow, entity: StoredEntity): OperationStatus {
  const { outcome: state, ...detail } = row.outcome;
  const { kind, id: entityId } = parseEntityKey(row.entity);
  const standing = countCurrent(entity.state, `${row.stamp}|${id}`);
  return {
    id,
    state,
    ...detail,
    flow: row.flow,
    type: row.type,
    path: row.path,
    stamp: row.stamp,
    entity: { kind, id: entityId },
    ...(row.registers === 0 ? {} : { current: standing === 0 ? false : standing === row.registers || "partly" }),
    appliedAt: new Date(row.atMs).toISOString(),
  };
}

function unapplied(
  { entropy, clock, ledgerMs }: ReadsDeps,
  id: string,
  tenant: string,
  { retry, parked }: { retry: RetryRow | undefined; parked: Pick<ParkedRow, "reason" | "detail"> | undefined },
): OperationStatus | null {
  if (retry !== undefined) return waiting(id, retry);
  if (parked !== undefined) return { id, state: "parked", ...parked };
  if (!isMinted(id, tenant, entropy.macs)) return null;
  // What is older than the ledger's rows is not pending: nobody knows it any more.
  return ledgerMs > 0 && operationIdMs(id) < clock.nowMs() - ledgerMs ? null : { id, state: "pending" };
}

function waiting(id: string, { row, attempts, dueMs, reason }: RetryRow): OperationStatus {
  const { kind, id: entityId } = parseEntityKey(row.entity);
  return {
    id,
    state: "pending",
    flow: row.flow,
    type: row.type,
    path: row.path,
    stamp: row.stamp,
    entity: { kind, id: entityId },
    attempts,
    ...(attempts === 0 ? {} : { reason: "prepared work failed", detail: reason, dueAt: new Date(dueMs).toISOString() }),
  };
}
