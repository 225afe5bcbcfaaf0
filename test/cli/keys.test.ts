// `tidegate keys create`, and its key between the commands and a real service.
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { flows } from "../../src/flows/index.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { type Env, runTidegate } from "../support/tidegate-process.ts";

async function run(folder: { path(name: string): string; root: string }, env: Env, ...args: string[]) {
  const errors = folder.path("errors");
  writeFileSync(errors, "");
  const { code, out } = await runTidegate(args, { env, cwd: folder.root, errors, boundMs: 60_000 });
  return { code, out, err: readFileSync(errors, "utf8") };
}

test("prints a key and its entry, in lines of an environment file or as JSON, and never the same twice", async () => {
  using folder = tempFolder();
  const args = ["keys", "create", "--tenant", "a*b c", "--scope", "memory:*", "--scope", "read", "--scope", "read"];
  const lines = await run(folder, {}, ...args);
  expect([lines.code, lines.out]).toEqual([
    0,
    expect.stringMatching(/^TIDEGATE_API_KEY=tg_[\w-]{43}\nAPI_KEYS=[\w-]{43}:a%2ab%20c:memory:\*\+read\n$/),
  ]);
  expect(lines.err).toMatch(/^The key is shown only now[^\n]*\n$/);
  const json = await run(folder, {}, ...args, "--json");
  const { key, entry, ...rest } = JSON.parse(json.out) as { key: string; entry: string };
  expect([json.err, rest]).toEqual(["", { tenant: "a*b c", scopes: ["memory:*", "read"] }]);
  expect(lines.out).not.toContain(key);
  const [principal] = parseConfig({ API_KEYS: entry }, flows).keys!.values();
  expect(principal).toEqual({ tenant: "a*b c", scopes: new Set(["memory:*", "read"]) });
});

test("its key opens a service to send, import, check and dump", async () => {
  using folder = tempFolder();
  const create = async (...args: string[]) => {
    const { out } = await run(folder, {}, "keys", "create", "--json", ...args);
    return JSON.parse(out) as { key: string; entry: string };
  };
  const writer = await create("--tenant", "acme", "--scope", "memory:create");
  const operator = await create("--tenant", "acme", "--scope", "admin");
  await using service = await startServiceProcess(folder.root, { API_KEYS: `${writer.entry},${operator.entry}` });
  const as = (key: string, ...args: string[]) =>
    run(folder, { TIDEGATE_URL: service.url, ...(key === "" ? {} : { TIDEGATE_API_KEY: key }) }, ...args);
  const memory = '{"id":"k","user":"ada","content":"likes the sea"}';

  const refused = await as("", "send", "memory", "create", memory);
  expect([refused.code, refused.err]).toEqual([
    1,
    expect.stringMatching(/^tidegate: The service answered 401: unauthenticated: .*; give a key with TIDEGATE_API_KEY/),
  ]);
  const sent = await as(writer.key, "send", "memory", "create", memory, "--wait", "--accepted", "ids");
  expect([sent.code, JSON.parse(sent.out.split("\n")[1]!)]).toMatchObject([0, { state: "applied" }]);
  const lacking = await as(writer.key, "check");
  expect([lacking.code, lacking.err]).toEqual([
    1,
    "tidegate: The service answered 403: forbidden: The API key lacks the scope admin\n",
  ]);

  const lines = [`{"flow":"memory","type":"create","data":${memory}}`, '{"flow":"session","type":"create","data":{}}'];
  writeFileSync(folder.path("in.jsonl"), `${lines.join("\n")}\n`);
  const anonymous = await as("", "import", "in.jsonl");
  expect([anonymous.code, anonymous.err]).toEqual([1, expect.stringContaining("401: unauthenticated")]);
  const imported = await as(writer.key, "import", "in.jsonl", "--json", "--accepted", "ids", "--rejects", "rejects");
  expect([imported.code, JSON.parse(imported.out)]).toMatchObject([0, { accepted: 1, rejected: 1 }]);
  expect(readFileSync(folder.path("rejects"), "utf8")).toContain("lacks the scope session:create");

  await service.until("rest", async () => {
    const response = await fetch(`${service.url}/v1/check`, { headers: { authorization: `Bearer ${operator.key}` } });
    return ((await response.json()) as { atRest: boolean }).atRest;
  });
  expect((await as(operator.key, "check", "--accepted", "ids")).code).toBe(0);
  const dumped = await as(operator.key, "dump");
  expect([dumped.code, dumped.out]).toEqual([0, expect.stringContaining('"node":"acme/Memory/k"')]);
  for (const secret of [writer.key, operator.key]) expect(service.output()).not.toContain(secret);
});
