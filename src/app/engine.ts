// The only place where handlers run: for ticks, for direct and fallback operations, for rebuilds. One transaction.
import { stripeKey } from "../domain/accounting.ts";
import { AppError } from "../domain/errors.ts";
import { kindOfKey, ledgerKey } from "../domain/key.ts";
import { type GraphModel, kindIn } from "../domain/model.ts";
import type { Operation } from "../domain/operation.ts";
import type { Path } from "../domain/outcome.ts";
import type { Change } from "../domain/state.ts";
import type { Flow, OperationType } from "../flows/define.ts";
import type { Entropy } from "../ports/clock.ts";
import type { Database, TransactRequest } from "../ports/database.ts";
import { createArrivals } from "./arrival.ts";
import { type Applied, type ApplyRequest, type Arrival, decideBatch, NOTHING_APPLIED, targetsOf } from "./decision.ts";
import { spanDatabase } from "./tracing.ts";

export interface EngineDeps {
  readonly flows: readonly Flow[];
  readonly model: GraphModel;
  readonly database: Database;
  readonly entropy: Entropy;
  /** Queries are not asked again (core-proof #34). */
  readonly rebuilding?: boolean;
}

export interface Engine {
  /** Makes an arrival of an operation: runs its handler, which may throw. Synchronous paths are counted on a stripe. */
  arrival(operation: Operation, path: Path, countedBy?: string): Arrival;
  /**
   * Applies arrivals, moves positions, parks records: all in one transaction or not at all. Throws AppError
   * `graph_unavailable`; anything else is a defect in what was to be applied.
   */
  apply(request: ApplyRequest): Promise<Applied>;
}

/** Finds an operation type by the names in a request or a record. */
export function findType(
  flows: readonly Flow[],
  flow: string,
  type: string,
): { flow: Flow; type: OperationType } | undefined {
  const found = flows.find((candidate) => candidate.name === flow);
  if (found === undefined || !Object.hasOwn(found.types, type)) return undefined;
  return { flow: found, type: found.types[type]! };
}

/** Creates the engine. */
export function createEngine({ flows, model, database, entropy, rebuilding = false }: EngineDeps): Engine {
  const arrivalOf = createArrivals(entropy, !rebuilding);
  return {
    arrival(operation, path, countedBy) {
      const found = findType(flows, operation.flow, operation.type);
      if (found === undefined)
        throw new AppError("internal", `Cannot apply ${operation.flow}.${operation.type}: no such type`);
      const stripe = stripeKey(path === "kafka" ? "direct" : path, operation.flow, operation.id);
      return arrivalOf(operation, found.type, { path, countedBy: countedBy ?? stripe, minted: true });
    },
    async apply(request) {
      let applied = NOTHING_APPLIED;
      await spanDatabase(request.arrivals, () =>
        database.transact(lockList(model, request), (state) => {
          const decided = decideBatch(model, request, state);
          applied = decided.applied;
          return decided.decision;
        }),
      );
      return applied;
    },
  };
}

/** Everything a batch locks and loads, each list in code-unit order without repeats (core-proof b). */
function lockList(model: GraphModel, request: ApplyRequest): TransactRequest {
  const positions = new Set(request.advances.map((advance) => advance.key));
  for (const { countedBy } of request.parked) positions.add(countedBy);
  const keys = new Set<string>();
  const ledger = new Set<string>();
  const retries = new Set<string>();
  for (const { operation, changes, countedBy, prepares, finishes } of request.arrivals) {
    const { tenant, id, flow } = operation;
    const own = ledgerKey(tenant, id);
    positions.add(countedBy);
    ledger.add(own);
    lockEntities(model, changes, keys);
    if (prepares !== undefined) {
      retries.add(own);
      for (const result of prepares.results) ledger.add(result);
    }
    if (finishes !== undefined) {
      positions.add(stripeKey("prepared", flow, finishes));
      retries.add(ledgerKey(tenant, finishes));
      ledger.add(ledgerKey(tenant, finishes));
    }
  }
  const { unparking } = request;
  if (unparking?.discarded !== undefined) {
    positions.add(unparking.discarded.countedBy);
    ledger.add(unparking.discarded.row.key);
    retries.add(unparking.discarded.row.key);
  }
  return {
    positions: [...positions].sort(),
    keys: [...keys].sort(),
    ledger: [...ledger].sort(),
    divisible: request.arrivals.length > 1,
    ...(retries.size === 0 ? {} : { retries: [...retries].sort() }),
    ...(unparking === undefined ? {} : { parked: [unparking.key] }),
  };
}

/** Entities that changes write, and those they refer to; implicit ones need no lock (core-proof #15). */
function lockEntities(model: GraphModel, changes: readonly Change[], keys: Set<string>): void {
  for (const { key } of changes) keys.add(key);
  for (const key of targetsOf(model, changes)) if (!kindIn(model, kindOfKey(key)).implicit) keys.add(key);
}
