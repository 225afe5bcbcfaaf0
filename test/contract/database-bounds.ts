// The database contract's bounds: what an answer, a page and a transaction hold is bounded in size, not in number alone.
import { expect, it } from "vitest";
import { encodeState } from "../../src/domain/state.ts";
import type { Database, Page, TransactState } from "../../src/ports/database.ts";
import type { MakeDatabase } from "./database.ts";
import { edge, parkedRow, save, stateOf, write } from "./database-writes.ts";

const TARGET = "a/Message/1";
const MIB = 1_048_576;
/** Characters that take two units in JavaScript, and four bytes stored: every database counts them as one. */
const contentOf = (i: number): string => (i % 2 === 0 ? "😀" : "x").repeat(400_000);
const KEYS = Array.from({ length: 22 }, (_, i) => `a/Memory/${String(i).padStart(2, "0")}`);

/** How many of these, from the first on, an answer or a page holds. */
function heldOf(keys: readonly string[]): number {
  let before = 0;
  const end = keys.findIndex((key) => {
    before += [...encodeState(stateOf({ content: contentOf(KEYS.indexOf(key)) }))].length;
    return before >= 4 * MIB;
  });
  return end < 0 ? keys.length : end + 1;
}

/** Memories that are more together than a transaction loads, the first of them the newest; each refers to a message. */
async function writeLarge(database: Database): Promise<void> {
  for (const [i, key] of KEYS.entries()) {
    const time = `2026-01-01T00:00:${String(59 - i).padStart(2, "0")}.000Z`;
    const index = { user: null, time, ended: false, tags: [], text: "word" };
    const edges = [edge(key, "message", TARGET, { sort: time })];
    await write(database, { entities: [save(key, { content: contentOf(i) }, { index, edges })] });
  }
}

async function pagesOf(next: (cursor: string) => Promise<Page>): Promise<(readonly string[])[]> {
  const pages: (readonly string[])[] = [];
  for (let cursor: string | null = ""; cursor !== null && pages.length < 50; ) {
    const page: Page = await next(cursor);
    pages.push(page.sources);
    cursor = page.next;
  }
  return pages;
}

export function boundCases(make: MakeDatabase): void {
  it("queryAnswer() holds the first of what was found, up to 4 MiB, and says that it is not all", async () => {
    await using bundle = await make();
    const { database } = bundle;
    await writeLarge(database);
    const ask = async (key: string, limit: number) => {
      const question = { key, query: { tenant: "a", kind: "Memory" }, limit, keepMs: 60_000 };
      await write(database, { questions: [question] });
      const { found, truncated } = (await database.queryAnswer(key))!;
      for (const { key: of, state } of found) {
        expect(state.fields.content?.[0] === contentOf(KEYS.indexOf(of))).toBe(true);
      }
      return { keys: found.map(({ key: of }) => of), truncated };
    };
    const held = heldOf(KEYS);
    expect(held).toBe(11);
    expect(await ask("a/all", 500)).toEqual({ keys: KEYS.slice(0, held), truncated: true });
    expect(await ask("a/more", held + 1)).toEqual({ keys: KEYS.slice(0, held), truncated: true });
    expect(await ask("a/held", held)).toEqual({ keys: KEYS.slice(0, held), truncated: false });
    expect(await ask("a/one", 1)).toEqual({ keys: KEYS.slice(0, 1), truncated: false });
  });

  it("pages of what is large end early, and go on behind what they hold", async () => {
    await using bundle = await make();
    const { database } = bundle;
    await writeLarge(database);
    const query = { tenant: "a", kind: "Memory" };
    const members = { target: TARGET, kind: "Memory", field: "message", limit: 100 };
    const lists: Record<string, (cursor: string) => Promise<Page>> = {
      newest: (cursor) => database.search(query, cursor, 100),
      best: (cursor) => database.search({ ...query, text: "word" }, cursor, 100),
      members: (cursor) => database.members({ ...members, cursor }),
      "members from the newest on": (cursor) => database.members({ ...members, cursor, newestFirst: true }),
      dump: async (cursor) => {
        const sources = (await database.dumpEntities(cursor, 100)).map(({ key }) => key);
        return { sources, next: sources.at(-1) ?? null };
      },
    };
    for (const [name, list] of Object.entries(lists)) {
      const pages = await pagesOf(list);
      const all = pages.flat();
      expect(all.toSorted(), name).toEqual(KEYS);
      for (let i = 0; i < all.length; ) {
        const page = pages.shift()!;
        expect(page, name).toHaveLength(heldOf(all.slice(i)));
        i += page.length;
      }
    }
    expect((await database.search(query, "", 3)).sources).toEqual(KEYS.slice(0, 3));
  });

  it("transact() loads no more than 8 MiB of what can be divided, and any size of what cannot", async () => {
    await using bundle = await make();
    const { database } = bundle;
    await writeLarge(database);
    const load = async (keys: readonly string[], divisible: boolean, need: readonly string[] = []) => {
      let loaded = 0;
      const isThere = (state: TransactState) => (key: string) => state.entity(key) !== undefined;
      await database.transact({ positions: [], keys, ledger: [], divisible }, (state) => {
        if (need.length > 0 && !need.every(isThere(state))) return { need };
        loaded = [...keys, ...need].filter((key) => state.entity(key)?.existing).length;
        return { stop: true };
      });
      return loaded;
    };
    const tooMuch = { code: "graph_unavailable", divisible: true, ambiguous: false };
    await expect(load(KEYS, true)).rejects.toMatchObject(tooMuch);
    await expect(load(KEYS.slice(0, 8), true, KEYS.slice(8))).rejects.toMatchObject(tooMuch);
    expect(await load(KEYS, false)).toBe(KEYS.length);
    expect(await load(KEYS.slice(0, 4), false, KEYS.slice(4))).toBe(KEYS.length);
    expect(await load(KEYS.slice(0, 4), true, KEYS.slice(4, 8))).toBe(8);
    expect(await load([...KEYS.slice(0, 4), "a/Memory/none"], true)).toBe(4);
  });

  it("parked records that are large are listed in short pages, and decided a few at a time", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const keys = KEYS.map((_, i) => `t/0/${10 + i}`);
    for (const [i, key] of keys.entries()) {
      const parked = [{ ...parkedRow(key), bytes: "e".repeat(300_000), atMs: 100 - i }];
      const decision = { record: key, version: "v1", verdict: "replay", value: "x".repeat(100_000) } as const;
      await write(database, { parked, decisions: [decision] });
    }
    const due = await database.dueDecisions(100);
    expect(due.map(({ row }) => row.key)).toEqual(keys.slice(0, 11));
    expect(due.every(({ decision, row }) => decision.record === row.key && decision.value?.length === 100_000)).toBe(
      true,
    );
    expect(await database.dueDecisions(3)).toHaveLength(3);
    const pages = await pagesOf(async (cursor) => {
      const { rows, next } = await database.listParked({ topic: "t" }, cursor, 100);
      return { sources: rows.map(({ key }) => key), next };
    });
    expect(pages.flat()).toEqual(keys);
    for (const page of pages) expect(page.length * 300_000).toBeLessThan(4 * MIB + 300_000);
    expect((await database.listParked({}, "", 2)).rows.map(({ key }) => key)).toEqual(keys.slice(0, 2));
  });
}
