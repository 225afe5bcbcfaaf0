// The indexes of kinds that the numbered steps do not know: when they are made, and what is asked where they are there.
import { describe, expect, it } from "vitest";
import { notes } from "../../examples/ninth-flow/notes.ts";
import { failureOf } from "../../src/adapters/database/neo4j/failure.ts";
import { furtherIndexes } from "../../src/adapters/database/neo4j/migrate.ts";
import { MIGRATIONS } from "../../src/adapters/database/neo4j/migrations.ts";
import { type Neo4jMemory, neo4jDatabase } from "../../src/adapters/database/neo4j/neo4j.ts";
import { shapeOf } from "../../src/adapters/database/neo4j/shape.ts";
import type { Transport } from "../../src/adapters/database/neo4j/transport.ts";
import type { GraphModel, Kind } from "../../src/domain/model.ts";
import { refersTo } from "../../src/flows/define.ts";
import { flows, model, modelOf } from "../../src/flows/index.ts";

const NEWEST = MIGRATIONS.length;
const nine = modelOf([...flows, notes]);
const NAMES = ["tidegate_note_time", "tidegate_note_user_time", "tidegate_note_text"];
const ONLINE: readonly [string, string][] = NAMES.map((name) => [name, "ONLINE"]);
const forbidden = () =>
  failureOf("Neo.ClientError.Security.Forbidden", "Schema operation 'create_index' is not allowed");

interface Server {
  readonly graph?: GraphModel;
  readonly schema?: number | null;
  readonly indexes?: readonly (readonly [name: string, state: string])[];
  readonly memory?: Neo4jMemory;
  readonly looksOnly?: boolean;
  /** What a statement fails with. */
  readonly fail?: (text: string) => Error | undefined;
}

/** A database whose server has some indexes; `texts` are the statements that reach it. */
function opened({
  graph = nine,
  schema = NEWEST,
  indexes = [],
  memory,
  looksOnly,
  fail = () => undefined,
}: Server = {}) {
  const texts: string[] = [];
  const transport: Transport = {
    async run(text, { names }) {
      texts.push(text);
      const failure = fail(text);
      if (failure !== undefined) throw failure;
      if (text.startsWith("OPTIONAL MATCH")) return [[schema, schema !== null]];
      return text.startsWith("SHOW INDEXES") ? indexes.filter(([name]) => (names as string[]).includes(name)) : [[1]];
    },
    begin: undefined,
    close: async () => undefined,
  };
  const options = { delay: async () => undefined, random: () => 0.5, name: "bolt://test:7687" };
  const database = neo4jDatabase({
    transport,
    model: graph,
    ...options,
    ...(memory === undefined ? {} : { memory }),
    ...(looksOnly ? { looksOnly } : {}),
  });
  /** What was asked, each statement by its first two words. */
  const asked = (): string[] => texts.map((text) => text.split(" ").slice(0, 2).join(" "));
  return { database, texts, asked };
}

it("a reference of one's own brings the index by which its target's lists are read", () => {
  const { search: _, ...plain } = notes.kind;
  const bookmark = { ...plain, name: "Bookmark", references: [refersTo("shelf", "STANDS_ON", "out")] };
  const shape = shapeOf(new Map([...model, ["Bookmark", bookmark]]));
  expect(furtherIndexes(shape).map(({ statement }) => statement)).toEqual([
    "CREATE INDEX tidegate_refers_shelf IF NOT EXISTS FOR (n:Entity) ON (n._shelf, n._sort)",
  ]);
  expect(furtherIndexes(shapeOf(model))).toEqual([]);
});

const kindLike = (name: string, more: Partial<Kind> = {}): Kind => ({ ...notes.kind, name, ...more });
const modelWith = (...kinds: readonly Kind[]): GraphModel =>
  new Map([...model, ...kinds.map((kind) => [kind.name, kind] as const)]);

describe("the indexes of a searchable kind that no step knows", () => {
  it("are made in a database of the newest schema, once, and awaited; the schema's version stays", async () => {
    const { database, texts } = opened();
    await database.nowMs();
    await database.nowMs();
    const made = texts.filter((text) => text.startsWith("CREATE"));
    expect(made).toEqual([
      "CREATE INDEX tidegate_note_time IF NOT EXISTS FOR (n:Note) ON (n.tenant, n._time, n.key)",
      "CREATE INDEX tidegate_note_user_time IF NOT EXISTS FOR (n:Note) ON (n._user, n._time, n.key)",
      "CREATE FULLTEXT INDEX tidegate_note_text IF NOT EXISTS FOR (n:Note) ON EACH [n._text] " +
        "OPTIONS { indexConfig: { `fulltext.analyzer`: 'whitespace' } }",
    ]);
    expect(texts.filter((text) => text === "CALL db.awaitIndexes(300)")).toHaveLength(1);
    expect(texts.some((text) => text.includes("SET mark.schema"))).toBe(false);
  });

  it("are made after the steps in an empty database", async () => {
    const { database, texts } = opened({ schema: null });
    await database.nowMs();
    const made = texts.filter((text) => text.startsWith("CREATE"));
    expect(made.slice(0, -NAMES.length)).toEqual(MIGRATIONS.flat());
    expect(made.slice(-NAMES.length).map((text) => /tidegate_\w+/.exec(text)![0])).toEqual(NAMES);
  });

  it("cost one look where they are there, and no right to change the schema", async () => {
    const fail = (text: string) => (/^(CREATE|CALL db.await)/.test(text) ? forbidden() : undefined);
    const memory = { isNewest: false };
    const first = opened({ indexes: ONLINE, fail, memory });
    await first.database.nowMs();
    expect(first.asked()).toEqual(["OPTIONAL MATCH", "SHOW INDEXES", "RETURN datetime.realtime().epochMillis"]);
    const again = opened({ indexes: ONLINE, fail, memory });
    await again.database.nowMs();
    expect(again.asked()).toHaveLength(1);
  });

  it("that another process is making are awaited", async () => {
    const { database, asked } = opened({ indexes: [...ONLINE.slice(1), [NAMES[0]!, "POPULATING"]] });
    await database.nowMs();
    expect(asked().slice(0, 3)).toEqual(["OPTIONAL MATCH", "SHOW INDEXES", "CALL db.awaitIndexes(300)"]);
  });

  it("are not looked for with the product's flows, whose indexes the steps make", async () => {
    const { database, asked } = opened({ graph: model });
    await database.nowMs();
    expect(asked()).not.toContain("SHOW INDEXES");
  });

  it("hold no words where the kind has no text", async () => {
    const { database, texts } = opened({ graph: modelWith(kindLike("Walk", { search: { text: [], user: "user" } })) });
    await database.nowMs();
    expect(texts.filter((text) => text.startsWith("CREATE")).map((text) => /tidegate_\w+/.exec(text)![0])).toEqual([
      "tidegate_walk_time",
      "tidegate_walk_user_time",
    ]);
  });

  it("hold whom a query names as user, by the field that the kind names it by", async () => {
    const search = { text: ["text"], user: "author" };
    const { database, texts } = opened({ graph: modelWith(kindLike("Letter", { search })) });
    await database.search({ tenant: "a", kind: "Letter", user: "a/User/ada" }, "", 10);
    expect(texts).toContain(
      "CREATE INDEX tidegate_letter_author_time IF NOT EXISTS FOR (n:Letter) ON (n._author, n._time, n.key)",
    );
    expect(texts.at(-1)).toContain("n._author = $user");
  });

  it("are looked for again after they could not be made, and no operation is to blame", async () => {
    for (const code of ["Neo.ClientError.Schema.IndexCreationFailed", "Neo.DatabaseError.Schema.IndexCreationFailed"]) {
      let isBroken = true;
      const fail = (text: string) =>
        isBroken && text.startsWith("CREATE FULLTEXT") ? failureOf(code, "no room") : undefined;
      const { database, texts } = opened({ fail });
      await expect(database.nowMs()).rejects.toMatchObject({
        code: "graph_unavailable",
        message: expect.stringContaining("its schema cannot be made: no room"),
        ambiguous: false,
        divisible: false,
      });
      isBroken = false;
      await database.nowMs();
      expect(texts.filter((text) => text.startsWith("SHOW INDEXES"))).toHaveLength(2);
    }
  });

  it("are refused in words to a user who may not make them", async () => {
    const { database } = opened({ fail: (text) => (text.startsWith("CREATE") ? forbidden() : undefined) });
    await expect(database.nowMs()).rejects.toMatchObject({
      code: "graph_unavailable",
      message: expect.stringContaining("'create_index' is not allowed"),
    });
  });
});

describe("names that become part of statements", () => {
  it.each(["Note) ON (n.key", "Note`", "Naïve", "1st", "", "a'b"])("are plain: not %j", (name) => {
    expect(() => opened({ graph: modelWith(kindLike(name)) })).toThrow(/Cannot use the name .* in Neo4j/);
  });

  it("are plain where a kind names whom a query names as user", () => {
    const search = { text: [], user: "a) //" };
    expect(() => opened({ graph: modelWith(kindLike("Note", { search })) })).toThrow(
      'Cannot use the name "a) //" in Neo4j',
    );
  });

  it.each([
    ["Note", "NOTE", "tidegate_note_time"],
    ["Note", "Note_User", "tidegate_note_user_time"],
  ])("are not shared by two indexes: %s and %s", (one, other, index) => {
    expect(() => opened({ graph: modelWith(kindLike(one), kindLike(other)) })).toThrow(
      `Cannot use kinds ${one} and ${other}: both need the index ${index}`,
    );
  });
});

describe("a database that is only looked at", () => {
  it("is asked whose it is, and nothing is made in it", async () => {
    const { database, asked } = opened({ looksOnly: true });
    await database.nowMs();
    expect(asked()).toEqual(["OPTIONAL MATCH", "RETURN datetime.realtime().epochMillis"]);
  });

  it.each([
    [null, "it is empty, without a schema"],
    [NEWEST - 1, `it has schema ${NEWEST - 1} of ${NEWEST}; "tidegate start" brings it up to date`],
  ])("is refused with schema %s, and stays as it is", async (schema, reason) => {
    const { database, asked } = opened({ graph: model, schema, looksOnly: true });
    await expect(database.dumpEntities("", 1)).rejects.toThrow(`Cannot read bolt://test:7687: ${reason}`);
    expect(asked()).toEqual(["OPTIONAL MATCH"]);
  });
});
