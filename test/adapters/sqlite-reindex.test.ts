// Files of an older release, whose texts were indexed as they were: searches find them as before, and by whole words.
import { expect, it } from "vitest";
import { reindex } from "../../src/adapters/database/sqlite-reindex.ts";
import { saveIndex } from "../../src/adapters/database/sqlite-search.ts";
import { encodeState } from "../../src/domain/state.ts";
import { model } from "../../src/flows/index.ts";
import { openFileSql } from "../../src/sql/file.ts";
import { migrate, type Sql } from "../../src/sql/sql.ts";
import { stateOf } from "../contract/database-writes.ts";
import { MIGRATIONS, openTestDatabase } from "../support/service.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** More than are indexed in one transaction. */
const MANY = 1_201;

function remember(sql: Sql, id: number, content: string): void {
  const key = `a/Memory/${id}`;
  sql.run("INSERT INTO entity VALUES (?, ?, 0, 1, 0)", key, encodeState(stateOf({ content, user: "a/User/1" })));
  sql.run("INSERT INTO search VALUES (?, ?, 'a', 'Memory', 'a/User/1', '2026-01-01T00:00:00.000Z', 0, '[]')", id, key);
  sql.run("INSERT INTO search_text (rowid, text) VALUES (?, ?)", id, content);
}

/** A file of the older release with that many memories and a session, which has no text. */
function writeOld(path: string): Sql {
  const old = openFileSql(path);
  migrate(old, path, 0x54644772, MIGRATIONS.slice(0, 3));
  old.transaction(() => {
    remember(old, 1, "हिन्दी की Kitāb");
    for (let i = 2; i <= MANY; i++) remember(old, i, `number n${i}`);
    old.run(
      "INSERT INTO search VALUES (9999, 'a/Session/1', 'a', 'Session', NULL, '2026-01-01T00:00:00.000Z', 0, '[]')",
    );
  });
  return old;
}

it("entries of an older release are indexed anew when the file is opened", async () => {
  using folder = tempFolder();
  const path = folder.path("graph.sqlite");
  writeOld(path).close();
  for (let i = 0; i < 2; i++) {
    await using database = disposable(openTestDatabase(() => openFileSql(path)));
    const find = async (text: string) => (await database.search({ tenant: "a", kind: "Memory", text }, "", 10)).sources;
    expect(await find("हिन")).toEqual([]);
    expect(await find("हिन्दी kitab")).toEqual(["a/Memory/1"]);
    expect(await find(`n${MANY}`)).toEqual([`a/Memory/${MANY}`]);
  }
});

it("so many are done at a time, and the rest the next times, whatever became of them meanwhile", () => {
  using folder = tempFolder();
  const path = folder.path("graph.sqlite");
  const sql = writeOld(path);
  migrate(sql, path, 0x54644772, MIGRATIONS);
  const matches = () =>
    sql.get<{ n: number }>("SELECT count(*) AS n FROM search_text WHERE search_text MATCH 'number'")!.n;
  expect([reindex(sql, model, 1), matches()]).toEqual([true, 499]);
  saveIndex(sql, `a/Memory/${MANY}`, null);
  saveIndex(sql, `a/Memory/${MANY - 1}`, { user: null, time: "", ended: false, tags: [], text: "number again" });
  expect([reindex(sql, model, 9), matches()]).toEqual([false, MANY - 2]);
  sql.close();
});

function disposable<Database extends { close(): Promise<void> }>(database: Database): Database & AsyncDisposable {
  return { ...database, [Symbol.asyncDispose]: () => database.close() };
}
