// A flow of one's own on the real Neo4j: its kind is searched by text, as on SQLite, in a database that has the schema already.
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { notes } from "../../examples/ninth-flow/notes.ts";
import { createClient } from "../../src/client/index.ts";
import type { flows } from "../../src/tidegate.ts";
import { readStack } from "../stack/read-stack.ts";
import { startExample } from "../support/example-process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { emptyNeo4j, openTransport, TRANSPORTS } from "./neo4j-database.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
type NineFlows = readonly [...typeof flows, typeof notes];

it.each(TRANSPORTS)("notes are found by their words over %s", async (name) => {
  const { bolt, http, password } = readStack().neo4j;
  const transport = openTransport("bolt");
  await transport.run("DROP INDEX tidegate_note_text IF EXISTS", {});
  await emptyNeo4j(transport);
  using folder = tempFolder();
  const neo4j = { NEO4J_URL: name === "bolt" ? bolt : http, NEO4J_PASSWORD: password };
  const env = { PORT: "0", DATA_DIR: folder.path("data"), KAFKA_NOTES: "false", ...neo4j };
  {
    await using service = await startExample(process.execPath, ["examples/ninth-flow/main.ts"], { cwd: root, env });
    const client = createClient<NineFlows>({ url: service.url });
    await client.submit("notes", "create", { id: "nap", user: "ada", text: "Naps make everything worse" });
    const found: (string | undefined)[] = [];
    for await (const { text } of client.search("Note", { text: "naps", user: "ada" })) found.push(text);
    expect(found).toEqual(["Naps make everything worse"]);
  }
  await emptyNeo4j(transport);
  await transport.close();
});
