// One service put together by hand: SQLite in memory, a broker in memory, a clock that stands still, and the program
// under test between them. Faults, fates and identities come from the journey.
import type { Accept } from "../../src/app/accept.ts";
import type { Engine } from "../../src/app/engine.ts";
import type { Reads } from "../../src/app/reads.ts";
import type { Tick } from "../../src/app/tick.ts";
import type { Vitals } from "../../src/app/vitals.ts";
import type { Flow } from "../../src/flows/define.ts";
import type { Database, Writes } from "../../src/ports/database.ts";
import type { Sql } from "../../src/sql/sql.ts";
import { type Faults, faultyDatabase, noFaults } from "../support/faulty-database.ts";
import { createMemoryBroker, type Fate, type MemoryBroker } from "../support/memory-broker.ts";
import { type Core, STILL_ENTROPY } from "./core.ts";
import { NOW_MS, scriptedIntake } from "./identity.ts";

export const PARTITIONS = 2;

/** How a service differs from the one that journeys use. */
export interface WorldOptions {
  /** Flows other than the product's. */
  readonly flows?: readonly Flow[];
  /** Mints identities itself, and refuses direct changes of what does not exist. Journeys bring their own identities. */
  readonly real?: boolean;
}

export interface World {
  readonly core: Core;
  readonly sql: Sql;
  /** Without faults, for looking at the end. */
  readonly database: Database;
  readonly broker: MemoryBroker;
  readonly engine: Engine;
  readonly accept: Accept;
  readonly tick: Tick;
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
  /** All writes in commit order. */
  readonly committed: Writes[];
  /** Gives the database back; what it held is gone. */
  close(): void;
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
  const sql = core.idle.pop() ?? core.sql.openNodeSql(":memory:");
  const name = "the property's database";
  const database = core.sqlite.sqliteDatabase({ open: () => sql, migrations: core.migrations, name, nowMs });
  const faults = noFaults();
  const committed: Writes[] = [];
  const crashed = () => {
    // Before the commit SQLite rolls back for certain; after it nobody can tell.
    const ambiguous = faults.crash === "after commit";
    return new core.errors.AppError("graph_unavailable", "the test crashed here", { ambiguous });
  };
  const faulty = faultyDatabase(database, faults, crashed, (writes) => committed.push(writes));

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
  const deps = { flows, model, clock: { nowMs }, stampClock, entropy, database: faulty, broker, log };
  const vitals = core.vitals.createVitals(deps);
  // A 404 would leave operations out of the set; rule #22 is tested on its own.
  if (options.real !== true) vitals.isDrained = () => false;
  const engine = core.engine.createEngine(deps);
  const minting = core.intake.createIntake(deps);
  const { intake, expect } = scriptedIntake(minting);
  const flowsOn = new Set(flows.map((flow) => flow.name));
  const receive = core.receive.createReceive(deps);
  return {
    core,
    sql,
    database,
    broker,
    engine,
    accept: core.accept.createAccept({
      ...deps,
      intake: options.real === true ? minting : intake,
      engine,
      vitals,
      flowsOn,
    }),
    tick: core.tick.createTick({ ...deps, engine, receive, vitals, random: () => 0.5 }),
    vitals,
    reads: core.reads.createReads(deps),
    sweep: () => core.sweep.sweep({ model, database: faulty }),
    expectIdentities: expect,
    faults,
    plan,
    clock,
    nextStamp: () => stampClock.next(),
    flowsOn,
    committed,
    close() {
      for (const table of tablesOf(sql)) sql.run(`DELETE FROM ${table}`);
      core.idle.push(sql);
    },
  };
}

function tablesOf(sql: Sql): string[] {
  return sql.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'").map(({ name }) => name);
}

/** The dump as a list of lines. */
export async function dumpOf(world: Pick<World, "core" | "database">, registers: boolean): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of world.core.dump.dump(world.core.flows.model, world.database, registers)) lines.push(line);
  return lines;
}
