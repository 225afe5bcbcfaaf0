// Properties about the ledger: outcomes and counts (5 of core-proof c), identity (#24) and clocks (#27).
import type { Case, PlainOperation } from "./case.ts";
import type { Told } from "./client.ts";
import type { Core } from "./core.ts";
import { expectSame, expectSameLines, Violation } from "./expect.ts";
import { after, effective } from "./graph-properties.ts";
import { countRegisters, createHistorian, outcomeLine } from "./historian.ts";
import { type Fixed, fixCase, withResults } from "./identity.ts";
import { travel } from "./travel.ts";
import type { World } from "./world.ts";

export async function outcomesAreHistory(core: Core, from: Case): Promise<void> {
  const fixed = fixCase(core, from);
  const { world, told } = await travel(core, fixed, from, { which: 0 });
  try {
    const operations = new Map(
      withResults(effective(fixed)).map(({ plain }) => [core.key.ledgerKey(plain.tenant, plain.id), plain]),
    );
    await expectOutcomes(world, operations, told);
    await expectCounts(world, fixed);
  } finally {
    await world.close();
  }
}

async function expectOutcomes(
  world: World,
  operations: ReadonlyMap<string, PlainOperation>,
  told: readonly Told[],
): Promise<void> {
  const { core, database, committed, decided, store } = world;
  const historian = createHistorian();
  expectSameLines(
    "an accepted id has no outcome, or an outcome has no accepted id",
    (await store.ledger()).map(({ key }) => key),
    [...operations.keys()],
  );
  const standing = await database.ledgerRows([...operations.keys()]);
  expectSame("operations decided", decided.length, operations.size);
  for (const row of decided) {
    const operation = operations.get(row.key)!;
    const expected = historian(operation, row.entity);
    expectSame(`outcome of ${row.key} when committed`, outcomeLine(row.outcome), expected);
    expectSame(`outcome of ${row.key} at rest`, outcomeLine(standing.get(row.key)!.outcome), expected);
    expectSame(`stamp of ${row.key}`, row.stamp, operation.stamp);
    expectSame(`registers of ${row.key}`, row.registers, countRegisters(operation));
  }
  for (const { key } of committed.flatMap(({ outbox }) => outbox)) {
    expectSame(`outbox row of query ${key}`, operations.get(key)?.type === "query", false);
  }
  for (const { key, entity, outcome, stamp } of standing.values()) {
    if (outcome.outcome !== "superseded") continue;
    const { state } = (await database.entities([entity])).get(entity)!;
    const version = core.state.versionOf({ stamp, id: operations.get(key)!.id });
    expectSame(`current registers of superseded ${key}`, core.state.countCurrent(state, version), 0);
  }
  for (const { fixed, answer } of told) {
    expectSame("id in the answer", answer.id, fixed.plain.id);
    expectSame("stamp in the answer", answer.stamp, fixed.plain.stamp);
    if (answer.status === 202) continue;
    const { outcome } = standing.get(core.key.ledgerKey(fixed.plain.tenant, fixed.plain.id))!;
    expectSame(`answer to a client of ${answer.id}`, outcomeLine(answer), outcomeLine(outcome));
  }
}

/** Of each partition: everything it holds was counted once (core-proof #39). Of each flow: every id was first once. */
async function expectCounts({ core, broker, database }: World, fixed: readonly Fixed[]): Promise<void> {
  const rows = await database.allPositions();
  const held = new Map<string, number>();
  for (const { topic, partition, records } of broker.contents()) held.set(`${topic}/${partition}`, records.length);
  const firstOf = new Map<string, number>();
  const total = { foreign: 0, parked: 0, derived: 0, waiting: 0 };
  for (const { key, next, counts } of rows) {
    if (!core.accounting.isClosed(counts))
      throw new Violation(`counts of ${key} do not close: ${JSON.stringify(counts)}`);
    const position = core.accounting.parsePositionKey(key);
    for (const name of ["foreign", "parked", "derived", "waiting"] as const) total[name] += counts[name];
    if (position.path === "kafka") {
      const end = held.get(`${position.topic}/${position.partition}`)!;
      held.delete(`${position.topic}/${position.partition}`);
      expectSame(`position ${key}`, next, end);
      expectSame(`records counted on ${key}`, counts.records, end);
      add(firstOf, core.flows.flows.find(({ topic }) => topic === position.topic)!.name, counts.first);
    } else add(firstOf, position.flow, counts.first);
  }
  for (const [partition, records] of held) expectSame(`records of ${partition} that no position counts`, records, 0);
  const all = withResults(effective(fixed)).map(({ plain }) => plain);
  for (const { name } of core.flows.flows) {
    const ids = all.filter(({ flow }) => flow === name).length;
    expectSame(`first operations of ${name}`, firstOf.get(name) ?? 0, ids);
  }
  expectSame("foreign operations", total.foreign, all.filter(({ foreign }) => foreign).length);
  expectSame("derived operations", total.derived, all.filter(({ derived }) => derived).length);
  expectSame("waiting requests", total.waiting, 0);
  const ahead = fixed.filter(({ plain }) => plain.ahead).reduce((sum, { trips }) => sum + trips[0].length, 0);
  expectSame("parked records", total.parked, ahead);
  expectSame("parked rows", (await database.backlog()).parked, ahead);
}

function add(sums: Map<string, number>, name: string, count: number): void {
  sums.set(name, (sums.get(name) ?? 0) + count);
}

/**
 * Id and stamp are fixed together before the first attempt (core-proof #24); an id of ours is never unknown, and one that
 * somebody made up always is (#40).
 */
export async function identityNeverChanges(core: Core, from: Case): Promise<void> {
  const fixed = fixCase(core, from);
  const records = new Map(withResults(fixed).map(({ plain, record }) => [`${plain.tenant} ${plain.id}`, record]));
  const [first] = fixed.filter(({ plain }) => !plain.foreign);
  const afterStep = async ({ reads }: World): Promise<void> => {
    if (first === undefined) return;
    const { id, tenant } = first.plain;
    const madeUp = id.slice(0, -1) + (id.endsWith("0") ? "1" : "0");
    const [ours, nobodys] = await reads.statuses([id, madeUp], tenant);
    expectSame(`whether ${id} is known`, ours !== null, true);
    expectSame(`whether ${madeUp} is known`, nobodys !== null, false);
  };
  await after(core, fixed, from, { which: 0, afterStep }, async ({ broker }) => {
    for (const { topic, records: held } of broker.contents()) {
      for (const { value, offset } of held) {
        const text = new TextDecoder().decode(value!);
        const { tenant, id } = JSON.parse(text) as { tenant: string; id: string };
        expectSame(`record ${topic}@${offset}`, text, records.get(`${tenant} ${id}`));
      }
    }
  });
}

/** A stranger's stamp never moves our clock, and one too far ahead has no effect (core-proof #27). */
export async function clockIsNotPoisoned(core: Core, from: Case): Promise<void> {
  const fixed = fixCase(core, from);
  // The result of a stranger's request is our own operation, and later than the request.
  const minted = withResults(fixed).filter(({ plain }) => !plain.foreign);
  const mintedMs = minted.map(({ plain }) => core.stamp.stampMs(plain.stamp));
  const afterStep = async ({ clock, nextStamp }: World): Promise<void> => {
    const aheadMs = core.stamp.stampMs(nextStamp()) - Math.max(clock.ms, ...mintedMs);
    expectSame("milliseconds by which the clock runs ahead", Math.max(0, aheadMs), 0);
  };
  await after(core, fixed, from, { which: 0, afterStep }, async ({ database }) => {
    for (const { plain } of fixed.filter((candidate) => candidate.plain.ahead)) {
      const key = core.key.ledgerKey(plain.tenant, plain.id);
      const parked = await database.parkedReasons([key]);
      expectSame(`why ${plain.id} was parked`, parked.get(key)?.reason, "stamp_ahead");
    }
  });
}
