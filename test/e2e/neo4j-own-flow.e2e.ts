// A flow that the product does not have, on the real Neo4j: its kind is found by text, whoever filled the database before.
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { notes } from "../../examples/ninth-flow/notes.ts";
import { createClient } from "../../src/client/index.ts";
import {
  createTidegate,
  createType,
  defineFlow,
  deleteType,
  flows,
  id,
  queryType,
  refersTo,
} from "../../src/tidegate.ts";
import { readStack } from "../stack/read-stack.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { emptyNeo4j, openNeo4j, openTransport, TRANSPORTS, type TransportName } from "./neo4j-database.ts";

/** Its queries name as `user` whom its entities name otherwise. */
const letter = {
  name: "Letter",
  implicit: false,
  references: [refersTo("author", "PENNED", "in")],
  order: [],
  search: { text: ["text"], user: "author" },
} as const;
const letters = defineFlow({
  name: "letters",
  topic: "letter-operations",
  switch: { variable: "KAFKA_LETTERS", followsGlobal: true },
  kind: letter,
  types: {
    create: createType(letter, { author: "User" }, { author: id, text: z.string() }),
    delete: deleteType(letter),
    query: queryType(letter, { text: z.string().optional(), user: id.optional() }),
  },
});

const ownFlows = [...flows, notes, letters] as const;
const INDEXES = [
  ...["tidegate_letter_author_time", "tidegate_letter_text", "tidegate_letter_time"],
  ...["tidegate_note_text", "tidegate_note_time", "tidegate_note_user_time"],
];

const direct = openTransport("bolt");
const dropIndexes = async (): Promise<void> => {
  for (const name of INDEXES) await direct.run(`DROP INDEX ${name} IF EXISTS`, {});
};
const onlineIndexes = async (): Promise<unknown[]> => {
  const show = "SHOW INDEXES YIELD name, state WHERE name IN $names AND state = 'ONLINE' RETURN name ORDER BY name";
  return (await direct.run(show, { names: INDEXES })).map(([name]) => name);
};

/** A database as a service of the product's flows left it. */
beforeEach(async () => {
  const product = openNeo4j("bolt");
  await product.nowMs();
  await product.close();
  await emptyNeo4j(direct);
  await dropIndexes();
});

afterAll(async () => {
  await emptyNeo4j(direct);
  await dropIndexes();
  await direct.close();
});

/** A service of these flows, whose answers come once an operation is applied. */
async function start(via: TransportName) {
  const { bolt, http, password } = readStack().neo4j;
  const folder = tempFolder();
  const env = {
    DATA_DIR: folder.root,
    ENABLE_KAFKA: "false",
    NEO4J_URL: via === "bolt" ? bolt : http,
    NEO4J_PASSWORD: password,
  };
  const tidegate = await createTidegate({ flows: ownFlows, env, write: () => undefined });
  const send = (url: string, init: RequestInit): Promise<Response> => tidegate.fetch(new Request(url, init));
  const client = createClient<typeof ownFlows>({ url: "http://tidegate.test", fetch: send });
  return {
    client,
    async found(search: { readonly text?: string; readonly user?: string }, kind: "Note" | "Letter" = "Note") {
      const ids: string[] = [];
      for await (const found of client.search(kind, search)) ids.push(found.id);
      return ids.sort();
    },
    async [Symbol.asyncDispose]() {
      await tidegate.close();
      folder[Symbol.dispose]();
    },
  };
}

describe.each(TRANSPORTS)("over %s", (via) => {
  it("notes are found by text, by their writer, and by a query that is an operation", async () => {
    await using service = await start(via);
    const { client, found } = service;
    await client.submit("notes", "create", { id: "moon", user: "ada", text: "Full MOON over the Séa" });
    await client.submit("notes", "create", { id: "sea", user: "bob", text: "The sea is calm" });
    await client.submit("memory", "create", { id: "m", user: "ada", content: "ada loves the sea" });
    expect(await onlineIndexes()).toEqual(INDEXES);
    // A full-text index follows a commit at once.
    expect(await found({ text: "sea" })).toEqual(["moon", "sea"]);
    expect(await found({ text: "sea", user: "bob" })).toEqual(["sea"]);
    expect(await found({ user: "ada" })).toEqual(["moon"]);
    const asked = await client.submit("notes", "query", { text: "moon" });
    expect(asked.result).toMatchObject({ items: [{ id: "moon" }] });
    await client.submit("notes", "update", { id: "moon", text: "New moon" });
    await client.submit("notes", "delete", { id: "sea" });
    expect(await found({ text: "sea" })).toEqual([]);
  });

  it("letters are found by their author, whom a query names as user", async () => {
    await using service = await start(via);
    const { client, found } = service;
    await client.submit("letters", "create", { id: "one", author: "ada", text: "Dear sea" });
    await client.submit("letters", "create", { id: "two", author: "bob", text: "Dear sea" });
    expect(await found({ user: "ada" }, "Letter")).toEqual(["one"]);
    expect(await found({ text: "sea", user: "bob" }, "Letter")).toEqual(["two"]);
    for (const more of [{}, { text: "dear" }]) {
      const asked = await client.submit("letters", "query", { user: "ada", ...more });
      expect(asked.result).toMatchObject({ items: [{ id: "one" }] });
    }
  });

  it("notes are found that were stored before there was an index", async () => {
    {
      await using before = await start(via);
      await before.client.submit("notes", "create", { id: "moon", user: "ada", text: "Full moon" });
    }
    await dropIndexes();
    await using service = await start(via);
    expect(await service.found({ text: "moon" })).toEqual(["moon"]);
  });
});
