// The property about parked records: whatever was decided about them, in whatever order it reached the log, a rebuild
// decides the same (core-proof #36).
import type { Core } from "./core.ts";
import type { DecisionCase, DecisionStep, Poison, Verdict } from "./decision-case.ts";
import { expectSame, expectSameLines } from "./expect.ts";
import { type Fixed, fixCase } from "./identity.ts";
import { rebuiltFrom } from "./rebuilt.ts";
import { rest } from "./travel.ts";
import { createWorld, dumpOf, type World } from "./world.ts";

/** Of whoever decides: parked records belong to the whole service. */
const TENANTS = ["default", "another"] as const;

export async function decisionsAreRecords(core: Core, from: DecisionCase): Promise<void> {
  const world = createWorld(core, { real: true });
  world.faults.decidesTwice = from.decidesTwice;
  const fixed = fixCase(core, { seeds: from.seeds.map(({ seed }) => seed) });
  const records = fixed.map((one, i) => ({ ...one, record: poisoned(one.record, from.seeds[i]!.poison) }));
  try {
    const desk = createDesk(core, world, fixed);
    for (const step of from.steps) await take(world, records, desk.decide, step);
    await rest(world);
    await expectCarriedOut(world, desk);
    const contents = world.broker.contents();
    const rebuilt = await rebuiltFrom(core, from.reversed ? contents.reverse() : contents, from.decidesTwice);
    try {
      expectSameLines("a rebuild has other registers", await dumpOf(rebuilt, true), await dumpOf(world, true));
      expectSameLines("a rebuild has other parked records", await parkedIn(rebuilt), await parkedIn(world));
      expectSameLines("a rebuild discarded others", await discardedIn(rebuilt), await discardedIn(world));
      for (const { database } of [world, rebuilt]) {
        for (const { key, counts } of await database.allPositions()) {
          expectSame(`difference of the counts of ${key}`, core.accounting.difference(counts), 0);
        }
      }
    } finally {
      await rebuilt.close();
    }
  } finally {
    await world.close();
  }
}

function poisoned(record: string, poison: Poison): string {
  if (poison === "none") return record;
  if (poison === "cut off") return record.slice(0, -1);
  if (poison === "version") return record.replace(/(urn:tidegate:[^"]*):\d+"/, '$1:99"');
  return record.replace(/"data":\{/, '"data":{"nobody asked":1,');
}

async function parkedIn({ database }: World): Promise<string[]> {
  return (await database.listParked({}, "", 1_000)).rows.map(({ key, reason }) => `${key} ${reason}`);
}

async function discardedIn({ store }: World): Promise<string[]> {
  return (await store.ledger()).filter(({ outcome }) => outcome === "discarded").map(({ key }) => key);
}

/** The first decision about an operation that is more than a replay. */
interface FirstDecision {
  readonly record: string;
  readonly verdict: Verdict;
  /** Whether the parked record says which operation it is. */
  readonly isNamed: boolean;
}

interface Desk {
  readonly decide: (step: DecisionStep) => Promise<void>;
  /** By ledger key. */
  readonly first: Map<string, FirstDecision>;
}

/**
 * Somebody who decides about one of the records that are parked now. Several decisions about one record may be asked for
 * at once; of two records of one operation, the second is treated as the first.
 */
function createDesk(core: Core, world: World, fixed: readonly Fixed[]): Desk {
  const deadLetters = core.parked.createDeadLetters({
    ...world,
    flows: core.flows.flows,
    clock: { nowMs: () => world.clock.ms },
  });
  const first: Desk["first"] = new Map();
  const decide: Desk["decide"] = async ({ n, verdict, partition }) => {
    const tenant = TENANTS[partition % TENANTS.length]!;
    const { items } = await deadLetters.list({}, "", 100);
    const parked = items[n % Math.max(1, items.length)];
    if (parked === undefined) return;
    const { record, operation } = parked;
    const { plain, record: whole } = operationOf(await deadLetters.inspect(record), fixed);
    const key = core.key.ledgerKey(plain.tenant, plain.id);
    const before = first.get(key) ?? { record, verdict, isNamed: operation !== null };
    if (verdict !== "replay" && before.record !== record && before.verdict !== verdict) return;
    try {
      const value = verdict === "edit" ? whole : verdict === "other edit" ? exchanged(whole) : undefined;
      const answer = await (verdict === "discard"
        ? deadLetters.discard(record, tenant)
        : deadLetters.replay(record, tenant, value));
      if (!("problem" in answer) && verdict !== "replay") first.set(key, before);
    } catch (error) {
      if (!(error instanceof core.errors.AppError) || error.code !== "invalid_input") throw error;
    }
  };
  return { decide, first };
}

/** Whatever was edited or discarded has left its place, and a discarded operation says so. */
async function expectCarriedOut({ database }: World, { first }: Desk): Promise<void> {
  const rows = await database.ledgerRows([...first.keys()]);
  for (const [key, { record, verdict, isNamed }] of first) {
    expectSame(`whether ${record} is parked`, (await database.parkedNamed(record)).length > 0, false);
    const isDiscarded = rows.get(key)?.outcome.outcome === "discarded";
    expectSame(`whether ${key} was discarded`, isDiscarded, verdict === "discard" && isNamed);
  }
}

function operationOf({ text }: { text: string | null }, fixed: readonly Fixed[]): Fixed {
  const id = /"id":"([^"]*)"/.exec(text!)![1]!;
  return fixed.find(({ plain }) => plain.id === id)!;
}

/** The same operation with other texts. */
function exchanged(record: string): string {
  return record.replaceAll('"p"', '"r"').replaceAll('"q"', '"p"');
}

const TICK = { bytesMax: 1_000_000, waitMs: 0 };

async function take(
  world: World,
  records: readonly Fixed[],
  decide: Desk["decide"],
  step: DecisionStep,
): Promise<void> {
  const { act, n, fate, partition } = step;
  const { broker, clock, faults, plan } = world;
  const tick = (recordsMax: number) => world.tick({ ...TICK, recordsMax });
  switch (act) {
    case "record": {
      const { topic, record } = records[n % records.length]!;
      broker.append(topic, partition, record);
      break;
    }
    case "again": {
      // Of everything in the log, decisions included.
      const held = broker.contents().flatMap(({ topic, records: in_ }) => in_.map(({ value }) => ({ topic, value })));
      const { topic, value } = held[held.length - 1 - (n % Math.max(1, held.length))] ?? {};
      if (topic !== undefined) broker.append(topic, partition, value!);
      break;
    }
    case "decide":
      plan.otherwise = { fate, partition };
      await decide(step);
      plan.otherwise = { fate: "ok", partition: 0 };
      break;
    case "two ticks":
      await Promise.all([tick(n + 1), tick(n + 2)]);
      break;
    case "later":
      clock.ms += 120_000;
      break;
    default:
      if (act !== "tick") faults.crash = act === "crashed tick" ? "before commit" : "after commit";
      await tick(n + 1);
      faults.crash = null;
  }
}
