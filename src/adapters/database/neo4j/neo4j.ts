// Graph and ledger on Neo4j: the whole port over one of two transports.
import type { GraphModel } from "../../../domain/model.ts";
import type { Database } from "../../../ports/database.ts";
import { GraphFailure } from "./failure.ts";
import { graphReads } from "./graph-reads.ts";
import { ledgerReads } from "./ledger-reads.ts";
import { migrate } from "./migrate.ts";
import { parked } from "./parked.ts";
import { readAnswer } from "./question.ts";
import { type Retrying, retrying } from "./retry.ts";
import { search } from "./search.ts";
import { shapeOf } from "./shape.ts";
import { tasks } from "./tasks.ts";
import { createTransact } from "./transact.ts";
import type { Transport } from "./transport.ts";
import { createTurns } from "./turns.ts";

/** How long a refused user is not tried again. */
const TURNED_AWAY_MS = 60_000;

export interface Neo4jOptions extends Retrying {
  readonly transport: Transport;
  readonly model: GraphModel;
  /** Remembers that the schema is the newest, for databases that are opened again for every request. */
  readonly memory?: { isNewest: boolean };
}

/**
 * The database port over Neo4j. The schema is made on first use, and looked at again after it could not be. Throws
 * SchemaError for a database that is not ours or newer, AppError `graph_unavailable` for every failure but that of a
 * statement: what Neo4j cannot store is the fault of an operation.
 */
export function neo4jDatabase({ transport, model, memory, ...options }: Neo4jOptions): Database {
  const shape = shapeOf(model);
  let ready: Promise<void> | undefined;
  const prepared = async (): Promise<void> => {
    if (memory?.isNewest === true) return;
    ready ??= migrate(transport, options.name).catch((error) => {
      ready = undefined;
      throw error;
    });
    await ready;
    if (memory !== undefined) memory.isNewest = true;
  };
  // A server lets nobody in by a name with which a wrong password came too often: others may have the right one.
  const turnedAway = { failure: undefined as GraphFailure | undefined, untilMs: 0 };
  const guardDoor = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (turnedAway.failure !== undefined && performance.now() < turnedAway.untilMs) throw turnedAway.failure;
    try {
      return await work();
    } catch (error) {
      if (error instanceof GraphFailure && error.kind === "stranger") {
        turnedAway.failure = error;
        turnedAway.untilMs = performance.now() + TURNED_AWAY_MS;
      }
      throw error;
    }
  };
  const using = <Result>(work: () => Promise<Result>, divisible = true): Promise<Result> =>
    retrying(
      options,
      () =>
        guardDoor(async () => {
          await prepared();
          return work();
        }),
      { divisible },
    );
  const bare: Transport = {
    ...transport,
    run: (text, params) => retrying(options, () => transport.run(text, params), { divisible: true }),
  };
  const takeTurns = createTurns();
  const transact = createTransact(transport, shape);
  const each: Transport = { ...transport, run: (text, params) => using(() => transport.run(text, params)) };
  return {
    transact(request, decide) {
      const work = () => using(() => transact(request, decide), request.ledger.length > 1);
      // Where there are no locks to wait for.
      return transport.begin === undefined ? takeTurns([...request.positions, ...request.keys], work) : work();
    },
    search: (query, cursor, limit) => search(each, shape, query, cursor, limit),
    queryAnswer: (key) => readAnswer(each, key),
    close: () => transport.close(),
    ...graphReads(each, shape),
    ...ledgerReads(each),
    // An idle tick is this one look: whose database it is will be asked before anything is written.
    agenda: ledgerReads(bare).agenda,
    ...tasks(each),
    ...parked(each),
  };
}
