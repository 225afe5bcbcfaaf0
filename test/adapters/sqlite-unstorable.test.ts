// What SQLite can never store is the fault of one operation, so that ticks find it by halving; everything else is the
// database's.
import { expect, it } from "vitest";
import { asAppError } from "../../src/domain/errors.ts";
import { durableObjectSql } from "../../src/sql/durable-object.ts";
import { openFileSql } from "../../src/sql/file.ts";
import type { Sql } from "../../src/sql/sql.ts";
import { ledgerRow, write } from "../contract/database-writes.ts";
import { openTestDatabase } from "../support/service.ts";

/** The code of what a write ends with over the files' engine, after a script changed the schema or the file. */
async function codeAfter(script: string): Promise<string> {
  const sql = openFileSql(":memory:");
  const database = openTestDatabase(() => sql);
  await database.nowMs();
  sql.script(script);
  return codeOf(write(database, { ledger: [ledgerRow("a/op")] }));
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return asAppError(await work.catch((error: unknown) => error)).code;
}

it("a row that breaks a constraint", async () => {
  expect(
    await codeAfter("CREATE UNIQUE INDEX one ON ledger (1); INSERT INTO ledger SELECT 'a','','','','{}','','','',0,0"),
  ).toBe("internal");
  expect(await codeAfter("DROP TABLE ledger")).toBe("graph_unavailable");
});

it.each([
  ["string or blob too big: SQLITE_TOOBIG", "internal"],
  ["UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT", "internal"],
  ["UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)", "internal"],
  ["datatype mismatch: SQLITE_MISMATCH", "internal"],
  ["disk I/O error: SQLITE_IOERR", "graph_unavailable"],
  ["no such table: t: SQLITE_ERROR", "graph_unavailable"],
])("a Durable Object's %s is %s", async (message, code) => {
  const exec = () => {
    throw new Error(message);
  };
  const failing = durableObjectSql({ sql: { exec }, transactionSync: (work) => work() });
  const sql: Sql = openFileSql(":memory:");
  const database = openTestDatabase(() => ({ ...sql, run: failing.run }));
  expect(await codeOf(write(database, { ledger: [ledgerRow("a/op")] }))).toBe(code);
});
