// One service put together by hand: a database of its own (SQLite in memory unless told otherwise), a broker in memory, a clock that stands still, and the program
// under test between them. Faults, fates and identities come from the journey.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Accept } from "../../src/app/accept.ts";
import type { Engine } from "../../src/app/engine.ts";
import type { Prepare } from "../../src/app/prepare.ts";
import type { Reads } from "../../src/app/reads.ts";
import { ALONE } from "../../src/app/sharing.ts";
import type { Tick } from "../../src/app/tick.ts";
import type { Vitals } from "../../src/app/vitals.ts";
import type { LedgerRow } from "../../src/domain/outcome.ts";
import { topicsOf } from "../../src/flows/configure.ts";
import type { Flow } from "../../src/flows/define.ts";
import type { Database, Writes } from "../../src/ports/database.ts";
import { type Faults, faultyDatabase, noFaults } from "../support/faulty-database.ts";
import { createMemoryBroker, type Fate, type MemoryBroker } from "../support/memory-broker.ts";
import { EMPTY_GRAPH, STILL_MODEL, STILL_WEBHOOKS } from "../support/still-outside.ts";
import { type Core, STILL_ENTROPY } from "./core.ts";
import { NOW_MS, scriptedIntake } from "./identity.ts";
import { livingModel, livingWebhooks } from "./living-outside.ts";
import { type SlowOutside, slowOutside } from "./slow-outside.ts";
import type { Store } from "./store.ts";

export const PARTITIONS = 2;

/** How a service differs from the one that journeys use. */
export interface WorldOptions {
  /** Flows other than the product's. */
  readonly flows?: readonly Flow[];
  /** Mints identities itself, and refuses direct changes of what does not exist. Journeys bring their own identities. */
  readonly real?: boolean;
  /** Reads a log and calls nobody. */
  readonly rebuilding?: boolean;
  /** Prepared work reads the graph as it is, and nobody says the same twice. */
  readonly living?: boolean;
  /** Whether ledger rows go as soon as they may. */
  readonly forgets?: boolean;
}

export interface World {
  readonly core: Core;
  readonly store: Store;
  /** Without faults, for looking at the end. */
  readonly database: Database;
  readonly broker: MemoryBroker;
  readonly engine: Engine;
  readonly accept: Accept;
  readonly tick: Tick;
  readonly receive: ReturnType<Core["receive"]["createReceive"]>;
  readonly prepare: Prepare;
  readonly vitals: Vitals;
  readonly reads: Reads;
  readonly sweep: () => Promise<number>;
  readonly expectIdentities: ReturnType<typeof scriptedIntake>["expect"];
  readonly faults: Faults;
  /** What the broker does with coming records. */
  readonly plan: Plan;
  readonly clock: { ms: number };
  /** Next stamp that this service would mint by itself. */
  readonly nextStamp: () => string;
  /** Names of the flows whose Kafka is on; a step may empty it. */
  readonly flowsOn: Set<string>;
  readonly outside: SlowOutside;
  /** All writes in commit order. */
  readonly committed: Writes[];
  /** What became of each operation in the order they were applied: of a request when it was, not when its result came. */
  readonly decided: LedgerRow[];
  /** Gives the database back; what it held is gone. */
  close(): Promise<void>;
}

/** The id in a record of ours, which comes before anything a client wrote. */
const ID = /"id":"([^"]*)"/;

/** Fates by operation id; anything else, a relayed record for example, meets `otherwise`. */
export interface Plan {
  readonly trips: Map<string, { readonly fate: Fate; readonly partition: number }>;
  otherwise: { readonly fate: Fate; readonly partition: number };
}

export function createWorld(core: Core, options: WorldOptions = {}): World {
  const clock = { ms: NOW_MS };
  const nowMs = () => clock.ms;
  const store = core.openStore(core, nowMs);
  const { database } = store;
  const faults = noFaults();
  const committed: Writes[] = [];
  const decided: LedgerRow[] = [];
  const applying = new AsyncLocalStorage<readonly string[]>();
  const crashed = () => {
    // Before the commit SQLite rolls back for certain; after it nobody can tell.
    const ambiguous = faults.crash === "after commit";
    return new core.errors.AppError("graph_unavailable", "the test crashed here", { ambiguous });
  };
  const faulty = faultyDatabase(database, faults, crashed, (writes) => {
    committed.push(writes);
    decided.push(...inOrder(writes, applying.getStore() ?? [], decided));
  });

  const flows = options.flows ?? core.flows.flows;
  const model = core.flows.modelOf(flows);
  const plan: Plan = { trips: new Map(), otherwise: { fate: "ok", partition: 0 } };
  const planned = (record: { value: string }) => plan.trips.get(ID.exec(record.value)?.[1] ?? "") ?? plan.otherwise;
  const broker = createMemoryBroker({
    topics: flows.map((flow) => flow.topic),
    partitions: PARTITIONS,
    fate: (record) => planned(record).fate,
    partitionOf: (record) => planned(record).partition,
  });

  const log = core.log.createLog(() => {});
  const stampClock = core.stamp.createStampClock(nowMs, "f".repeat(16));
  let drawn = 0;
  const entropy = { ...STILL_ENTROPY, hex: (digits: number) => (drawn++).toString(16).padStart(digits, "0") };
  const { rebuilding = false } = options;
  const deps = { flows, model, clock: { nowMs }, stampClock, entropy, database: faulty, broker, log, rebuilding };
  const vitals = core.vitals.createVitals(deps);
  // A 404 would leave operations out of the set; rule #22 is tested on its own.
  if (options.real !== true) vitals.isDrained = () => false;
  const made = core.engine.createEngine(deps);
  const engine: Engine = {
    ...made,
    apply: (request) => {
      const keys = request.arrivals.map(({ operation }) => core.key.ledgerKey(operation.tenant, operation.id));
      return applying.run(keys, () => made.apply(request));
    },
  };
  const minting = core.intake.createIntake(deps);
  const { intake, expect } = scriptedIntake(minting);
  const flowsOn = new Set(flows.map((flow) => flow.name));
  const receive = core.receive.createReceive(deps);
  const queries = core.queries.createQueries(deps);
  const outside = slowOutside();
  const living = options.living === true;
  const graph = living ? core.visible.surroundings({ model, database: faulty }) : EMPTY_GRAPH;
  const webhooks = living ? livingWebhooks() : STILL_WEBHOOKS;
  /** Of clients: results that wait for company never wait for ever. */
  const delay = (): Promise<void> => (outside.waits ? new Promise(() => {}) : Promise.resolve());
  const prepare = core.prepare.createPrepare({
    mayAttempt: () => true,
    ...deps,
    takes: flows.map((flow) => flow.name),
    flowsOn,
    engine,
    graph: { entity: outside.held(graph.entity), members: outside.held(graph.members) },
    textModel: living ? livingModel() : STILL_MODEL,
    webhooks: { ...webhooks, call: outside.held(webhooks.call) },
    // A result's stamp follows its request's at once, whenever it is made: journeys can then be compared.
    stampClock: {
      next: (after) => core.stamp.formatStamp(core.stamp.stampMs(after!), 1, after!.slice(18)),
      observe() {},
    },
    delay: () => Promise.resolve(),
    random: () => 0.5,
    atOnce: 4,
    attemptsMax: 3,
  });
  return {
    core,
    store,
    database,
    broker,
    engine,
    accept: core.accept.createAccept({
      ...deps,
      intake: options.real === true ? minting : intake,
      engine,
      vitals,
      flowsOn,
      prepare,
      queries,
      delay,
    }),
    tick: core.tick.createTick({
      ...deps,
      engine,
      receive,
      vitals,
      topics: topicsOf(flows),
      sharing: ALONE,
      random: () => 0.5,
      prepare: rebuilding ? undefined : prepare,
      allFlows: flows,
      retention: { ledgerMs: options.forgets ? 1 : 0, keysMs: 0 },
    }),
    receive,
    prepare,
    vitals,
    reads: core.reads.createReads({ ...deps, queries, delay, ledgerMs: 0 }),
    sweep: () => core.sweep.sweep({ model, database: faulty }),
    expectIdentities: expect,
    faults,
    plan,
    clock,
    nextStamp: () => stampClock.next(),
    flowsOn,
    outside,
    committed,
    decided,
    async close() {
      outside.slow = false;
      outside.answer();
      await prepare.stop();
      await store.release();
    },
  };
}

/** Rows of the operations that a transaction met for the first time, in the order they were applied in it. */
function inOrder(
  { ledger, retries = [] }: Writes,
  arrivals: readonly string[],
  decided: readonly LedgerRow[],
): LedgerRow[] {
  const rows = new Map([...ledger, ...retries.map(({ row }) => row)].map((row) => [row.key, row]));
  const known = new Set(decided.map(({ key }) => key));
  return [...new Set(arrivals)].flatMap((key) => (known.has(key) ? [] : (rows.get(key) ?? [])));
}

/** The dump as a list of lines. */
export async function dumpOf(world: Pick<World, "core" | "database">, registers: boolean): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of world.core.dump.dump(world.core.flows.model, world.database, registers)) lines.push(line);
  return lines;
}
