// Rows of nodes that another transaction makes or removes while they are read: Neo4j answers some of their columns with
// null. They are left out wherever rows come and go.
import { describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../src/adapters/database/neo4j/migrations.ts";
import { neo4jDatabase } from "../../src/adapters/database/neo4j/neo4j.ts";
import type { Row, Transport } from "../../src/adapters/database/neo4j/transport.ts";
import { encodeState } from "../../src/domain/state.ts";
import { model } from "../../src/flows/index.ts";
import type { Database, TransactState } from "../../src/ports/database.ts";
import { ledgerRow, stateOf } from "../contract/database-writes.ts";

const LEDGER: Row = ["a/op", "memory.create", 7, JSON.stringify(ledgerRow("a/op"))];
const OUTBOX: Row = ["a/op", "t", "p", "{}", "down", false, 0, 7];
const RETRY: Row = ["a/op", "action", JSON.stringify(ledgerRow("a/op")), "{}", 0, 7, ""];
const PARKED: Row = ["t/0/1", "t", 0, 1, "undecodable", "not JSON", 7, 0, "", null, null, null];
const DECIDED: Row = [...PARKED, "v", "discard", null];

/** A database that answers every question about rows with these. */
function answering(rows: readonly Row[]): Database {
  const transport: Transport = {
    run: async (text) => (text.includes("mark.schema") ? [[MIGRATIONS.length, true]] : rows),
    begin: undefined,
    close: async () => undefined,
  };
  return neo4jDatabase({ transport, model, name: "test", delay: async () => undefined, random: () => 0.5 });
}

interface Case {
  readonly what: string;
  readonly row: Row;
  /** Columns that may be null in a whole row. */
  readonly nullable?: readonly number[];
  read(database: Database): Promise<number>;
}

const CASES: readonly Case[] = [
  { what: "ledgerRows", row: LEDGER, read: async (database) => (await database.ledgerRows(["a/op"])).size },
  { what: "listLedger", row: LEDGER, read: async (database) => (await database.listLedger({}, "", 10)).rows.length },
  { what: "ledgerAfter", row: LEDGER, read: async (database) => (await database.ledgerAfter("a", "", 10)).rows.length },
  { what: "dueOutbox", row: OUTBOX, read: async (database) => (await database.dueOutbox(9, 10, 1_000)).length },
  { what: "retryRows", row: RETRY, read: async (database) => (await database.retryRows(["a/op"])).size },
  {
    what: "leaseRetries",
    row: RETRY,
    read: async (database) => (await database.leaseRetries(["action"], 9, 99, 10)).length,
  },
  { what: "leaseRetry", row: RETRY, read: async (database) => count(await database.leaseRetry("a/op", 9, 99)) },
  {
    what: "parkedRow",
    row: PARKED,
    nullable: [9, 10, 11],
    read: async (database) => (await database.parkedNamed("t/0/1")).length,
  },
  {
    what: "parkedReasons",
    row: ["a/op", "undecodable", "not JSON"],
    read: async (database) => (await database.parkedReasons(["a/op"])).size,
  },
  {
    what: "listParked",
    row: PARKED,
    nullable: [9, 10, 11],
    read: async (database) => (await database.listParked({}, "", 10)).rows.length,
  },
  {
    what: "dueDecisions",
    row: DECIDED,
    nullable: [9, 10, 11, 14],
    read: async (database) => (await database.dueDecisions(10)).length,
  },
  { what: "dueSweeps", row: ["a/Session/1", "", 1], read: async (database) => (await database.dueSweeps(10)).length },
  {
    what: "announce",
    row: ["c", ["memory"], 9],
    read: async (database) => (await database.announce({ name: "c", flows: ["memory"] }, 5)).length,
  },
  {
    what: "queryAnswer",
    row: [7, ["a/Memory/1"], [encodeState(stateOf({}))], [], []],
    read: async (database) => count(await database.queryAnswer("a/op")),
  },
];

const count = (found: unknown): number => (found === undefined ? 0 : 1);

describe.each(CASES)("$what", ({ row, nullable = [], read }) => {
  it("gives a whole row", async () => {
    expect(await read(answering([row]))).toBe(1);
  });

  it("leaves out a row of which any certain column is null", async () => {
    for (let column = 0; column < row.length; column++) {
      const torn = row.map((value, i) => (i === column ? null : value));
      expect([column, await read(answering([torn]))]).toEqual([column, nullable.includes(column) ? 1 : 0]);
    }
    expect(await read(answering([row.map(() => null)]))).toBe(0);
  });
});

it("a full page whose last row is torn has another page behind it", async () => {
  const torn = LEDGER.map((value, i) => (i === 3 ? null : value));
  const { rows, next } = await answering([LEDGER, torn]).listLedger({}, "", 2);
  expect([rows.length, next]).toEqual([1, JSON.stringify([7, "a/op"])]);
});

it("a transaction does not see rows that go while it loads", async () => {
  const torn = (row: Row): Row => row.map((value, i) => (i === 2 ? null : value));
  const loaded = [[], [], [torn(LEDGER)], [torn(RETRY)], [[null]], 1_700_000_000_000] as unknown as Row;
  let seen: TransactState | undefined;
  const request = { positions: [], keys: [], ledger: ["a/op"], retries: ["a/op"], parked: ["t/0/1"] };
  await answering([loaded]).transact(request, (state) => {
    seen = state;
    return { stop: true };
  });
  expect(seen?.ledger("a/op")).toBeUndefined();
  expect(seen?.retry("a/op")).toBeUndefined();
  expect(seen?.isParked("t/0/1")).toBe(false);
});
