// A ChatGPT export into a real service, twice, and one of its sessions erased again.
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "../support/run-command.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";

const EXPORT = join(import.meta.dirname, "../data/chatgpt-conversations.json");
const TIDES = "11111111-aaaa-4000-8000-000000000001";

test("an export is imported once however often, and a session is erased for good", async () => {
  using folder = tempFolder();
  await using service = await startServiceProcess(folder.root, { LOG_LEVEL: "warning" });
  const run = (...args: string[]) => runCommand(...args, "--url", service.url);
  const read = async <Body>(path: string): Promise<Body> => (await fetch(service.url + path)).json() as Promise<Body>;
  const atRest = () => service.until("rest", async () => (await read<{ atRest: boolean }>("/v1/check")).atRest);
  const files = ["--rejects", folder.path("rejects"), "--state", folder.path("state")];
  for (let time = 0; time < 2; time++) {
    const { code, out } = await run("import", EXPORT, "--user", "ada", "--json", ...files);
    expect([code, JSON.parse(out)]).toMatchObject([0, { accepted: 12, rejected: 1, users: 2 }]);
  }
  await atRest();
  const { items } = await read<{ items: { user: string; content: string }[] }>(`/v1/sessions/${TIDES}/messages`);
  expect(items.map(({ user, content }) => [user, content.split(/[?:,]/)[0]])).toEqual([
    ["ada", "When does the tide turn in Sylt"],
    ["assistant", "About every six hours"],
    ["ada", "And tomorrow"],
    ["assistant", "High water at six"],
  ]);
  const dump = (await run("dump")).out;
  expect((await run("check")).code).toBe(0);

  expect((await run("erase", "--session", TIDES, "--dry-run")).out).toMatch(/^4 messages and 1 session /);
  expect((await run("dump")).out).toBe(dump);
  const erased = await run("erase", "--session", TIDES, "--json");
  expect([erased.code, JSON.parse(erased.out)]).toMatchObject([0, { messages: 4, sessions: 1 }]);
  expect((await service.get(`/v1/sessions/${TIDES}`)).status).toBe(404);
  await atRest();
  const registers = (await run("dump", "--registers")).out;
  expect(registers).toContain(TIDES);
  expect(registers).not.toContain("Sylt");
  expect(registers).toContain("cockle");
  expect((await run("erase", "--session", TIDES)).out).toMatch(/there is nothing to erase\n$/);
  // The keys of the import are spent: it does not bring back what was erased.
  await run("import", EXPORT, "--user", "ada", "--json", ...files);
  await atRest();
  expect((await run("dump", "--registers")).out).toBe(registers);
});
