// What clients read: entities, members of a session, and the fate of an operation.
import { AppError } from "../domain/errors.ts";
import type { Json } from "../domain/json.ts";
import { entityKey, ledgerKey, parseEntityKey } from "../domain/key.ts";
import type { GraphModel } from "../domain/model.ts";
import { isMinted } from "../domain/operation-id.ts";
import type { Path } from "../domain/outcome.ts";
import { isHidden, isVisible, referralsOf, type StoredEntity } from "../domain/projection.ts";
import { countCurrent, UNTOUCHED } from "../domain/state.ts";
import { type Flow, present } from "../flows/define.ts";
import type { Entropy } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";

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
  /** Why it is parked. */
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
}

export interface ReadsDeps {
  readonly flows: readonly Flow[];
  readonly model: GraphModel;
  readonly database: Database;
  readonly entropy: Entropy;
}

const ABSENT: StoredEntity = { state: UNTOUCHED, hidden: false, existing: false };

export function createReads(deps: ReadsDeps): Reads {
  const flowOf = (kind: string): Flow => deps.flows.find((flow) => flow.kind.name === kind)!;
  return {
    async entity(kind, id, tenant) {
      const key = entityKey(tenant, kind, id);
      const [found] = await visible(deps, [key]);
      if (found === undefined) throw new AppError("not_found", `There is no ${kind} ${JSON.stringify(id)}`);
      return present(flowOf(kind), key, found.entity.state);
    },
    async members({ owner, id, kind, field, cursor, limit }, tenant) {
      const page = await deps.database.members(entityKey(tenant, owner, id), field, readCursor(cursor), limit);
      const found = await visible(deps, page.sources);
      return {
        items: found.map(({ key, entity }) => present(flowOf(kind), key, entity.state)),
        next: page.next === null ? null : writeCursor(page.next),
      };
    },
    async statuses(ids, tenant) {
      const rows = await deps.database.ledgerRows(ids.map((id) => ledgerKey(tenant, id)));
      const entities = await deps.database.entities([...new Set([...rows.values()].map((row) => row.entity))]);
      return Promise.all(
        ids.map((id) => {
          const row = rows.get(ledgerKey(tenant, id));
          return row === undefined ? unapplied(deps, id, tenant) : applied(id, row, entities.get(row.entity) ?? ABSENT);
        }),
      );
    },
  };
}

/** Those of the entities that readers may meet. Owners are looked at again: a sweep may not have come by yet. */
async function visible({ model, database }: ReadsDeps, keys: readonly string[]) {
  const entities = await database.entities(keys);
  const owners = [...entities].flatMap(([key, { state }]) => {
    const references = model.get(parseEntityKey(key).kind)!;
    return referralsOf(references, state).flatMap(({ reference, target }) => (reference.owner ? target : []));
  });
  const owning = await database.entities([...new Set(owners)].filter((key) => !entities.has(key)));
  return keys.flatMap((key) => {
    const entity = entities.get(key)!;
    const hidden = isHidden(model, key, entity.state, (owner) => entities.get(owner) ?? owning.get(owner) ?? ABSENT);
    return isVisible(model, key, { state: entity.state, hidden: hidden || entity.hidden }) ? [{ key, entity }] : [];
  });
}

function applied(
  id: string,
  row: NonNullable<Awaited<ReturnType<Database["ledgerRows"]>> extends Map<string, infer Row> ? Row : never>,
  entity: StoredEntity,
): OperationStatus {
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
    current: standing === 0 ? false : standing === row.registers ? true : "partly",
    appliedAt: new Date(row.atMs).toISOString(),
  };
}

async function unapplied(
  { database, entropy }: ReadsDeps,
  id: string,
  tenant: string,
): Promise<OperationStatus | null> {
  const parked = await database.parkedByOperation(ledgerKey(tenant, id));
  if (parked !== undefined) return { id, state: "parked", reason: parked.reason, detail: parked.detail };
  return isMinted(id, tenant, entropy.macs) ? { id, state: "pending" } : null;
}

/** A database's cursor in base64url, which an address carries as it is. */
function writeCursor(cursor: string): string {
  return btoa(encodeURIComponent(cursor)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function readCursor(cursor: string): string {
  if (cursor === "") return "";
  try {
    const text = decodeURIComponent(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
    const parts: unknown = JSON.parse(text);
    if (Array.isArray(parts) && parts.length === 2 && parts.every((part) => typeof part === "string")) return text;
  } catch {
    // Falls through: whatever it is, it is not ours.
  }
  throw new AppError("invalid_input", "The cursor is not one that this service gave out", {
    faults: [{ pointer: "#/cursor", detail: "Not a cursor of this list" }],
  });
}
