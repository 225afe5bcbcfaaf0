// Which indexes come with a release, and which with a flow of one's own.
import { expect, it } from "vitest";
import { notes } from "../../examples/ninth-flow/notes.ts";
import { MIGRATIONS, ownIndexes } from "../../src/adapters/database/neo4j/migrations.ts";
import { shapeOf } from "../../src/adapters/database/neo4j/shape.ts";
import { createType, defineFlow, id, queryType, refersTo } from "../../src/flows/define.ts";
import { flows, model, modelOf } from "../../src/flows/index.ts";

const nameOf = (statement: string): string => /INDEX (\w+)/.exec(statement)![1]!;

it("the steps of the schema make every index that the product's own flows need", () => {
  expect(ownIndexes(shapeOf(model))).toEqual([]);
});

it("a searchable kind of one's own brings the indexes that it is found by, made as the product's are", () => {
  const own = ownIndexes(shapeOf(modelOf([...flows, notes])));
  expect(own.map(nameOf)).toEqual(["tidegate_note_time", "tidegate_note_user_time", "tidegate_note_text"]);
  const released = MIGRATIONS.flat().map((statement) =>
    statement.replaceAll("Memory", "Note").replaceAll("memory", "note"),
  );
  for (const statement of own) expect(released).toContain(statement);
});

it("a field that refers brings the index that its targets' lists are read by", () => {
  const kind = {
    name: "Bookmark",
    implicit: false,
    references: [refersTo("shelf", "STANDS_ON", "out")],
    order: [],
  } as const;
  const targets = { shelf: "Session" };
  const bookmarks = defineFlow({
    name: "bookmarks",
    topic: "bookmark-operations",
    switch: { variable: "KAFKA_BOOKMARKS", followsGlobal: true },
    kind,
    types: { create: createType(kind, targets, { shelf: id }), query: queryType(kind, {}) },
  });
  expect(ownIndexes(shapeOf(modelOf([...flows, bookmarks]))).map(nameOf)).toEqual(["tidegate_refers_shelf"]);
});
