// What must be true of the database after every process is done, however many were killed.
import type { Database } from "../../src/ports/database.ts";
import type { Core } from "../property/core.ts";
import type { Fixed } from "../property/identity.ts";
import { lineOf, oracle } from "../property/oracle.ts";
import type { Move, Place } from "./place.ts";
import { OPERATIONS, type Plan, RECORDS } from "./plan.ts";

/** What is wrong, by what it is: all zero when nothing is. */
export interface Findings {
  /** Registers that are not the join of all operations. */
  readonly lostRegisters: number;
  /** Lines of the graph that differ from the oracle's. */
  readonly wrongLines: number;
  /** Entities whose number of effects is not the number of their operations. */
  readonly wrongCounts: number;
  /** Moves of a position that do not begin where the one before ended, or go back. */
  readonly brokenChain: number;
  /** Operations without an outcome, and differences between counts and records. */
  readonly missing: number;
}

export async function verify(core: Core, { database, ...seen }: Place, plan: Plan): Promise<Findings> {
  const effects = await seen.effects();
  return {
    lostRegisters: await countLost(database, plan.operations),
    wrongLines: await countWrongLines(core, database, plan.operations),
    wrongCounts: await countWrongCounts(core, database, effects, plan.operations),
    brokenChain: countBroken(await seen.moves()),
    missing: await countMissing(core, effects, database),
  };
}

export function isClean(findings: Findings): boolean {
  return Object.values(findings).every((count) => count === 0);
}

/** Applies in version order, each operation simply over the one before. */
async function countLost(database: Database, operations: readonly Fixed[]): Promise<number> {
  const expected = new Map<string, Map<string, string>>();
  const versionOf = ({ plain }: Fixed) => `${plain.stamp}|${plain.id}`;
  for (const fixed of [...operations].sort((a, b) => (versionOf(a) < versionOf(b) ? -1 : 1))) {
    const { type, data } = fixed.plain;
    const key = entityOf(fixed);
    const registers = type === "delete" ? new Map<string, string>() : (expected.get(key) ?? new Map<string, string>());
    expected.set(key, registers);
    const version = versionOf(fixed);
    if (type !== "update") registers.set(type === "delete" ? "died" : "born", version);
    if (type !== "delete") {
      for (const name of Object.keys(data)) if (name !== "id") registers.set(`field ${name}`, version);
    }
  }
  let lost = 0;
  const rows = new Map((await database.dumpEntities("", 10_000)).map((row) => [row.key, row.state]));
  for (const [key, registers] of expected) {
    const state = rows.get(key);
    const actual = new Map(
      Object.entries(state?.fields ?? {}).map(([name, [, version]]) => [`field ${name}`, version]),
    );
    if (state?.born != null) actual.set("born", state.born);
    if (state?.died != null) actual.set("died", state.died);
    for (const name of new Set([...registers.keys(), ...actual.keys()])) {
      if (registers.get(name) !== actual.get(name)) lost += 1;
    }
  }
  return lost;
}

function entityOf({ plain }: Fixed): string {
  const kinds: { [flow: string]: string } = { "chat-messages": "Message", session: "Session", memory: "Memory" };
  return `${plain.tenant}/${kinds[plain.flow]}/${String(plain.data.id)}`;
}

async function countWrongLines(core: Core, database: Database, operations: readonly Fixed[]): Promise<number> {
  const expected = new Set(oracle(operations.map(({ plain }) => plain)));
  let extra = 0;
  for await (const line of core.dump.dump(core.flows.model, database, false)) {
    if (!expected.delete(lineOf(JSON.parse(line)))) extra += 1;
  }
  return extra + expected.size;
}

async function countWrongCounts(
  core: Core,
  database: Database,
  effects: ReadonlyMap<string, number>,
  operations: readonly Fixed[],
): Promise<number> {
  const expected = new Map<string, number>();
  for (const fixed of operations) expected.set(entityOf(fixed), (expected.get(entityOf(fixed)) ?? 0) + 1);
  let wrong = [...expected].filter(([entity, n]) => effects.get(entity) !== n).length;
  for (const { counts } of await database.allPositions()) if (!core.accounting.isClosed(counts)) wrong += 1;
  return wrong;
}

function countBroken(moves: readonly Move[]): number {
  const reached = new Map<string, number>();
  let broken = 0;
  for (const { key, was, now } of moves) {
    if (was !== (reached.get(key) ?? 0) || now <= was) broken += 1;
    reached.set(key, now);
  }
  return broken;
}

async function countMissing(core: Core, effects: ReadonlyMap<string, number>, database: Database): Promise<number> {
  const rows = await database.allPositions();
  const sum = rows.map(({ counts }) => counts).reduce(core.accounting.addCounts, core.accounting.NO_COUNTS);
  const ends = rows.reduce((total, { next }) => total + next, 0);
  const ledger = [...effects.values()].reduce((total, n) => total + n, 0);
  return (
    Math.abs(ledger - OPERATIONS) +
    Math.abs(sum.first - OPERATIONS) +
    Math.abs(sum.duplicate - (RECORDS - OPERATIONS)) +
    Math.abs(ends - RECORDS)
  );
}
