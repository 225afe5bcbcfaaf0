// One of the processes that work off the plan: node worker.ts PLACE PLAN-SEED OWN-SEED locked|naive
// Ticks with random batches and pauses, and aborts one transaction in twenty. Ends when everything is counted.
import { setTimeout as pause } from "node:timers/promises";
import { ALONE } from "../../src/app/sharing.ts";
import { topicsOf } from "../../src/flows/configure.ts";
import type { Database } from "../../src/ports/database.ts";
import { loadCore, OWN_SOURCES, STILL_ENTROPY } from "../property/core.ts";
import { faultyDatabase, noFaults } from "../support/faulty-database.ts";
import { createMemoryBroker } from "../support/memory-broker.ts";
import { openPlace } from "./place.ts";
import { PARTITIONS, planOf, RECORDS, randomOf } from "./plan.ts";

const [place = "", planSeed = "1", ownSeed = "1", mode = "locked"] = process.argv.slice(2);

const BATCH_MAX = 40;
const PAUSE_MS_MAX = 20;
/** How long a transaction is held between loading and saving, so that processes meet and a kill finds one open. */
const HOLD_MS_MAX = 20;
const ABORT_SHARE = 0.05;
/** Longer than any run; a process that outlives its parent ends by itself. */
const LIFETIME_MS = 170_000;

const core = await loadCore(OWN_SOURCES);
const random = randomOf(Number(ownSeed));
const { flows, model } = core.flows;

const log = createMemoryBroker({ topics: flows.map(({ topic }) => topic), partitions: PARTITIONS });
for (const { fixed, partition } of planOf(core, Number(planSeed)).records) {
  log.append(fixed.topic, partition, fixed.record);
}
/** Which partitions fill a batch differs from tick to tick. */
const broker: typeof log = {
  ...log,
  read: (from, budget) =>
    log.read(
      [...from].sort(() => random() - 0.5),
      budget,
    ),
};

const opened = await openPlace(core, place, mode === "naive" ? "naive" : "locked");
const faults = noFaults();
const aborted = () => new core.errors.AppError("graph_unavailable", "the test aborted here");
const slow: Database = {
  ...opened,
  transact: (request, decide) =>
    opened.transact(request, (state) => {
      const decision = decide(state);
      hold(random() * HOLD_MS_MAX);
      return decision;
    }),
};
const database = faultyDatabase(slow, faults, aborted, () => {});

const clock = { nowMs: () => Date.now() };
const stampClock = core.stamp.createStampClock(clock.nowMs, "f".repeat(16));
const entropy = { ...STILL_ENTROPY, hex: (digits: number) => "0".repeat(digits) };
const deps = { flows, model, clock, stampClock, entropy, database, broker, log: core.log.createLog(() => {}) };
const engine = core.engine.createEngine(deps);
const vitals = core.vitals.createVitals(deps);
const tick = core.tick.createTick({
  ...deps,
  engine,
  vitals,
  topics: topicsOf(flows),
  sharing: ALONE,
  receive: core.receive.createReceive(deps),
  random,
  allFlows: flows,
  retention: { ledgerMs: 0, keysMs: 0 },
});

const endMs = Date.now() + LIFETIME_MS;
while (!(await isDone())) {
  if (Date.now() > endMs) throw new Error("Cannot come to an end: records are left that no tick applies");
  faults.crash = random() < ABORT_SHARE ? "before commit" : null;
  await tick({ recordsMax: 1 + Math.floor(random() * BATCH_MAX), bytesMax: 1_000_000, waitMs: 0 });
  await pause(random() * PAUSE_MS_MAX);
}
await opened.close();

async function isDone(): Promise<boolean> {
  const rows = await opened.allPositions();
  if (rows.reduce((sum, { counts }) => sum + counts.records, 0) < RECORDS) return false;
  return (await opened.backlog()).sweeps === 0;
}

/** Blocks this process: inside a transaction nothing may be awaited. */
function hold(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
