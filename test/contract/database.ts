// What every database has to keep, as src/ports/database.ts says it. Run over each adapter.
import { describe, expect, it, type TestContext } from "vitest";
import { NO_COUNTS } from "../../src/domain/accounting.ts";
import { UNTOUCHED } from "../../src/domain/state.ts";
import type { Database, Writes } from "../../src/ports/database.ts";
import { boundCases } from "./database-bounds.ts";
import { listCases } from "./database-lists.ts";
import { searchCases } from "./database-search.ts";
import { taskCases } from "./database-tasks.ts";
import { edge, ledgerRow, outboxRow, parkedRow, save, stateOf, write } from "./database-writes.ts";

/** An empty database of its own. */
export interface DatabaseUnderTest extends AsyncDisposable {
  readonly database: Database;
  /** Another handle on the same data, as another process would have; undefined where there can be none. */
  readonly open: (() => Database) | undefined;
}

export type MakeDatabase = () => Promise<DatabaseUnderTest>;

/** Holds a database to its contract. `make` is called once per test. */
export function databaseContract(name: string, make: MakeDatabase): void {
  describe(`${name} as a database`, () => {
    transactCases(make);
    serialCases(name, make);
    taskCases(make);
    listCases(make);
    searchCases(make);
    boundCases(make);
  });
}

const REQUEST = { positions: ["log/c/t/0/g"], keys: ["a/Message/1", "a/Session/1"], ledger: ["a/op"] };

function transactCases(make: MakeDatabase): void {
  it("transact() finds nothing where nothing was written", async () => {
    await using bundle = await make();
    let calls = 0;
    await bundle.database.transact(REQUEST, (state) => {
      calls++;
      expect(state.position("log/c/t/0/g")).toEqual({ key: "log/c/t/0/g", next: 0, counts: NO_COUNTS });
      expect(state.entity("a/Message/1")).toEqual({ state: UNTOUCHED, hidden: false, existing: false });
      expect(state.ledger("a/op")).toBeUndefined();
      expect(Math.abs(state.nowMs - Date.now())).toBeLessThan(30_000);
      return { stop: true };
    });
    expect(calls).toBeGreaterThanOrEqual(1);
  });

  it("transact() finds everything that was written", async () => {
    await using bundle = await make();
    const position = {
      key: "log/c/t/0/g",
      next: 7,
      counts: { ...NO_COUNTS, records: 7, first: 6, gap: 1, applied: 6 },
    };
    const message = save(
      "a/Message/1",
      { content: "ünïcode 𝄞 \u0000 \"'", n: 1.5, list: [1, null, { a: false }] },
      { hidden: true },
    );
    await write(bundle.database, { positions: [position], entities: [message], ledger: [ledgerRow("a/op")] });
    await bundle.database.transact(REQUEST, (state) => {
      expect(state.position("log/c/t/0/g")).toEqual(position);
      expect(state.entity("a/Message/1")).toEqual({ state: message.state, hidden: true, existing: true });
      expect(state.entity("a/Session/1")?.existing).toBe(false);
      expect(state.entity("a/never asked for/1")).toBeUndefined();
      expect(state.ledger("a/op")).toEqual(ledgerRow("a/op"));
      return { stop: true };
    });
    expect(await bundle.database.positions(["log/c/t/0/g", "nothing"])).toEqual([position]);
    expect(await bundle.database.allPositions()).toEqual([position]);
    expect(await bundle.database.ledgerRows(["a/op", "a/none"])).toEqual(new Map([["a/op", ledgerRow("a/op")]]));
    expect((await bundle.database.entities(["a/Message/1", "none"])).get("a/Message/1")?.state).toEqual(message.state);
  });

  it("transact() loads what the decision needs and decides again, more than once", async () => {
    await using bundle = await make();
    const { database } = bundle;
    await write(database, { entities: [save("a/Session/1", { n: 1 }), save("a/User/1", { n: 2 })] });
    const asked: string[] = [];
    await database.transact({ positions: [], keys: [], ledger: [] }, (state) => {
      if (asked.length === 0) expect(state.entity("a/Session/1")).toBeUndefined();
      for (const key of ["a/Session/1", "a/User/1"]) {
        if (asked.includes(key)) continue;
        asked.push(key);
        return { need: [key] };
      }
      expect(state.entity("a/Session/1")!.state.fields.n![0]).toBe(1);
      expect(state.entity("a/User/1")!.state.fields.n![0]).toBe(2);
      return { stop: true };
    });
    expect(asked).toEqual(["a/Session/1", "a/User/1"]);
  });

  it("transact() writes nothing when the decision stops or throws, and passes its error on", async () => {
    await using bundle = await make();
    const { database } = bundle;
    await database.transact(REQUEST, () => ({ stop: true }));
    const error = new TypeError("the handler is broken");
    await expect(database.transact(REQUEST, () => raise(error))).rejects.toBe(error);
    expect(await contents(database)).toEqual(EMPTY);
    await write(database, { entities: [save("a/Session/1", {})] });
    expect((await contents(database)).entities).toBe(1);
  });

  it("transact() writes everything or nothing", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const all: Partial<Writes> = {
      positions: [{ key: "log/c/t/0/g", next: 1, counts: NO_COUNTS }],
      entities: [save("a/Message/1", {}, { edges: [edge("a/Message/1", "session", "a/Session/1")] })],
      names: ["a/Session/1"],
      outbox: [outboxRow("a/op")],
      parked: [parkedRow("t/0/1")],
      sweeps: ["a/Session/1"],
    };
    const twice = { ...all, ledger: [ledgerRow("a/op"), ledgerRow("a/op")] };
    await expect(write(database, twice)).rejects.toThrow();
    expect(await contents(database)).toEqual(EMPTY);
    await write(database, { ...all, ledger: [ledgerRow("a/op")] });
    expect(await contents(database)).toEqual({
      entities: 2,
      edges: 1,
      positions: 1,
      outbox: 1,
      parked: 1,
      sweeps: 1,
    });
  });

  it("transact() names entities without touching those that are there", async () => {
    await using bundle = await make();
    const { database } = bundle;
    await write(database, { entities: [save("a/User/1", { n: 1 })] });
    await write(database, { names: ["a/User/1", "a/User/2"] });
    await write(database, { names: ["a/User/2"] });
    const found = await database.entities(["a/User/1", "a/User/2"]);
    expect(found.get("a/User/1")?.state).toEqual(stateOf({ n: 1 }));
    expect(found.get("a/User/2")).toEqual({ state: UNTOUCHED, hidden: false, existing: true });
  });

  it("transact() replaces an entity's edges when it is given some, and keeps them when not", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const [one, two] = [edge("a/Message/1", "session", "a/Session/1"), edge("a/Message/1", "user", "a/User/1")];
    await write(database, { entities: [save("a/Message/1", {}, { edges: [one, two] })] });
    await write(database, { entities: [save("a/Message/1", { n: 1 })] });
    expect(await database.dumpEdges({ source: "", field: "" }, 10)).toEqual([one, two]);
    const moved = { ...one, target: "a/Session/2", live: false, sort: "later" };
    await write(database, { entities: [save("a/Message/1", { n: 2 }, { edges: [moved] })] });
    expect(await database.dumpEdges({ source: "", field: "" }, 10)).toEqual([moved]);
    await write(database, { entities: [save("a/Message/1", { n: 2 }, { edges: [] })] });
    expect(await database.dumpEdges({ source: "", field: "" }, 10)).toEqual([]);
  });

  it("transact() keeps the ledger's rows as they were first written", async () => {
    await using bundle = await make();
    await write(bundle.database, { ledger: [ledgerRow("a/op")] });
    await expect(write(bundle.database, { ledger: [{ ...ledgerRow("a/op"), hash: "other" }] })).rejects.toThrow();
    expect((await bundle.database.ledgerRows(["a/op"])).get("a/op")?.hash).toBe(ledgerRow("a/op").hash);
  });
}

function raise(error: Error): never {
  throw error;
}

const EMPTY = { entities: 0, edges: 0, positions: 0, outbox: 0, parked: 0, sweeps: 0 };

async function contents(database: Database): Promise<typeof EMPTY> {
  const { outbox, parked, sweeps } = await database.backlog();
  return {
    entities: (await database.dumpEntities("", 100)).length,
    edges: (await database.dumpEdges({ source: "", field: "" }, 100)).length,
    positions: (await database.allPositions()).length,
    outbox,
    parked,
    sweeps,
  };
}

/** Raises one position and one entity many times over several handles at once; every time has to count. */
export async function countOneAfterTheOther(handles: readonly Database[]): Promise<void> {
  const ROUNDS = 40;
  const raiseBoth = (database: Database): Promise<void> =>
    database.transact({ positions: ["p"], keys: ["a/Session/1"], ledger: [] }, (state) => {
      const position = state.position("p");
      const n = (state.entity("a/Session/1")!.state.fields.n?.[0] ?? 0) as number;
      const counts = { ...position.counts, records: position.counts.records + 1 };
      const positions = [{ key: "p", next: position.next + 1, counts }];
      return { write: { ...NOTHING, positions, entities: [save("a/Session/1", { n: n + 1 })] } };
    });
  await Promise.all(Array.from({ length: ROUNDS }, (_, i) => raiseBoth(handles[i % handles.length]!)));
  const [position] = await handles[0]!.positions(["p"]);
  expect(position).toMatchObject({ next: ROUNDS, counts: { records: ROUNDS } });
  const entity = (await handles[0]!.entities(["a/Session/1"])).get("a/Session/1");
  expect(entity?.state).toEqual(stateOf({ n: ROUNDS }));
}

const NOTHING: Writes = { positions: [], entities: [], names: [], ledger: [], outbox: [], parked: [], sweeps: [] };

function serialCases(name: string, make: MakeDatabase): void {
  it("transact() twice at once behaves as one after the other", async () => {
    await using bundle = await make();
    await countOneAfterTheOther([bundle.database]);
  });

  it("transact() over two handles at once behaves as one after the other", async (context: TestContext) => {
    await using bundle = await make();
    if (bundle.open === undefined) {
      console.log(`skipped: a second handle on the same data (${name})`);
      return context.skip();
    }
    const other = bundle.open();
    await countOneAfterTheOther([bundle.database, other]);
    await other.close();
  });
}
