// The questions of docs/neo4j.md are asked, of a graph that real operations made, and find what they are to find.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { readStack } from "../stack/read-stack.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { emptyNeo4j, openTransport } from "./neo4j-database.ts";

const PAGE = new URL("../../docs/neo4j.md", import.meta.url);

it("every question of the page has an answer", async () => {
  const { bolt, password } = readStack().neo4j;
  const transport = openTransport("bolt");
  await emptyNeo4j(transport);
  using folder = tempFolder();
  {
    await using service = await startServiceProcess(folder.root, { NEO4J_URL: bolt, NEO4J_PASSWORD: password });
    for (const [path, data] of [
      ["session/create", { id: "s", user: "ada" }],
      ["chat-messages/create", { id: "m", session: "s", user: "ada", content: "The Sea is calm" }],
      ["memory/create", { user: "ada", content: "ada loves the Séa" }],
      ["activity/update", { id: "never-created", name: "a walk" }],
    ] as const) {
      expect((await service.post(`/v1/${path}`, data)).status).toBeLessThan(300);
    }
    await service.until("rest", async () => (await service.get("/v1/check")).body.atRest === true);
  }
  const questions = [...readFileSync(PAGE, "utf8").matchAll(/```cypher\n(.*?)```/gs)].map(([, text]) => text!);
  expect(questions).toHaveLength(6);
  for (const question of questions) {
    const rows = await transport.run(question, {});
    expect([question, rows.length > 0]).toEqual([question, true]);
  }
  await emptyNeo4j(transport);
  await transport.close();
});
