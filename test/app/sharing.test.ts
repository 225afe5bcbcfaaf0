// How consumers share partitions out: everyone has a share, nothing is left over, and whoever goes is replaced.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSharing, type Sharing } from "../../src/app/sharing.ts";
import { openFileSql } from "../../src/sql/file.ts";
import { openTestDatabase } from "../support/service.ts";

const KEEP_MS = 10_000;
const TOPICS = { memory: ["memory-operations"], events: ["events", "orders"] } as const;
type FlowName = keyof typeof TOPICS;

function consumers() {
  const clock = { ms: 1_000_000 };
  const database = openTestDatabase(
    () => openFileSql(":memory:"),
    () => clock.ms,
  );
  return {
    clock,
    database,
    start: (name: string, flows: readonly string[] = Object.keys(TOPICS)) =>
      createSharing({ database, clock: { nowMs: () => clock.ms }, name, flows, keepMs: KEEP_MS }),
    [Symbol.asyncDispose]: () => database.close(),
  };
}

/** Who reads each partition, as positions in the list of consumers. */
function readers(all: readonly Sharing[], flow: FlowName, partitions: number): number[][] {
  return TOPICS[flow].flatMap((topic) =>
    Array.from({ length: partitions }, (_, partition) =>
      all.flatMap((sharing, i) => (sharing.takes(flow, topic, partition) ? [i] : [])),
    ),
  );
}

async function lookAll(all: readonly Sharing[], clock: { ms: number }): Promise<void> {
  for (let round = 0; round < 2; round++) {
    clock.ms += KEEP_MS / 5;
    for (const sharing of all) await sharing.look();
  }
}

describe("consumers of one database", () => {
  it("take every partition, each once, in even shares", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 12 }), async (count, partitions) => {
        await using kit = consumers();
        const all = Array.from({ length: count }, (_, i) => kit.start(`consumer ${i}`));
        await lookAll(all, kit.clock);
        for (const flow of ["memory", "events"] as const) {
          const held = readers(all, flow, partitions);
          expect(held.every((one) => one.length === 1)).toBe(true);
          const [shares] = TOPICS[flow].map((_, t) =>
            all.map((_, i) => held.slice(t * partitions, (t + 1) * partitions).filter(([one]) => one === i).length),
          );
          expect(Math.max(...shares!) - Math.min(...shares!)).toBeLessThanOrEqual(1);
        }
        expect(all.filter((sharing) => sharing.leads())).toHaveLength(1);
        expect(all.every((sharing) => sharing.isAlone("memory") === (count === 1))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("share a flow among those that consume it", async () => {
    await using kit = consumers();
    const all = [kit.start("a", ["memory"]), kit.start("b", ["events"]), kit.start("c", ["events"])];
    await lookAll(all, kit.clock);
    expect(readers(all, "memory", 3)).toEqual([[0], [0], [0]]);
    expect(new Set(readers(all, "events", 3).flat())).toEqual(new Set([1, 2]));
    expect(all[0]!.isAlone("memory")).toBe(true);
    expect(all[1]!.isAlone("events")).toBe(false);
  });

  it("share a topic among those that consume it or all of its flow, and none of these is alone", async () => {
    await using kit = consumers();
    const all = [kit.start("a", ["events"]), kit.start("b", ["events/orders"]), kit.start("c", ["memory"])];
    await lookAll(all, kit.clock);
    const [events, orders] = [readers(all, "events", 6).slice(0, 6), readers(all, "events", 6).slice(6)];
    expect(events).toEqual(Array.from({ length: 6 }, () => [0]));
    expect(orders.flat().toSorted()).toEqual([0, 0, 0, 1, 1, 1]);
    expect(all.map((sharing) => sharing.isAlone("events"))).toEqual([false, false, false]);
    expect(all.map((sharing) => sharing.leads())).toEqual([true, false, false]);
    await all[1]!.leave();
    await lookAll([all[0]!, all[2]!], kit.clock);
    expect(readers([all[0]!], "events", 3)).toEqual(Array.from({ length: 6 }, () => [0]));
    expect(all[0]!.isAlone("events")).toBe(true);
  });

  it("take over from one that is silent, once its time has passed, and from one that leaves at once", async () => {
    await using kit = consumers();
    const [a, b, c] = [kit.start("a"), kit.start("b"), kit.start("c")] as const;
    await lookAll([a, b, c], kit.clock);
    expect(new Set(readers([a, b, c], "events", 3).flat())).toEqual(new Set([0, 1, 2]));
    kit.clock.ms += KEEP_MS / 2;
    await lookAll([b, c], kit.clock);
    kit.clock.ms += KEEP_MS;
    await lookAll([b, c], kit.clock);
    expect(readers([b, c], "events", 3).every((one) => one.length === 1)).toBe(true);
    expect(b.leads()).toBe(true);
    await b.leave();
    await lookAll([c], kit.clock);
    expect(readers([c], "events", 3)).toEqual(Array.from({ length: 6 }, () => [0]));
  });

  it("look a few times in the span and no more", async () => {
    await using kit = consumers();
    const a = kit.start("a");
    await a.look();
    const [row] = await kit.database.announce({ name: "z", flows: [] }, 1);
    kit.clock.ms += KEEP_MS / 5 - 1;
    await a.look();
    expect((await kit.database.announce({ name: "z", flows: [] }, 1))[0]).toEqual(row);
    kit.clock.ms += 1;
    await a.look();
    expect((await kit.database.announce({ name: "z", flows: [] }, 1))[0]!.untilMs).toBe(kit.clock.ms + KEEP_MS);
  });

  it("throw nothing when they leave a database that is gone", async () => {
    const kit = consumers();
    const a = kit.start("a");
    await kit.database.close();
    await expect(a.leave()).resolves.toBeUndefined();
    await kit.database.close();
  });
});
