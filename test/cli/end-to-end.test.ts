// The command against a real service, both as processes: import, import again, check, dump.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { buildCanonical } from "../canonical/chitchat-canonical.ts";
import { CHITCHAT_EXCERPT } from "../support/chitchat.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { answers, freePort, killAll, runTidegate, startTidegate, waitFor } from "../support/tidegate-process.ts";

afterAll(killAll);

test("an import of the excerpt, twice, gives the canonical dump, and closes", async () => {
  using folder = tempFolder();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const output = folder.path("service.log");
  const env = { PORT: String(port), DATA_DIR: folder.path("data"), LOG_LEVEL: "warning" };
  const service = startTidegate(["start"], env, folder.root, output);
  await waitFor("the service", 30_000, () => answers(`${url}/livez`), { alive: { process: service, output } });
  const run = async (...args: string[]) => {
    const options = { env: { TIDEGATE_URL: url }, cwd: folder.root, errors: folder.path("errors"), boundMs: 60_000 };
    const { code, out } = await runTidegate(args, options);
    return { code, out, err: readFileSync(folder.path("errors"), "utf8") };
  };

  for (let time = 0; time < 2; time++) {
    const { code, out } = await run("import", CHITCHAT_EXCERPT, "--json", "--accepted", "accepted");
    expect([code, JSON.parse(out)]).toMatchObject([0, { complete: true, accepted: 1_072, rejected: 1, users: 41 }]);
  }
  const [reject] = readFileSync(folder.path("chitchat-excerpt.json.gz.rejects.jsonl"), "utf8").trimEnd().split("\n");
  expect(JSON.parse(reject!)).toMatchObject({ turn: 1, index: 1, reason: expect.stringMatching(/^422 .*#\/content/) });
  await waitFor("rest", 30_000, async () => {
    const response = await fetch(`${url}/v1/check`);
    return ((await response.json()) as { atRest: boolean }).atRest;
  });

  const check = await run("check", "--accepted", "accepted");
  expect([check.code, check.out]).toEqual([
    0,
    [
      "chat-messages  accepted 1031 = applied 1031 + superseded 0 + parked 0 + discarded 0 + pending 0",
      "session        accepted 41 = applied 41 + superseded 0 + parked 0 + discarded 0 + pending 0",
      "Everything closes\n",
    ].join("\n"),
  ]);
  const { sha256 } = buildCanonical(CHITCHAT_EXCERPT);
  const { out } = await run("dump");
  expect(createHash("sha256").update(out).digest("hex")).toBe(sha256);
  expect((await run("dump", "--output", "dump")).out).toBe(`3175 lines, sha256 ${sha256}\n`);

  const sent = await run(
    "send",
    "memory",
    "create",
    '{"user":"ada","content":"likes the sea"}',
    "--wait",
    "--accepted",
    "accepted",
  );
  expect([sent.code, JSON.parse(sent.out.split("\n")[1]!)]).toMatchObject([0, { state: "applied" }]);
  expect((await run("check", "--accepted", "accepted")).code).toBe(0);
  expect(await service.stop()).toBe(0);
  expect((await run("dump", "--data", "data", "--output", "dump")).code).toBe(0);

  // The log that DATA_DIR names, and no empty one in its place.
  const from = async (data: string, into: string) => {
    const errors = folder.path(`errors-${into}`);
    const options = { env: { DATA_DIR: folder.path(data) }, cwd: folder.root, errors, boundMs: 60_000 };
    const { code, out } = await runTidegate(["rebuild", "--into", into], options);
    return { code, out, err: readFileSync(errors, "utf8") };
  };
  const rebuilt = await from("data", "rebuilt.sqlite");
  expect([rebuilt.code, JSON.parse(rebuilt.out)]).toMatchObject([0, { first: 1_073, parked: 0, obstacles: [] }]);
  const nowhere = await from("nowhere", "nothing.sqlite");
  expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringMatching(/^tidegate: There is no embedded log in /)]);
  expect([existsSync(folder.path("nowhere")), existsSync(folder.path("nothing.sqlite"))]).toEqual([false, false]);

  // A name is given to what is whole alone.
  const KAFKA_URL = "http://127.0.0.1:1";
  const unreachable = { env: { KAFKA_URL }, cwd: folder.root, errors: folder.path("errors-half"), boundMs: 60_000 };
  writeFileSync(folder.path("half.sqlite.part"), "left by an earlier one that was killed");
  expect((await runTidegate(["rebuild", "--into", "half.sqlite", "--data", "data"], unreachable)).code).toBe(1);
  expect(readdirSync(folder.root).filter((name) => name.startsWith("half"))).toEqual([]);

  const gone = await run("check");
  expect([gone.code, gone.err]).toEqual([1, expect.stringMatching(/^tidegate: Cannot reach the service at [^\n]*\n$/)]);
});
