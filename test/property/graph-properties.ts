// Properties about the graph: 1 to 4, 6 and 7 of core-proof (c).
import type { Case } from "./case.ts";
import type { Core } from "./core.ts";
import { expectSameLines } from "./expect.ts";
import { type Fixed, fixCase, withResults } from "./identity.ts";
import { lineOf, oracle } from "./oracle.ts";
import { expectProjected } from "./projected.ts";
import { rebuiltFrom } from "./rebuilt.ts";
import { rest, type TravelOptions, travel } from "./travel.ts";
import { createWorld, dumpOf, type World } from "./world.ts";

/** A record beyond the clock of everybody has no effect: it is parked. */
export function effective(fixed: readonly Fixed[]): Fixed[] {
  return fixed.filter(({ plain }) => !plain.ahead);
}

/** Travels, looks, and cleans up. */
export async function after<Result>(
  core: Core,
  fixed: readonly Fixed[],
  from: Case,
  options: TravelOptions,
  look: (world: World) => Promise<Result>,
): Promise<Result> {
  const { world } = await travel(core, fixed, from, options);
  try {
    return await look(world);
  } finally {
    await world.close();
  }
}

function graphOf(fixed: readonly Fixed[]): string[] {
  return oracle(withResults(effective(fixed)).map(({ plain }) => plain));
}

/** The dump in the oracle's own writing. */
async function graphIn(world: World): Promise<string[]> {
  return (await dumpOf(world, false)).map((line) => lineOf(JSON.parse(line)));
}

export async function travelEqualsOracle(core: Core, from: Case): Promise<void> {
  const fixed = fixCase(core, from);
  const graph = await after(core, fixed, from, { which: 0 }, graphIn);
  expectSameLines("the graph is not the oracle's", graph, graphOf(fixed));
}

export async function twoTravelsAgree(core: Core, from: Case): Promise<void> {
  const fixed = fixCase(core, from);
  const one = await after(core, fixed, from, { which: 0 }, (world) => dumpOf(world, true));
  const other = await after(core, fixed, from, { which: 1 }, (world) => dumpOf(world, true));
  expectSameLines("two journeys end in different registers", one, other);
}

/** Nothing but the ledger remembers what was applied, so this is what the graph does without it (core-proof #37). */
export async function ledgerIsNotNeeded(core: Core, from: Case): Promise<void> {
  const fixed = fixCase(core, from);
  const world = createWorld(core);
  try {
    await world.tick({ recordsMax: 1, bytesMax: 1_000_000, waitMs: 0 });
    for (const { topic, record, trips } of fixed) {
      for (let i = 0; i < 2; i++) {
        await world.store.forgetLedger();
        world.broker.append(topic, trips[0][i]?.partition ?? 0, record);
        await world.tick({ recordsMax: 1, bytesMax: 1_000_000, waitMs: 0 });
      }
    }
    await rest(world);
    expectSameLines("a record applied twice changed the graph", await graphIn(world), graphOf(fixed));
  } finally {
    await world.close();
  }
}

export async function logAloneIsEnough(core: Core, from: Case): Promise<void> {
  const fixed = fixCase(core, from);
  const { contents, registers } = await after(core, fixed, from, { which: 0, withoutDirect: true }, async (world) => ({
    contents: world.broker.contents(),
    registers: await dumpOf(world, true),
  }));
  const rebuilt = await rebuiltFrom(core, contents.reverse(), from.decidesTwice);
  try {
    expectSameLines("the log alone gives other registers", await dumpOf(rebuilt, true), registers);
    await expectComplete(rebuilt, fixed);
  } finally {
    await rebuilt.close();
  }
}

/** All but queries is in the log, and no query is asked again (core-proof #34). */
async function expectComplete({ core, store }: World, fixed: readonly Fixed[]): Promise<void> {
  const rows = (await store.ledger()).filter(({ type }) => type !== "query");
  const logged = withResults(effective(fixed)).filter(({ plain }) => plain.type !== "query");
  expectSameLines(
    "the log does not hold what was applied",
    rows.map(({ key }) => key),
    logged.map(({ plain }) => core.key.ledgerKey(plain.tenant, plain.id)),
  );
  expectSameLines("a rebuild asked queries", await store.answers(), []);
}

export async function tenantsStandAlone(core: Core, from: Case): Promise<void> {
  const fixed = fixCase(core, from);
  const alone = fixed.filter(({ plain }) => plain.tenant === "a");
  const together = await after(core, fixed, from, { which: 0 }, (world) => dumpOf(world, true));
  const separate = await after(core, alone, from, { which: 1 }, (world) => dumpOf(world, true));
  expectSameLines("another tenant changed what tenant a has", together.filter(isOfTenantA), separate);
}

/** Lines name an entity, or the two ends of an edge, which always have one tenant. */
function isOfTenantA(line: string): boolean {
  const { entity, from } = JSON.parse(line) as { entity?: string; from?: string };
  return (entity ?? from)!.startsWith("a/");
}

export async function projectionsAreCurrent(core: Core, from: Case): Promise<void> {
  const fixed = fixCase(core, from);
  await after(core, fixed, from, { which: 0 }, expectProjected);
}
