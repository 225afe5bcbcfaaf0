// The database contract's searches by words: what a word is, in every script, is the same in every database.
import { expect, it } from "vitest";
import type { Database } from "../../src/ports/database.ts";
import type { MakeDatabase } from "./database.ts";
import { save, write } from "./database-writes.ts";

/** Writes memories with these texts; answers a search for words, as the texts it finds. */
async function remember(database: Database, texts: readonly string[]) {
  const entry = { user: null, time: "2026-01-01T00:00:00.000Z", ended: false, tags: [] };
  await write(database, {
    entities: texts.map((text, i) => save(`a/Memory/${i}`, { content: text }, { index: { ...entry, text } })),
  });
  return async (text: string): Promise<string[]> => {
    const { sources } = await database.search({ tenant: "a", kind: "Memory", text }, "", 100);
    return sources.map((key) => texts[Number(key.split("/")[2])]!);
  };
}

export function searchCases(make: MakeDatabase): void {
  it.each([
    ["Hindi, whose vowels are signs", ["हिन्दी की किताब", "कल"], "हिन्दी", "हिन्दी की किताब"],
    ["Thai", ["สวัสดี ครับ", "ลาก่อน"], "สวัสดี", "สวัสดี ครับ"],
    ["Hebrew with points, asked for without", ["שָׁלוֹם עולם", "תודה"], "שלום", "שָׁלוֹם עולם"],
    ["Arabic without harakat, asked for with", ["محمد هنا", "كتاب"], "مُحَمَّد", "محمد هنا"],
    ["Greek in capitals, with an accent and a final sigma", ["Η ΟΔΟΣ", "αυλή"], "οδός", "Η ΟΔΟΣ"],
    ["French, composed and not", ["Déjà vu", "deja"], "de\u0301ja\u0300 VU", "Déjà vu"],
    ["a script that is younger than most tables", ["𞤀𞤁 one", "two"], "𞤢𞤣", "𞤀𞤁 one"],
  ])("search() finds words of %s", async (_, texts, words, found) => {
    await using bundle = await make();
    const search = await remember(bundle.database, texts);
    expect(await search(words)).toEqual([found]);
  });

  it("queryAnswer() is whole, also where it is larger than any row may be", async () => {
    await using bundle = await make();
    const { database } = bundle;
    const texts = Array.from({ length: 60 }, (_, i) => `${"न".repeat(59_998)}😀${i}`);
    const index = { user: null, time: "2026-01-01T00:00:00.000Z", ended: false, tags: [], text: "" };
    for (const [i, content] of texts.entries()) {
      await write(database, { entities: [save(`a/Memory/${i}`, { content }, { index })] });
    }
    const question = { key: "a/op", query: { tenant: "a", kind: "Memory" }, limit: 55, keepMs: 60_000 };
    await write(database, { questions: [question] });
    const { found } = (await database.queryAnswer("a/op"))!;
    expect(found).toHaveLength(55);
    for (const { key, state } of found) {
      expect(state.fields.content?.[0] === texts[Number(key.split("/")[2])]).toBe(true);
    }
    // A question is answered once.
    await write(database, { entities: [save("a/Memory/99", {})], questions: [{ ...question, limit: 1 }] });
    expect((await database.queryAnswer("a/op"))!.found).toHaveLength(55);
    expect(await database.queryAnswer("a/other")).toBeUndefined();
  });

  it("search() takes no part of a word for a word, where signs stand within it", async () => {
    await using bundle = await make();
    const search = await remember(bundle.database, ["हिन्दी", "किताब"]);
    for (const part of ["हिन", "की", "न्दी", "ब"]) expect(await search(part)).toEqual([]);
  });
}
