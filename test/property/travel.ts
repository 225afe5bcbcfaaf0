// A journey: every operation's attempts, mixed with ticks, crashes, relays and sweeps as the case says, and then on to
// rest.
import type { Case, Step } from "./case.ts";
import { type Attempt, attempt, type Told, type Traveller } from "./client.ts";
import type { Core } from "./core.ts";
import { type Fixed, withResults } from "./identity.ts";
import { createWorld, PARTITIONS, type World, type WorldOptions } from "./world.ts";

export interface Journey {
  readonly world: World;
  readonly told: readonly Told[];
}

export interface TravelOptions {
  /** Which of the two journeys of the case. */
  readonly which: 0 | 1;
  /** Direct operations never reach the log; without them the log is complete. */
  readonly withoutDirect?: boolean;
  /** How the service differs from the usual one. */
  readonly world?: WorldOptions;
  /** Called after each step, while the journey is under way. */
  readonly afterStep?: (world: World) => Promise<void>;
}

const TICK = { bytesMax: 1_000_000, waitMs: 0 };
/** A drain that takes longer never comes to rest. */
const DRAIN_TICKS_MAX = 300;
/** Longer than any delay of the relay. */
const LATER_MS = 120_000;

/** Travels to rest. The caller closes the world. */
export async function travel(
  core: Core,
  fixed: readonly Fixed[],
  from: Case,
  options: TravelOptions,
): Promise<Journey> {
  const world = createWorld(core, options.world);
  world.faults.decidesTwice = from.decidesTwice;
  world.outside.waits = from.patience === "waits";
  world.outside.slow = from.patience === "slow outside";
  world.faults.sweepsPaused = true;
  world.faults.sweepMembersMax = 1;
  const queue = attemptsOf(fixed, options);
  const told: Told[] = [];
  const reserved = new Set<Fixed>();
  const traveller: Traveller = { world, queue, told, reserved };
  for (const step of from.steps[options.which]) {
    await take(traveller, step);
    await options.afterStep?.(world);
  }
  while (queue.length > 0) {
    await attempt(traveller, 1);
    await options.afterStep?.(world);
  }
  await rest(world);
  return { world, told };
}

function attemptsOf(fixed: readonly Fixed[], { which, withoutDirect, world }: TravelOptions): Attempt[] {
  // Nobody else can know what a living outside world will say.
  return (world?.living ? fixed : withResults(fixed))
    .flatMap((operation) =>
      operation.trips[which].map((trip): Attempt => {
        // What another producer wrote has only one way.
        if (operation.plain.foreign || operation.plain.derived)
          return { fixed: operation, trip: { ...trip, way: "record" } };
        if (trip.way === "direct" && withoutDirect) return { fixed: operation, trip: { ...trip, way: "kafka" } };
        return { fixed: operation, trip };
      }),
    )
    .sort((a, b) => a.trip.rank - b.trip.rank);
}

async function take(traveller: Traveller, { act, n }: Step): Promise<void> {
  const { world } = traveller;
  const { faults, plan } = world;
  switch (act) {
    case "client":
      return attempt(traveller, 1);
    case "batch":
      return attempt(traveller, n);
    case "crashed client":
    case "cut off client":
      faults.crash = act === "crashed client" ? "before commit" : "after commit";
      await attempt(traveller, n);
      break;
    case "tick":
      await tick(world, n);
      break;
    case "stale tick":
      faults.staleBy = n;
      await tick(world, n + 2);
      break;
    case "crashed tick":
      faults.crash = "before commit";
      await tick(world, n);
      break;
    case "cut off tick":
      faults.crash = "after commit";
      await tick(world, n);
      break;
    case "two ticks":
      await Promise.all([tick(world, n), tick(world, n + 1)]);
      break;
    case "keeping relay":
    case "refusing relay":
      plan.otherwise = { fate: act === "keeping relay" ? "unknown" : "retryable", partition: n % PARTITIONS };
      await tick(world, 1);
      break;
    case "sweep":
      faults.sweepsPaused = false;
      await world.sweep();
      break;
    case "later":
      world.clock.ms += LATER_MS;
      break;
    case "answer":
      world.outside.answer();
  }
  faults.crash = null;
  faults.staleBy = 0;
  faults.sweepsPaused = true;
  plan.otherwise = { fate: "ok", partition: 0 };
}

async function tick(world: World, recordsMax: number): Promise<void> {
  await world.tick({ ...TICK, recordsMax });
}

/** Ticks until nothing is left to do: no backlog, no outbox row, no sweep row. */
export async function rest(world: World): Promise<void> {
  world.faults.sweepsPaused = false;
  world.outside.slow = false;
  world.outside.answer();
  for (let i = 0; i < DRAIN_TICKS_MAX; i++) {
    world.clock.ms += LATER_MS;
    const report = await world.tick({ ...TICK, recordsMax: 40 });
    if (report.failures.length > 0) throw new Error(`Cannot come to rest: ${report.failures.join("; ")}`);
    if (report.more) continue;
    await world.prepare.idle();
    const { outbox, sweeps, retries } = await world.database.backlog();
    const due = await world.database.dueDecisions(1);
    if (outbox + sweeps + retries + due.length === 0) return;
  }
  throw new Error(`Cannot come to rest within ${DRAIN_TICKS_MAX} ticks`);
}
