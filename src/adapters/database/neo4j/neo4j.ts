// Graph and ledger on Neo4j: the whole port over one of two transports.
import type { GraphModel } from "../../../domain/model.ts";
import type { Database } from "../../../ports/database.ts";
import { createDoor, type TurnedAway } from "./door.ts";
import { graphReads } from "./graph-reads.ts";
import { ledgerReads } from "./ledger-reads.ts";
import { assertNewest, furtherIndexes, migrate } from "./migrate.ts";
import { parked } from "./parked.ts";
import { attemptsAt } from "./patience.ts";
import { readAnswer } from "./question.ts";
import { type Retrying, retrying } from "./retry.ts";
import { search } from "./search.ts";
import { shapeOf } from "./shape.ts";
import { tasks } from "./tasks.ts";
import { createTransact, isDivisible } from "./transact.ts";
import type { Transport } from "./transport.ts";
import { createTurns } from "./turns.ts";

/** What outlives a database that is opened again for every request. */
export interface Neo4jMemory {
  /** The schema was found to be the newest, and the indexes of the model to be there. */
  isNewest: boolean;
  turnedAway?: TurnedAway;
}

export interface Neo4jOptions extends Retrying {
  readonly transport: Transport;
  readonly model: GraphModel;
  readonly memory?: Neo4jMemory;
  /** The database is only looked at: no schema is made, and an older one is a SchemaError. */
  readonly looksOnly?: boolean;
}

/**
 * The database port over Neo4j. The schema, with the indexes by which the model's kinds are searched, is made on first
 * use, and looked at again after it could not be. Throws SchemaError for a database that is not ours or newer, AppError
 * `graph_unavailable` for every failure but that of a statement: what Neo4j cannot store is the fault of an operation.
 */
export function neo4jDatabase({
  transport,
  model,
  memory = { isNewest: false },
  looksOnly = false,
  ...options
}: Neo4jOptions): Database {
  const shape = shapeOf(model);
  const further = furtherIndexes(shape);
  const start = (): Promise<void> =>
    looksOnly ? assertNewest(transport, options.name) : migrate(transport, options.name, further);
  let ready: Promise<void> | undefined;
  const prepared = async (): Promise<void> => {
    if (memory.isNewest) return;
    ready ??= start().catch((error) => {
      ready = undefined;
      throw error;
    });
    await ready;
    memory.isNewest = true;
  };
  const guardDoor = createDoor(memory);
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
    run: (text, params) => retrying(options, () => guardDoor(() => transport.run(text, params))),
  };
  const takeTurns = createTurns();
  const transact = createTransact(transport, shape);
  const each: Transport = { ...transport, run: (text, params) => using(() => transport.run(text, params)) };
  return {
    transact(request, decide) {
      const work = () => using(attemptsAt(transact, request, decide), isDivisible(request));
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
