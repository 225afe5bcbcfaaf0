// What a transaction looks at before it decides: under locks that it keeps, or to be compared later (core-proof b1, b2).
import type { LedgerRow } from "../../../domain/outcome.ts";
import { ABSENT, type StoredEntity } from "../../../domain/projection.ts";
import type { PositionRow, RetryRow, TransactRequest, TransactState } from "../../../ports/database.ts";
import { HELD_MAX } from "../bounds.ts";
import { GraphFailure } from "./failure.ts";
import {
  ENTITY,
  LEDGER,
  POSITION,
  RETRY,
  SIZE,
  toEntity,
  toLedgerRows,
  toPosition,
  toRetryRows,
  wholeRows,
} from "./rows.ts";
import type { Shape } from "./shape.ts";
import type { Params, Row } from "./transport.ts";

/** An entity with what saving it has to know. */
export interface LoadedEntity {
  readonly stored: StoredEntity;
  /** Characters of its state as stored. */
  readonly size: number;
  /** Its revision, raised by every write. */
  readonly v: number;
  /** Whether it bears its kind's label. */
  readonly shown: boolean;
  /** Reference fields that hold a target, by their field. */
  readonly targets: ReadonlyMap<string, string>;
  /** Those of them whose edge is not live. */
  readonly cut: readonly string[];
}

/** Everything that was loaded; entities are added as the decision asks for them. */
export interface Loaded {
  readonly state: TransactState;
  readonly entities: Map<string, LoadedEntity>;
  readonly positions: ReadonlyMap<string, PositionRow & { readonly v: number }>;
  readonly retries: ReadonlyMap<string, RetryRow>;
  readonly parked: ReadonlySet<string>;
}

/** Statements that load. */
export interface Loads {
  /** Answers one row for {@link toLoaded}. */
  readonly all: string;
  /** More entities: one row with a list for {@link addEntities}. */
  readonly more: string;
}

const READ_LEDGER = `CALL () { UNWIND $ledger AS k MATCH (l:Ledger {key: k}) RETURN collect([${LEDGER}]) AS ledger }`;

/** After the locks: a transaction that waited for one decides by the time at which it goes on. */
const RETURN = "RETURN positions, entities, ledger, retries, parked, datetime.realtime().epochMillis";

/** Setting a property to what it is writes nothing, but locks; what is read after it is what stands. */
const LOCK = "_lock = 0";

/**
 * What is taken along of entities that there are; the others, which are most, cost nothing on the wire. Null where their
 * states have not the room, which is known before any of them is taken.
 */
function entityColumns({ fields }: Shape): string {
  const refers = fields.map((field) => `n._${field}`).join(", ");
  const columns = `${ENTITY}, coalesce(n._v, 0), size(labels(n)) > CASE WHEN n:Unseen THEN 2 ELSE 1 END, n._cut, ${refers}`;
  return `CASE WHEN held <= $room THEN [n IN ns WHERE n._state IS NOT NULL | [${columns}]] END`;
}

const POSITION_COLUMNS = `collect([${POSITION}, coalesce(p._v, 0)])`;

/**
 * Positions, entities, ledger: locked in this order, each list sorted, so that what is read of a node is what one moment
 * held of it (decision 009). `making` makes those that are not there, which locks them, too; without it the locks end with this
 * statement, and what was read has to be compared when it is written.
 */
export function loadsOf(shape: Shape, { making }: { readonly making: boolean }): Loads {
  const locked = (pattern: string, name: string): string =>
    making ? `MERGE ${pattern} ON MATCH SET ${name}.${LOCK}` : `MATCH ${pattern} SET ${name}.${LOCK}`;
  const entities = `CALL () { UNWIND $keys AS k ${locked("(n:Entity {key: k})", "n")} WITH collect(n) AS ns, sum(${SIZE}) AS held RETURN ${entityColumns(shape)} AS entities }`;
  return {
    all: `CALL () { UNWIND $positions AS k ${locked("(p:Position {key: k})", "p")} RETURN ${POSITION_COLUMNS} AS positions }
${entities}
${READ_LEDGER}
CALL () { UNWIND $retries AS k MATCH (r:Retry {key: k}) SET r.${LOCK} RETURN collect([${RETRY}]) AS retries }
CALL () { UNWIND $parked AS k MATCH (x:Parked {key: k}) SET x.${LOCK} RETURN collect([x.key]) AS parked }
${RETURN}`,
    more: `${entities} RETURN entities`,
  };
}

export function loadParams(request: TransactRequest): Params {
  const { positions, keys, ledger, retries = [], parked = [] } = request;
  return { positions, keys, ledger, retries, parked, room: roomIn(request, []) };
}

/** Parameters of {@link Loads.more}. */
export function moreParams(request: TransactRequest, { entities }: Loaded, keys: readonly string[]): Params {
  return { keys, room: roomIn(request, [...entities.values()]) };
}

/** What more a transaction may load: any size where less cannot be taken. */
function roomIn({ divisible = false }: TransactRequest, loaded: readonly LoadedEntity[]): number {
  if (!divisible) return Number.MAX_SAFE_INTEGER;
  return HELD_MAX - loaded.reduce((sum, { size }) => sum + size, 0);
}

/** Reads the one row of {@link Loads.all}. */
export function toLoaded(shape: Shape, request: TransactRequest, rows: readonly Row[]): Loaded {
  const [positionRows, entityRows, ledgerRows, retryRows, parkedRows, nowMs] = rows[0] as unknown as [
    Row[],
    Row[] | null,
    Row[],
    Row[],
    Row[],
    number,
  ];
  const positions = new Map<string, PositionRow & { readonly v: number }>(
    request.positions.map((key) => [key, { ...toPosition([key, null, null]), v: 0 }] as const),
  );
  for (const row of positionRows) {
    const position = toPosition(row);
    positions.set(position.key, { ...position, v: row[3] as number });
  }
  const entities = new Map<string, LoadedEntity>();
  addEntities(shape, entities, request.keys, entityRows);
  const ledger = new Map<string, LedgerRow>(toLedgerRows(ledgerRows).map((row) => [row.key, row]));
  const retries = new Map(toRetryRows(retryRows).map((row) => [row.key, row]));
  const parked = new Set(wholeRows(parkedRows, 1).map(([key]) => key as string));
  const state: TransactState = {
    nowMs,
    position(key) {
      const { v: _, ...position } = positions.get(key)!;
      return position;
    },
    // What was not loaded is undefined, and then asked for.
    entity: (key) => entities.get(key)?.stored,
    ledger: (key) => ledger.get(key),
    retry: (key) => retries.get(key),
    isParked: (key) => parked.has(key),
  };
  return { state, entities, positions, retries, parked };
}

const NOTHING: LoadedEntity = { stored: ABSENT, size: 0, v: 0, shown: false, targets: new Map(), cut: [] };

/**
 * Takes note of entities that were loaded; of these keys, those without a row are absent. Throws GraphFailure where there
 * was no room for them.
 */
export function addEntities(
  { fields }: Shape,
  entities: Map<string, LoadedEntity>,
  keys: readonly string[],
  rows: readonly Row[] | null,
): void {
  if (rows === null)
    throw new GraphFailure("too_large", "what these operations are about is too much for one transaction");
  for (const key of keys) entities.set(key, NOTHING);
  for (const row of rows) {
    const [key, stored] = toEntity(row);
    const [v, shown, cut, ...refers] = row.slice(3) as unknown as [number, boolean, string[] | null, ...string[]];
    const targets = new Map(fields.flatMap((field, i) => (refers[i] == null ? [] : [[field, refers[i]] as const])));
    entities.set(key, { stored, size: (row[1] as string).length, v, shown, targets, cut: cut ?? [] });
  }
}
