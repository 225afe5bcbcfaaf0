// Properties about what the outside world said: it is asked once, a rebuild asks nobody, and a text knows what it rests on
// (core-proof #32, #33).
import type { DumpEntity } from "../../src/ports/database.ts";
import type { Case } from "./case.ts";
import type { Core } from "./core.ts";
import { expectSame, expectSameLines, Violation } from "./expect.ts";
import { fixCase } from "./identity.ts";
import { rebuiltFrom } from "./rebuilt.ts";
import { travel } from "./travel.ts";
import { dumpOf, type World } from "./world.ts";

export async function wordsAreRecorded(core: Core, from: Case): Promise<void> {
  const fixed = fixCase(core, from);
  const options = { which: 0, withoutDirect: true, world: { living: true, forgets: true } } as const;
  const { world } = await travel(core, fixed, from, options);
  try {
    await expectBases(world);
    const rebuilt = await rebuiltFrom(core, world.broker.contents().reverse(), from.decidesTwice);
    try {
      expectSameLines("a rebuild has other registers", await dumpOf(rebuilt, true), await dumpOf(world, true));
      await expectBases(rebuilt);
    } finally {
      await rebuilt.close();
    }
  } finally {
    await world.close();
  }
}

interface Basis {
  readonly cut: string;
  readonly read: readonly (readonly [kind: string, id: string, version: string])[];
}

/** Field of the text and field of what it is about, by kind. */
const TEXTS: { readonly [kind: string]: readonly [field: string, about: string | null] } = {
  Summary: ["summary", "of"],
  Thought: ["analysis", "about"],
  Evaluation: ["evaluation", null],
};

const ROWS_MAX = 10_000;

/** No text rests on what is later than its request, and it is stale exactly when it would read something else now. */
async function expectBases({ core, database, reads }: World): Promise<void> {
  const rows = new Map((await database.dumpEntities("", ROWS_MAX)).map((row) => [row.key, row]));
  const edges = (await database.dumpEdges({ source: "", field: "" }, ROWS_MAX)).filter(({ live }) => live);
  const sources = (target: string, kind: string, field: string): DumpEntity[] =>
    edges
      .filter((edge) => edge.target === target && edge.field === field && kindOf(edge.source) === kind)
      .sort((a, b) => (`${a.sort} ${a.source}` < `${b.sort} ${b.source}` ? -1 : 1))
      .map(({ source }) => rows.get(source)!);
  const speakers = (target: string): DumpEntity[] => {
    if (kindOf(target) === "Session") return sources(target, "Message", "session");
    if (kindOf(target) === "User") return [...sources(target, "Memory", "user"), ...sources(target, "Message", "user")];
    return [...rows.values()].filter(({ key, visible }) => key === target && visible);
  };
  for (const { key, state, visible } of rows.values()) {
    const [field, about] = TEXTS[kindOf(key)] ?? [];
    if (field === undefined || !visible) continue;
    const text = state.fields[field];
    const { basis } = (text?.[0] ?? {}) as { basis?: Basis };
    if (text === undefined || basis === undefined) continue;
    expectSame(`time of the cut of ${key}`, core.stamp.stampMs(basis.cut), core.stamp.stampMs(text[1]));
    if (basis.read.some(([, , version]) => version.slice(0, basis.cut.length) > basis.cut)) {
      throw new Violation(`${key} rests on what came after its request: ${JSON.stringify(basis)}`);
    }
    if (typeof about !== "string") continue;
    const now = speakers(state.fields[about]![0] as string).flatMap((row) => {
      const [content, version] = row.state.fields.content ?? [null, ""];
      if (content === null || version.slice(0, basis.cut.length) > basis.cut) return [];
      const { kind, id } = core.key.parseEntityKey(row.key);
      return [[kind, id, version]];
    });
    const { kind, id, tenant } = core.key.parseEntityKey(key);
    const shown = await reads.entity(kind, id, tenant);
    expectSame(`staleness of ${key}`, shown.stale, JSON.stringify(now) !== JSON.stringify(basis.read));
  }
}

function kindOf(key: string): string {
  return key.split("/")[1]!;
}
