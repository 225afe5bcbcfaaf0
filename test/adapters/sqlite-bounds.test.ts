// What SQLite's transactions write of answers is bounded as what they load is.
import { expect, it } from "vitest";
import { openDatabase } from "../../src/runtime/embedded.ts";
import { save, write } from "../contract/database-writes.ts";

it("questions whose answers are too much together are asked in parts, and one alone is always answered", async () => {
  const database = openDatabase(":memory:", { SQLITE_SYNCHRONOUS: "normal" });
  const index = { user: null, time: "2026-01-01T00:00:00.000Z", ended: false, tags: [], text: "" };
  for (let i = 0; i < 11; i++) {
    await write(database, { entities: [save(`a/Memory/${i}`, { content: "x".repeat(400_000) }, { index })] });
  }
  const ask = (keys: readonly string[]) => {
    const questions = keys.map((key) => ({ key, query: { tenant: "a", kind: "Memory" }, limit: 500, keepMs: 60_000 }));
    const nothing = { positions: [], entities: [], names: [], ledger: [], outbox: [], parked: [], sweeps: [] };
    const request = { positions: [], keys: [], ledger: [], divisible: keys.length > 1 };
    return database.transact(request, () => ({ write: { ...nothing, questions } }));
  };
  await expect(ask(["a/1", "a/2", "a/3"])).rejects.toMatchObject({ code: "graph_unavailable", divisible: true });
  expect(await database.queryAnswer("a/1")).toBeUndefined();
  await ask(["a/1"]);
  expect((await database.queryAnswer("a/1"))?.found).toHaveLength(11);
  // Asked again, it is no part of what is written.
  await ask(["a/1", "a/2"]);
  expect((await database.queryAnswer("a/2"))?.found).toHaveLength(11);
  await database.close();
});
