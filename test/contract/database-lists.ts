// The database contract's lists: pages that neither repeat nor leave out, whatever their size.
import { expect, it } from "vitest";
import type { Edge } from "../../src/domain/projection.ts";
import type { Database, Page } from "../../src/ports/database.ts";
import type { MakeDatabase } from "./database.ts";
import { edge, ledgerRow, save, write } from "./database-writes.ts";

const SESSION = "a/Session/1";
const MEMBERS = { target: SESSION, kind: "Message", field: "session" };

/** Walks all pages; a page is never longer than asked for. */
async function walk(limit: number, next: (cursor: string) => Promise<Page>): Promise<string[]> {
  const found: string[] = [];
  for (let cursor = "", i = 0; i < 1_000; i++) {
    const page = await next(cursor);
    expect(page.sources.length).toBeLessThanOrEqual(limit);
    found.push(...page.sources);
    if (page.next === null) return found;
    cursor = page.next;
  }
  throw new Error("the pages do not end");
}

/** Sources that refer to one session: by two fields, live and not, in an order of their own. */
async function writeReferrers(database: Database): Promise<Edge[]> {
  const edges = Array.from({ length: 23 }, (_, i) =>
    edge(`a/Message/${i}`, i % 5 === 4 ? "thread" : "session", SESSION, {
      live: i % 3 !== 0,
      sort: `2026-01-0${1 + (i % 4)}|${i % 2}`,
    }),
  );
  const others = [edge("a/Message/0", "user", "a/User/1"), edge("a/Message/x", "session", "a/Session/10")];
  const bySource = Map.groupBy([...edges, ...others], ({ source }) => source);
  await write(database, {
    entities: [...bySource].map(([key, list]) => save(key, {}, { edges: list })),
    names: [SESSION, "a/User/1"],
  });
  return edges;
}

/** More than what a filtered page of the ledger looks at. */
const NEIGHBOUR_ROWS = 10_010;
const WRITTEN_AT_ONCE = 455;

/** Rows of two tenants, and of their neighbour that has thousands in the millisecond of theirs and stands between them. */
async function writeNeighbours(database: Database): Promise<void> {
  const at = (key: string, atMs: number) => ({ ...ledgerRow(key), atMs });
  const few = ["anna", "zora"].flatMap((tenant) =>
    [5, 6].flatMap((ms) => [1, 2].map((i) => at(`${tenant}/${tenant}-${ms}${i}`, ms))),
  );
  const many = Array.from({ length: NEIGHBOUR_ROWS }, (_, i) => at(`mira/mira-${i}`, 6));
  const all = [...few, ...many, at("mira/mira-before", 5), at("mira/mira-after", 7)];
  for (let i = 0; i < all.length; i += WRITTEN_AT_ONCE)
    await write(database, { ledger: all.slice(i, i + WRITTEN_AT_ONCE) });
}

/** Every key of a tenant's list, page by page, until there is no other or it is where the last began. */
async function walkLedger(
  tenant: string,
  next: (cursor: string) => ReturnType<Database["listLedger"]>,
): Promise<string[]> {
  const found: string[] = [];
  for (let cursor = "", i = 0; i < 100; i++) {
    const page = await next(cursor);
    found.push(...page.rows.map(({ key }) => key));
    if (page.next === null || page.next === cursor) return found;
    for (const other of ["anna", "mira", "zora"]) if (other !== tenant) expect(page.next).not.toContain(other);
    cursor = page.next;
  }
  throw new Error("the pages do not end");
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function listCases(make: MakeDatabase): void {
  it.each([
    ["b", "c"],
    ["1e300", ""],
    ["-4", ""],
    [1, "b"],
    ["\ud800", "\0"],
  ])("search() finds nothing behind the place [%j, %j] of another list, or refuses it", async (...place) => {
    await using bundle = await make();
    for (const more of [{}, { text: "a" }]) {
      const page = bundle.database.search({ tenant: "a", kind: "Memory", ...more }, JSON.stringify(place), 5);
      expect(await page.catch((error) => error.code)).toEqual(
        expect.toBeOneOf(["invalid_input", { sources: [], next: null }]),
      );
    }
  });

  it.each([1, 4, 22, 23, 24, 100])(
    "referrers() lists every source once, live or not, in pages of %i",
    async (limit) => {
      await using bundle = await make();
      const edges = await writeReferrers(bundle.database);
      const found = await walk(limit, (cursor) => bundle.database.referrers(SESSION, cursor, limit));
      expect(found.toSorted(byText)).toEqual(edges.map(({ source }) => source).toSorted(byText));
      expect((await bundle.database.referrers("a/Session/none", "", 5)).sources).toEqual([]);
    },
  );

  it.each([1, 3, 12, 100])(
    "members() lists live sources of one field in their order, in pages of %i",
    async (limit) => {
      await using bundle = await make();
      const edges = await writeReferrers(bundle.database);
      const found = await walk(limit, (cursor) => bundle.database.members({ ...MEMBERS, cursor, limit }));
      const expected = edges
        .filter(({ field, live }) => field === "session" && live)
        .toSorted((a, b) => byText(a.sort, b.sort) || byText(a.source, b.source));
      expect(found).toEqual(expected.map(({ source }) => source));
    },
  );

  it("members() goes on behind a source that has gone meanwhile", async () => {
    await using bundle = await make();
    await writeReferrers(bundle.database);
    const whole = (await bundle.database.members({ ...MEMBERS, cursor: "", limit: 100 })).sources;
    const first = await bundle.database.members({ ...MEMBERS, cursor: "", limit: 4 });
    await write(bundle.database, { entities: [save(whole[3]!, {}, { edges: [] })] });
    const rest = await bundle.database.members({ ...MEMBERS, cursor: first.next!, limit: 100 });
    expect(rest.sources).toEqual(whole.slice(4));
  });

  it.each([1, 2, 7, 100])("dumpEntities() lists every entity in code-unit order, in pages of %i", async (limit) => {
    await using bundle = await make();
    const ids = ["~", "a", "Z", "0", "%2F", "-", "_", "a%20b", "aa", "A"];
    const keys = ids.map((id) => `a/Message/${id}`);
    await write(bundle.database, {
      entities: [
        ...keys.map((key, i) => save(key, { i }, { visible: i % 2 === 0, hidden: i % 2 === 1 })),
        save(
          "a/Message/ref",
          {},
          {
            edges: [edge("a/Message/ref", "user", "a/User/1"), edge("a/Message/ref", "x", "a/User/2", { live: false })],
          },
        ),
      ],
      names: ["a/User/1", "a/User/2"],
    });
    const found = [];
    for (let after = ""; ; ) {
      const rows = await bundle.database.dumpEntities(after, limit);
      expect(rows.length).toBeLessThanOrEqual(limit);
      found.push(...rows);
      if (rows.length < limit) break;
      after = rows.at(-1)!.key;
    }
    const all = [...keys, "a/Message/ref", "a/User/1", "a/User/2"].toSorted(byText);
    expect(found.map(({ key }) => key)).toEqual(all);
    expect(found.find(({ key }) => key === "a/Message/Z")).toMatchObject({
      visible: true,
      hidden: false,
      touched: false,
    });
    expect(found.find(({ key }) => key === "a/Message/a")).toMatchObject({ visible: false, hidden: true });
    expect(found.filter(({ touched }) => touched).map(({ key }) => key)).toEqual(["a/User/1"]);
  });

  it.each([1, 2, 3, 4, 100])(
    "dumpEdges() lists every edge once, also when a page ends within a source, by %i",
    async (limit) => {
      await using bundle = await make();
      const fields = ["about", "message", "session", "user", "zone"];
      const edges = ["a/Message/1", "a/Message/10", "a/Message/2"].flatMap((source) =>
        fields.map((field, i) => edge(source, field, SESSION, { live: i % 2 === 0, sort: "s" })),
      );
      const bySource = Map.groupBy(edges.toReversed(), ({ source }) => source);
      await write(bundle.database, { entities: [...bySource].map(([key, list]) => save(key, {}, { edges: list })) });
      const found: Edge[] = [];
      for (let after: Pick<Edge, "source" | "field"> = { source: "", field: "" }; ; ) {
        const rows = await bundle.database.dumpEdges(after, limit);
        expect(rows.length).toBeLessThanOrEqual(limit);
        found.push(...rows);
        if (rows.length < limit) break;
        after = rows.at(-1)!;
      }
      expect(found).toEqual(edges);
    },
  );

  it("a tenant's pages of the ledger hold each own row once, and their cursors name nobody else", async () => {
    await using bundle = await make();
    const { database } = bundle;
    await writeNeighbours(database);
    for (const tenant of ["anna", "zora"]) {
      const keys = ["51", "52", "61", "62"].map((id) => `${tenant}/${tenant}-${id}`);
      for (const limit of [1, 3, 100]) {
        const newestFirst = await walkLedger(tenant, (cursor) => database.listLedger({ tenant }, cursor, limit));
        expect(newestFirst).toEqual(keys.toReversed());
        expect(await walkLedger(tenant, (cursor) => database.ledgerAfter(tenant, cursor, limit))).toEqual(keys);
      }
      // The neighbour's alone fill the first page; behind all that was in one moment there is one row of the neighbour's.
      expect(await database.ledgerAfter(tenant, JSON.stringify([6, "mira/"]), 100)).toMatchObject({
        rows: [],
        more: true,
      });
      expect(await database.ledgerAfter(tenant, JSON.stringify([7, ""]), 100)).toMatchObject({ rows: [], more: false });
    }
  });
}
