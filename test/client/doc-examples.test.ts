// Every `@example` of what people import, and the README's, run as it stands against a service in this process.
import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { notes } from "../../examples/ninth-flow/notes.ts";
import { createClient } from "../../src/client/index.ts";
import * as tidegate from "../../src/tidegate.ts";
import { startService } from "../support/service.ts";
import { tempFolder } from "../support/temp-folder.ts";

const root = resolve(import.meta.dirname, "../../src");
const sources = [
  "tidegate.ts",
  "flows/define.ts",
  ...readdirSync(join(root, "client")).map((name) => `client/${name}`),
];

/** Bodies of the examples of a file, without the stars of their comments. */
function examplesOf(name: string): string[] {
  const text = readFileSync(join(root, name), "utf8");
  return [...text.matchAll(/^ *\* @example\n *\* ```ts\n(.*?)^ *\* ```$/gms)].map(([, body]) =>
    body!.replace(/^ *\* ?/gm, ""),
  );
}

/** Blocks of the README. What they import is in scope anyway. */
function readmeBlocks(): string[] {
  const text = readFileSync(join(root, "../README.md"), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, body]) => body!.replace(/^import .*;$/gm, ""));
}

const examples = [
  ...sources.flatMap((name) => examplesOf(name).map((body) => [name, body] as const)),
  ...readmeBlocks().map((body) => ["README.md", body] as const),
];

test("there are examples of all that people begin with", () => {
  const text = examples.map(([, body]) => body).join("\n");
  for (const call of ["createClient(", "submit(", "submitMany(", "settled(", "createTidegate(", "defineFlow("]) {
    expect(text).toContain(call);
  }
});

type Runnable = (...values: unknown[]) => Promise<void>;
const AsyncFunction = (async () => undefined).constructor as new (...parts: string[]) => Runnable;

test.each(examples)("an example of %s runs", async (_, body) => {
  using folder = tempFolder();
  await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
  const send = async (url: string, init: RequestInit): Promise<Response> =>
    service.app.request(url.slice("http://127.0.0.1:8787".length), init);
  const ofTests = (options: { url: string; fetch?: typeof send }) => createClient({ fetch: send, ...options });
  const client = ofTests({ url: "http://127.0.0.1:8787" });
  await client.submit("session", "create", { id: "tides", user: "ada" });
  const said: unknown[] = [];
  const scope: { [name: string]: unknown } = {
    ...tidegate,
    createTidegate: (options: tidegate.TidegateOptions) =>
      tidegate.createTidegate({ ...options, env: { DATA_DIR: folder.root }, write: () => undefined }),
    createClient: ofTests,
    client,
    notes,
    z,
    console: { log: (...values: unknown[]) => said.push(...values) },
  };
  const run = new AsyncFunction(...Object.keys(scope), `{ ${stripTypeScriptTypes(body)} }`);
  await run(...Object.values(scope));
  // What an example prints is there to be printed.
  if (body.includes("console.log")) expect(said.filter((value) => value !== undefined)).not.toEqual([]);
});
