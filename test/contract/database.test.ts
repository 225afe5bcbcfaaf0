// Every database there is, held to the one contract; a control that has to fail; and what SQLite's files may be.
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import type { Database, TransactState } from "../../src/ports/database.ts";
import { openDatabase } from "../../src/runtime/embedded.ts";
import { SchemaError } from "../../src/sql/sql.ts";
import { type FailingDatabase, failingDatabase } from "../support/failing-database.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { countOneAfterTheOther, type DatabaseUnderTest, databaseContract } from "./database.ts";

const openFile = (path: string, keysPath?: string): Database =>
  openDatabase(path, { SQLITE_SYNCHRONOUS: "normal" }, keysPath);

function onFile(decorate: (database: Database) => Database = (database) => database, keysFile?: string) {
  return async (): Promise<DatabaseUnderTest> => {
    const folder = tempFolder();
    const keysPath = keysFile === undefined ? undefined : folder.path(keysFile);
    const open = (): Database => decorate(openFile(folder.path("graph.sqlite"), keysPath));
    const database = open();
    return {
      database,
      open,
      async [Symbol.asyncDispose]() {
        await database.close();
        folder[Symbol.dispose]();
      },
    };
  };
}

async function inMemory(): Promise<DatabaseUnderTest> {
  const database = openFile(":memory:");
  return { database, open: undefined, [Symbol.asyncDispose]: () => database.close() };
}

databaseContract("SQLite in memory", inMemory);
databaseContract("SQLite on a file", onFile());
databaseContract(
  "SQLite on two files",
  onFile((database) => database, "keys.sqlite"),
);
databaseContract(
  "a failing database without faults",
  onFile((database): FailingDatabase => failingDatabase(database)),
);

/** Reads first and writes later, in two transactions: what the contract has to find out. */
function naive(database: Database): Database {
  return {
    ...database,
    async transact(request, decide) {
      const positions = new Map((await database.positions(request.positions)).map((row) => [row.key, row]));
      const entities = await database.entities(request.keys);
      let loaded: TransactState | undefined;
      await database.transact(request, (state) => {
        loaded = state;
        return { stop: true };
      });
      const stale: TransactState = {
        ...loaded!,
        position: (key) => positions.get(key) ?? loaded!.position(key),
        entity: (key) => entities.get(key),
      };
      const decision = decide(stale);
      await database.transact(request, () => decision);
    },
  };
}

describe("the control", () => {
  it("a database that loads outside its transaction does not pass", async () => {
    for (const handles of [1, 2]) {
      await using bundle = await onFile(naive)();
      const others = Array.from({ length: handles - 1 }, () => bundle.open!());
      await expect(countOneAfterTheOther([bundle.database, ...others])).rejects.toThrow(/expected/);
      for (const other of others) await other.close();
    }
  });
});

describe("SQLite files", () => {
  it("keep what was written until the next start", async () => {
    using folder = tempFolder();
    const path = folder.path("graph.sqlite");
    const before = openFile(path);
    await before.reserveKeys([{ key: "k", operationId: "1", stamp: "s", hash: "h" }]);
    await before.close();
    const after = openFile(path);
    expect(await after.reserveKeys([{ key: "k", operationId: "2", stamp: "t", hash: "i" }])).toMatchObject([
      { operationId: "1" },
    ]);
    await after.close();
  });

  it("keep the keys that an older release reserved: nobody knows to whom their operations were given", async () => {
    using folder = tempFolder();
    const path = folder.path("graph.sqlite");
    const database = openFile(path);
    const row = { key: "k", operationId: "1", stamp: "s", hash: "h" };
    await database.reserveKeys([]);
    const sql = new DatabaseSync(path);
    sql.exec("INSERT INTO idempotency_key (key, operation_id, stamp, hash, at_ms) VALUES ('k', '1', 's', 'h', 1)");
    sql.close();
    await database.releaseKeys([row]);
    expect(await database.reserveKeys([{ ...row, operationId: "2" }])).toEqual([row]);
    await database.close();
  });

  it.each([
    ["of another application", (sql: DatabaseSync) => sql.exec("PRAGMA application_id = 7"), /another application/],
    ["with somebody else's tables", (sql: DatabaseSync) => sql.exec("CREATE TABLE t (a)"), /another application/],
    [
      "of a newer release",
      (sql: DatabaseSync) => sql.exec(`PRAGMA application_id = ${0x54644772}; PRAGMA user_version = 99`),
      /schema 99, this release knows schemas up to \d+; run a newer release/,
    ],
  ])("%s are refused with one clear line, every time", async (_, spoil, line) => {
    using folder = tempFolder();
    const path = folder.path("graph.sqlite");
    const sql = new DatabaseSync(path);
    spoil(sql);
    sql.close();
    const database = openFile(path);
    for (const attempt of [() => database.nowMs(), () => database.backlog(), () => database.reserveKeys([])]) {
      const error = await attempt().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(SchemaError);
      expect((error as Error).message).toMatch(line);
      expect((error as Error).message).toContain(path);
      expect((error as Error).message).not.toContain("\n");
    }
    await database.close();
  });

  it("that are no SQLite at all are refused with one clear line, and left as they are", async () => {
    using folder = tempFolder();
    const path = folder.path("graph.sqlite");
    writeFileSync(path, "Dear diary, today I was nearly overwritten. ".repeat(40));
    const database = openFile(path);
    const error = await database.nowMs().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SchemaError);
    expect((error as Error).message).toContain(path);
    await database.close();
  });

  it("that cannot be opened make every call fail, until they can", async () => {
    using folder = tempFolder();
    const path = join(folder.root, "graph.sqlite");
    mkdirSync(path);
    const database = openFile(path);
    for (const attempt of [
      () => database.nowMs(),
      () => database.reserveKeys([]),
      () => database.transact({ positions: [], keys: [], ledger: [] }, () => ({ stop: true })),
      () => database.members({ target: "a", kind: "K", field: "b", cursor: "", limit: 1 }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({
        code: "graph_unavailable",
        message: expect.stringContaining(path),
      });
    }
    rmdirSync(path);
    expect(await database.nowMs()).toBeGreaterThan(0);
    await database.close();
  });
});
