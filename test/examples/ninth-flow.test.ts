// examples/ninth-flow: a service of nine flows as a process, and a client that knows them all.
import { resolve } from "node:path";
import { expect, test } from "vitest";
import type { notes } from "../../examples/ninth-flow/notes.ts";
import { createClient } from "../../src/client/index.ts";
import type { flows } from "../../src/tidegate.ts";
import { startExample } from "../support/example-process.ts";
import { conversations } from "../support/excerpt.ts";
import { tempFolder } from "../support/temp-folder.ts";

const root = resolve(import.meta.dirname, "../..");
type NineFlows = readonly [...typeof flows, typeof notes];

test("notes about a conversation are recorded, found, and lie in the graph", async () => {
  using folder = tempFolder();
  const env = { PORT: "0", DATA_DIR: folder.path("data") };
  await using service = await startExample(process.execPath, ["examples/ninth-flow/main.ts"], { cwd: root, env });
  const client = createClient<NineFlows>({ url: service.url });
  const [session, said] = [...conversations()][0]!;
  const { user } = said[0]!;
  await client.submit("session", "create", { id: session, user });
  await client.submitMany(
    said.map((data) => ({ flow: "chat-messages", type: "create", data: { session, ...data } }) as const),
  );
  const noted = await client.submit("notes", "create", {
    id: "nap",
    user,
    session,
    text: "Naps make everything worse",
  });
  expect(await client.settled(noted.id)).toMatchObject({ state: "applied", path: "kafka" });
  const found: (string | undefined)[] = [];
  for await (const { text } of client.search("Note", { text: "naps", user })) found.push(text);
  expect(found).toEqual(["Naps make everything worse"]);
  const { edges } = await client.neighbourhood("Note", "nap");
  expect(edges.map(({ relation }) => relation).sort()).toEqual(["ON", "WROTE"]);
}, 120_000);
