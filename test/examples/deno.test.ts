// examples/deno: types and all, with the rights that it names and no others.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { createClient } from "../../src/client/index.ts";
import { DENO } from "../runtimes/install.ts";
import { conversations, EXCERPT, type Said } from "../support/excerpt.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";

const root = resolve(import.meta.dirname, "../..");
const isThere = existsSync(DENO);
if (!isThere) console.warn(`skipped: examples/deno: there is no Deno at ${DENO}; "npm run test:runtimes" installs it`);

test.skipIf(!isThere)(
  "records conversations and has the longest summarised; again, it changes nothing",
  async () => {
    using folder = tempFolder();
    await using service = await startServiceProcess(folder.root);
    const script = "examples/deno/record.ts";
    const deno = (args: readonly string[]) =>
      spawnSync(DENO, args, { cwd: root, encoding: "utf8", env: { HOME: folder.root, NO_COLOR: "1" } });
    const checked = deno(["check", script]);
    expect([checked.status, checked.stderr]).toEqual([0, expect.any(String)]);
    const rights = [
      `--allow-net=${new URL(service.url).host}`,
      "--allow-read=test/data",
      "--allow-env=TIDEGATE_API_KEY",
    ];
    const run = () => deno(["run", "--no-prompt", ...rights, script, service.url, EXCERPT]);
    const all = conversations();
    // One message of the excerpt has no words, which the flow does not take.
    const taken = (said: readonly Said[]): number => said.filter(({ content }) => content !== "").length;
    const operations = [...all.values()].reduce((sum, said) => sum + taken(said) + 1, 0);
    for (const { status, stdout, stderr } of [run(), run()]) {
      expect([status, stderr]).toEqual([0, expect.stringMatching(/^422 invalid_input #\/content: .*\n$/)]);
      expect(stdout).toContain(`${operations} operations of ${all.size} conversations are accepted`);
      expect(stdout).toMatch(/summary: applied\n\w/);
    }
    const [id, said] = [...all][0]!;
    const read: (string | undefined)[] = [];
    for await (const { content } of createClient({ url: service.url }).messages(id)) read.push(content);
    expect(read).toEqual(said.map(({ content }) => content));
  },
  180_000,
);
