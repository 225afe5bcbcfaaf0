// What the Neo4j adapter makes of a load that has not the room, and of sizes that come with a page, over a transport that
// answers as told. That the statements measure so is held by the contract, on the real Neo4j.
import { describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../src/adapters/database/neo4j/migrations.ts";
import { neo4jDatabase } from "../../src/adapters/database/neo4j/neo4j.ts";
import type { Params, Row, Transport } from "../../src/adapters/database/neo4j/transport.ts";
import { encodeState } from "../../src/domain/state.ts";
import { model } from "../../src/flows/index.ts";
import type { Database } from "../../src/ports/database.ts";
import { stateOf } from "../contract/database-writes.ts";

const MIB = 1_048_576;
const NOW = 1_700_000_000_000;

/** A Neo4j that answers by what it is asked; `asked` are the parameters of each statement in turn. */
function answering(answer: (text: string, params: Params) => readonly Row[], guarded: boolean) {
  const asked: Params[] = [];
  const run = async (text: string, params: Params): Promise<readonly Row[]> => {
    if (text.includes("mark.schema")) return [[MIGRATIONS.length, true]];
    asked.push(params);
    return answer(text, params);
  };
  const steps: string[] = [];
  const begin: Transport["begin"] = () => ({
    run,
    runAll: async () => void steps.push("write"),
    commit: async () => void steps.push("commit"),
    rollback: async () => void steps.push("rollback"),
  });
  const transport = { run, begin: guarded ? undefined : begin, close: async () => undefined };
  const options = { name: "bolt://test:7687", delay: async () => undefined, random: () => 0.5 };
  return { asked, steps, database: neo4jDatabase({ transport, model, ...options }) };
}

const load = (database: Database, divisible: boolean, need: readonly string[] = []) =>
  database.transact({ positions: [], keys: ["a/Memory/1"], ledger: [], divisible }, (state) =>
    need.every((key) => state.entity(key) !== undefined) ? { stop: true } : { need },
  );

const large = encodeState(stateOf({ content: "x".repeat(3 * MIB) }));
const row = (key: string): Row => [key, large, null, 1, true, null, ...Array(5).fill(null)];
const isMore = (text: string): boolean => !text.includes("AS positions");

describe.each([false, true])("a load, guarded: %s", (guarded) => {
  it("for which there is no room is divided, and writes nothing", async () => {
    const { database, steps, asked } = answering(() => [[[], null, [], [], [], NOW]], guarded);
    await expect(load(database, true)).rejects.toMatchObject({
      code: "graph_unavailable",
      divisible: true,
      ambiguous: false,
      message: expect.stringContaining("bolt://test:7687"),
    });
    expect(asked.map(({ room }) => room)).toEqual([8 * MIB]);
    expect(steps).toEqual(guarded ? [] : ["rollback"]);
  });

  it("has the room that what was loaded before leaves", async () => {
    const { database, asked } = answering(
      (text) => (isMore(text) ? [[[row("a/Message/1")]]] : [[[], [row("a/Memory/1")], [], [], [], NOW]]),
      guarded,
    );
    await load(database, true, ["a/Message/1"]);
    expect(asked.map(({ room }) => room)).toEqual([8 * MIB, 8 * MIB - large.length]);
  });

  it("of what cannot be divided has all the room there is", async () => {
    const { database, asked } = answering(() => [[[], [row("a/Memory/1")], [], [], [], NOW]], guarded);
    await load(database, false);
    expect(asked.map(({ room }) => room)).toEqual([Number.MAX_SAFE_INTEGER]);
  });
});

describe("a page", () => {
  const rows = Array.from({ length: 5 }, (_, i): Row => [`t${i}`, `a/Memory/${i}`, MIB]);
  it.each<[string, (database: Database) => Promise<unknown>, readonly Row[], string]>([
    [
      "of members",
      (database) => database.members({ target: "a/Message/1", kind: "Memory", field: "message", cursor: "", limit: 9 }),
      rows,
      '["t3","a/Memory/3"]',
    ],
    [
      "of the newest",
      (database) => database.search({ tenant: "a", kind: "Memory" }, "", 9),
      rows,
      '["t3","a/Memory/3"]',
    ],
    [
      "of the best",
      (database) => database.search({ tenant: "a", kind: "Memory", text: "word" }, "", 9),
      rows.map((one) => one.slice(1)),
      '[4,"a/Memory/3"]',
    ],
  ])("%s ends with the entity that makes it 4 MiB", async (_, list, found, next) => {
    const { database } = answering(() => found, true);
    const sources = ["a/Memory/0", "a/Memory/1", "a/Memory/2", "a/Memory/3"];
    expect(await list(database)).toEqual({ sources, next });
    const { database: few } = answering(() => found.slice(0, 3), true);
    expect(await list(few)).toEqual({ sources: sources.slice(0, 3), next: null });
  });
});
