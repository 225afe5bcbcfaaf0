// The one way to write effects. Locked, over a connection that can hold a transaction: lock and load, decide, save, commit
// (core-proof b1). Guarded, in two requests: read, decide, and one write that divides by zero when what was read has
// changed (core-proof b2). Both raise `_v`, so that they can share a database.
import type { Decision, TransactRequest, TransactState, Writes } from "../../../ports/database.ts";
import { GraphFailure } from "./failure.ts";
import { addEntities, type Loaded, type Loads, loadParams, loadsOf, moreParams, toLoaded } from "./load.ts";
import { questionParts } from "./question.ts";
import { type Part, partsOf, toStatement, toStatements } from "./save.ts";
import { divided, tooMuch, untilOf } from "./settled.ts";
import type { Shape } from "./shape.ts";
import type { OpenTransaction, Row, Transport } from "./transport.ts";

/** A decision may ask for more entities this often; each time it has strictly fewer left to ask for. */
const DECISIONS_MAX = 20;

type Decide = (state: TransactState) => Decision;

/** Runs statements; of a transaction, or each on its own. */
type Run = Transport["run"];

/** One attempt at a transaction. Throws GraphFailure, or what `decide` throws. */
export type Transact = (request: TransactRequest, decide: Decide) => Promise<void>;

/** Locks where the connection can hold a transaction, and guards where it cannot. */
export function createTransact({ begin, run }: Transport, shape: Shape): Transact {
  const loads = loadsOf(shape, { making: begin !== undefined });
  return async (request, decide) => {
    const begunMs = performance.now();
    try {
      if (begin === undefined) await guarded(run, shape, loads, request, decide);
      else await locked(begin(), shape, loads, request, decide);
    } catch (error) {
      throw isDivisible(request) ? divided(error, performance.now() - begunMs) : error;
    }
  };
}

/** Whether less can be taken at a time: of several operations, and of what a sweep recomputes with its owner. */
export function isDivisible({ ledger, keys }: TransactRequest): boolean {
  return ledger.length > 1 || (ledger.length === 0 && keys.length > 2);
}

async function locked(
  open: OpenTransaction,
  shape: Shape,
  loads: Loads,
  request: TransactRequest,
  decide: Decide,
): Promise<void> {
  try {
    const loaded = toLoaded(shape, request, await open.run(loads.all, loadParams(request)));
    const writes = await decideWith(open.run, shape, loads, loaded, request, decide);
    if (writes === null) return await open.rollback();
    await open.runAll(toStatements(writtenParts(shape, writes, loaded), untilOf(loaded.state.nowMs)));
  } catch (error) {
    await open.rollback();
    throw uncommitted(error);
  }
  await open.commit();
}

/** Before its COMMIT, or the one request that writes, nothing of a transaction stands. */
function uncommitted(error: unknown): unknown {
  if (!(error instanceof GraphFailure) || (error.kind !== "lost" && error.kind !== "late")) return error;
  return new GraphFailure(error.kind === "lost" ? "broken" : "unsent", error.message, error.cause);
}

async function guarded(
  write: Run,
  shape: Shape,
  loads: Loads,
  request: TransactRequest,
  decide: Decide,
): Promise<void> {
  // Reading leaves nothing behind, whatever became of its answer.
  const run: Run = async (text, params) => {
    try {
      return await write(text, params);
    } catch (error) {
      throw uncommitted(error);
    }
  };
  const loaded = toLoaded(shape, request, await run(loads.all, loadParams(request)));
  const writes = await decideWith(run, shape, loads, loaded, request, decide);
  if (writes === null) return;
  const guards = guardParts(writes, loaded);
  const { text, params } = toStatement(guards, writtenParts(shape, writes, loaded), untilOf(loaded.state.nowMs));
  try {
    await write(text, params);
  } catch (error) {
    throw tooMuch(error);
  }
}

function writtenParts(shape: Shape, writes: Writes, loaded: Loaded): Part[] {
  return [...partsOf(shape, writes, loaded), ...questionParts(shape, writes, loaded)];
}

/** What is to be written; null leaves everything as it is. */
async function decideWith(
  run: Run,
  shape: Shape,
  { more }: Loads,
  loaded: Loaded,
  request: TransactRequest,
  decide: Decide,
): Promise<Writes | null> {
  for (let i = 0; i < DECISIONS_MAX; i++) {
    const decision = decide(loaded.state);
    if ("stop" in decision) return null;
    if ("write" in decision) return decision.write;
    const rows = await run(more, moreParams(request, loaded, decision.need));
    addEntities(shape, loaded.entities, decision.need, rows[0]![0] as unknown as Row[] | null);
  }
  throw new Error(`Cannot decide: more entities were asked for ${DECISIONS_MAX} times`);
}

/** A divisor of 0 fails the whole statement. It has to be a whole number: 7.0 / 0 is Infinity and no error. */
const IF = (holds: string): string => `/ CASE WHEN ${holds} THEN 1 ELSE 0 END`;

const compared = (label: string): string =>
  `MERGE (n:${label} {key: r.k}) SET n._lock = 0 SET n._v = toInteger(r.to) ${IF("coalesce(n._v, 0) = toInteger(r.v)")}`;

/** One that went meanwhile is made anew by the MERGE, and then fails for what it lacks. */
const present = (label: string, property: string): string =>
  `MERGE (x:${label} {key: r}) SET x._lock = 0 ${IF(`x.${property} IS NOT NULL`)}`;

/** Locks in the order of core-proof (b), compares after each lock, and raises the revision of what is written. */
function guardParts(writes: Writes, loaded: Loaded): Part[] {
  const moved = new Set(writes.positions.map(({ key }) => key));
  const saved = new Set(writes.entities.map(({ key }) => key));
  const named = new Set(writes.names);
  const isWritten = (key: string, existing: boolean): boolean => saved.has(key) || (!existing && named.has(key));
  const heldOf = (keys: readonly string[] = [], held: { has(key: string): boolean }): string[] =>
    keys.filter((key) => held.has(key));
  return [
    {
      name: "guardedPositions",
      text: compared("Position"),
      rows: [...loaded.positions.values()].map(({ key: k, v }) => ({ k, v, to: moved.has(k) ? v + 1 : v })),
    },
    {
      name: "guardedEntities",
      text: compared("Entity"),
      rows: [...loaded.entities.keys()].sort().map((k) => {
        const { v, stored } = loaded.entities.get(k)!;
        return { k, v, to: isWritten(k, stored.existing) ? v + 1 : v };
      }),
    },
    { name: "guardedRetries", text: present("Retry", "due"), rows: heldOf(writes.retried, loaded.retries) },
    { name: "guardedParked", text: present("Parked", "at"), rows: heldOf(writes.unparked, loaded.parked) },
  ];
}
