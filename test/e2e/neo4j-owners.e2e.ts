// Core-proof #15 on the real Neo4j: owners are locked with the batch, so that a member and the deletion of its owner never
// pass each other unseen.
import { afterAll, describe, expect, it } from "vitest";
import type { Operation } from "../../src/domain/operation.ts";
import { loadCore, macOf, OWN_SOURCES } from "../property/core.ts";
import { rest } from "../property/travel.ts";
import { createWorld, dumpOf } from "../property/world.ts";
import { TRANSPORTS } from "./neo4j-database.ts";
import { createNeo4jWorlds } from "./neo4j-worlds.ts";

const PAIRS = 30;

describe.each(TRANSPORTS)("over %s", (name) => {
  const worlds = createNeo4jWorlds(name);
  afterAll(() => worlds.close());

  it("#15 whoever of a message and its session's deletion commits first, the message ends hidden", async () => {
    const core = await loadCore(OWN_SOURCES, worlds.openStore);
    const world = createWorld(core, { real: true });
    let serial = 0;
    const operation = (flow: string, type: string, at: number, data: Operation["data"]): Operation => ({
      id: core.operationId.mintOperationId(1_000 + serial++, "0".repeat(11), "a", macOf),
      flow,
      type,
      version: core.engine.findType(core.flows.flows, flow, type)!.type.version,
      tenant: "a",
      stamp: core.stamp.formatStamp(at, 0, "0123456789abcdef"),
      partitionKey: "s",
      data,
    });
    const apply = (one: Operation) =>
      world.engine.apply({ arrivals: [world.engine.arrival(one, "direct")], advances: [], parked: [] });
    try {
      for (let i = 0; i < PAIRS; i++) {
        await apply(operation("session", "create", 1, { id: `s${i}` }));
        const message = { id: `m${i}`, session: `s${i}`, user: "u", content: "Text" };
        await Promise.all([
          apply(operation("chat-messages", "create", 2, message)),
          apply(operation("session", "delete", 3, { id: `s${i}` })),
        ]);
      }
      await rest(world);
      expect((await dumpOf(world, false)).filter((line) => line.includes("/Message/"))).toEqual([]);
      const stored = await world.database.entities(Array.from({ length: PAIRS }, (_, i) => `a/Message/m${i}`));
      expect([...stored.values()].map(({ hidden }) => hidden)).toEqual(Array.from({ length: PAIRS }, () => true));
    } finally {
      await world.close();
    }
  });
});
