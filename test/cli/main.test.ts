import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { Refused, type Request, startFakeService } from "../support/fake-service.ts";
import { runCommand as run } from "../support/run-command.ts";
import { tempFolder } from "../support/temp-folder.ts";

async function service() {
  const fake = await startFakeService();
  onTestFinished(() => fake.close());
  return fake;
}

const COMMANDS = [
  "start",
  "gateway",
  "send",
  "import",
  "dump",
  "rebuild",
  "check",
  "operations",
  "replay",
  "discard",
  "erase",
  "topics",
  "doctor",
  "keys",
];

const FLOW = { applied: 1, superseded: 0, parked: 0, discarded: 0, pending: 0, foreign: 0, accounted: 1, byPath: {} };
const CHECK = { closed: true, atRest: true, outbox: 0, sweeps: 0, unseen: 0, partitions: [], flows: { memory: FLOW } };

describe("tidegate", () => {
  beforeEach(() => vi.stubEnv("TIDEGATE_URL", "http://127.0.0.1:9"));
  afterEach(() => vi.unstubAllEnvs());

  test("prints its version and an overview", async () => {
    expect((await run("--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    const { code, out } = await run("--help");
    expect(code).toBe(0);
    for (const name of COMMANDS) expect(out).toContain(`\n  ${name} `);
  });

  test.each(COMMANDS)("prints the options of %s", async (name) => {
    const { code, out } = await run(name, "--help");
    expect(code).toBe(0);
    expect(out).toContain(`tidegate ${name}`);
  });

  test.each(COMMANDS.filter((name) => name !== "start" && name !== "gateway"))("%s takes --json", async (name) => {
    expect((await run(name, "--help")).out).toContain("--json");
  });

  test.each([
    [[], 'Which command?; see "tidegate --help"'],
    [["improt"], 'There is no command "improt"; see "tidegate --help"'],
    [["toString"], 'There is no command "toString"'],
    [["import"], 'FILE; see "tidegate import --help"'],
    [["import", "f", "--limt", "3"], "Unknown option '--limt'; see \"tidegate import --help\""],
    [["import", "f", "--limit"], "'--limit <value>' argument missing"],
    [["import", "f", "--limit", "many"], '--limit must be a whole number from 1 to 9007199254740991; it is "many"'],
    [["import", "f", "--batch", "0"], "--batch must be a whole number from 1 to 10000"],
    [["import", "f", "--format", "csv"], "--format must be chatgpt, chitchat, jsonl"],
    [["import", "f", "--url", "localhost:1"], '"localhost:1" is not an http(s) address'],
    [["import", "-", "-"], "Standard input can be imported only once"],
    [["check", "surplus"], 'Unexpected argument "surplus"'],
    [["send", "memory"], "TYPE"],
    [["send", "memory", "create", "{broken"], "DATA is not JSON"],
    [["dump", "--url", "http://h", "--data", "d"], "Give --url or --data, not both"],
    [["gateway", "--port", "70000"], "--port must be a whole number from 0 to 65535"],
    [["rebuild"], "--into"],
    [["check", "--api-key", "two words"], "The API key must be a word of ASCII characters"],
    [["send", "memory", "create", "{}", "--api-key", ""], "The API key must be a word"],
    [["keys"], "ACTION"],
    [["keys", "list", "--tenant", "t", "--scope", "read"], 'Keys can be created, not "list"'],
    [["keys", "create", "--scope", "read"], "--tenant"],
    [["keys", "create", "--tenant", "t"], "--scope"],
    [["keys", "create", "--tenant", "", "--scope", "read"], "The key needs a tenant of 1 to 100 characters"],
    [
      ["keys", "create", "--tenant", "t", "--scope", "memroy:*", "--scope", "x"],
      'The key names "memroy:*", "x"; scopes',
    ],
    [["keys", "create", "surplus", "--tenant", "t", "--scope", "read"], 'Unexpected argument "surplus"'],
    [["operations", "id", "--flow", "memory"], "Give an id, or what to list, not both"],
    [["operations", "a/b"], '"a/b" names no record; give topic/partition/offset'],
    [["operations", "--topic", "t"], "--topic and --reason are about parked records; add --parked"],
    [["operations", "--parked", "--outcome", "applied"], "A parked record has no outcome yet"],
    [["operations", "--limit", "0"], "--limit must be a whole number from 1 to 10000"],
    [["replay"], "Say what to replay: one RECORD, or any of --flow, --topic and --reason together, or --all"],
    [["replay", "t/0/1", "--all"], "Say what to replay: one RECORD"],
    [["replay", "t/0/-1"], '"t/0/-1" names no record; give topic/partition/offset'],
    [["replay", "--all", "--edit", "f"], "--edit is about one RECORD; name it"],
    [["discard", "--all", "--yes", "--wait"], "--wait is about one RECORD; name it"],
    [["discard", "--all", "--flow", "memory"], "Say what to discard: one RECORD"],
    [["discard", "../0/1"], '"../0/1" names no record; give topic/partition/offset'],
    [["discard", "t/0/1", "--edit", "f"], "Unknown option '--edit'"],
    [["erase"], "Give either --session or --user"],
    [["erase", "--session", "a", "--user", "b"], "Give either --session or --user"],
    [["erase", "--user", ""], "An id is not empty"],
    [["topics"], "ACTION"],
    [["topics", "drop"], 'Say check or create, not "drop"'],
  ])("%j is a usage error in one line", async (args, line) => {
    const { code, out, err } = await run(...args);
    expect(code).toBe(2);
    expect(err).toContain(line);
    expect(err).toMatch(/^tidegate: [^\n]*\n$/);
    expect(out).toBe("");
  });

  test.each([
    [
      ["check"],
      /^tidegate: Cannot reach the service at http:\/\/127\.0\.0\.1:9: .*; start it with "tidegate start", or name another/,
    ],
    [["import", "/nowhere.jsonl"], /^tidegate: Cannot read \/nowhere\.jsonl: there is no such file\n$/],
    [["check", "--accepted", "/nowhere"], /^tidegate: Cannot read \/nowhere: there is no such file\n$/],
    [["dump", "--data", "/nowhere"], /^tidegate: Cannot dump \/nowhere: there is no /],
  ])("%j fails in one line", async (args, line) => {
    const { code, err } = await run(...args);
    expect(code).toBe(1);
    expect(err).toMatch(line);
    expect(err.trimEnd()).not.toContain("\n");
  });

  test("send prints the answer, and with --wait the outcome", async () => {
    const fake = await service();
    using folder = tempFolder();
    fake.answers.set("/v1/memory/create", { id: "op", flow: "memory" });
    fake.answers.set("/v1/operations/op", { id: "op", state: "applied" });
    const accepted = folder.path("accepted");
    const { code, out } = await run(
      "send",
      "memory",
      "create",
      "{}",
      "--url",
      fake.url,
      "--wait",
      "--accepted",
      accepted,
    );
    expect(code).toBe(0);
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { id: "op", flow: "memory" },
      { id: "op", state: "applied" },
    ]);
    expect(readFileSync(accepted, "utf8")).toBe('{"id":"op","flow":"memory"}\n');
    fake.answers.set("/v1/operations/op", { id: "op", state: "parked" });
    expect((await run("send", "memory", "create", "{}", "--url", fake.url, "--wait")).code).toBe(1);
  });

  test("every command sends the key of TIDEGATE_API_KEY, or rather that of --api-key", async () => {
    const fake = await service();
    using folder = tempFolder();
    fake.answers.set("/v1/memory/create", { id: "op", flow: "memory" });
    fake.answers.set("/v1/operations/op", { id: "op", state: "applied" });
    fake.answers.set("/v1/check", CHECK);
    fake.answers.set("/v1/dump", "{}\n");
    for (const path of ["/v1/operations", "/v1/parked"]) fake.answers.set(path, { items: [], next: null });
    writeFileSync(folder.path("ids"), '{"id":"op","flow":"memory"}\n');
    writeFileSync(folder.path("in.jsonl"), '{"flow":"memory","type":"create","data":{}}\n');
    const importing = ["import", folder.path("in.jsonl"), "--state", folder.path("s"), "--rejects", folder.path("r")];
    const commands: [requests: number, args: string[]][] = [
      [2, ["send", "memory", "create", "{}", "--wait"]],
      [2, ["check", "--accepted", folder.path("ids")]],
      [1, ["dump", "--output", folder.path("dump")]],
      [1, importing],
      [1, ["operations"]],
      [1, ["operations", "--parked"]],
      [1, ["replay", "t/0/1"]],
      [1, ["discard", "--all"]],
      [2, ["erase", "--session", "s", "--dry-run"]],
    ];
    const sentBy = async (args: string[]) => {
      fake.authorizations.length = 0;
      await run(...args, "--url", fake.url);
      return [...fake.authorizations];
    };
    for (const [requests, args] of commands) {
      vi.stubEnv("TIDEGATE_API_KEY", "");
      expect(await sentBy(args), args[0]).toEqual(Array(requests).fill(undefined));
      vi.stubEnv("TIDEGATE_API_KEY", "tg_one");
      expect(await sentBy(args), args[0]).toEqual(Array(requests).fill("Bearer tg_one"));
      expect(await sentBy([...args, "--api-key", "tg_two"]), args[0]).toEqual(Array(requests).fill("Bearer tg_two"));
    }
  });

  test("a key that cannot be sent is not shown", async () => {
    vi.stubEnv("TIDEGATE_API_KEY", "tg_hidden\n");
    const { code, err } = await run("check");
    expect([code, err]).toEqual([2, expect.not.stringContaining("hidden")]);
  });

  test("send shows the problem of a refusal", async () => {
    const fake = await service();
    const { code, err } = await run("send", "memory", "create", "{}", "--url", fake.url);
    expect([code, err]).toEqual([
      1,
      "tidegate: The service answered 404: not_found: There is nothing at /v1/memory/create\n",
    ]);
  });

  test("send says how to repeat an operation of which nobody knows what became, and does", async () => {
    const fake = await service();
    fake.answers.set("/v1/memory/create", ({ headers }: Request) => {
      if (headers["tidegate-retry"] === "a.token") return { id: "op", flow: "memory" };
      throw new Refused(503, "outcome_unknown", { retryToken: "a.token" });
    });
    const send = ["send", "memory", "create", "{}", "--url", fake.url];
    const open = await run(...send);
    expect(open.code).toBe(1);
    expect(open.err).toMatch(/outcome_unknown: on demand: run the same command with --retry-token a\.token\n$/);
    const again = await run(...send, "--retry-token", "a.token");
    expect([again.code, JSON.parse(again.out)]).toEqual([0, { id: "op", flow: "memory" }]);
  });

  test.each(["key", "after", "retry-token"])("send refuses a --%s that no header can hold", async (option) => {
    const { code, err } = await run("send", "memory", "create", "{}", `--${option}`, "注文-7");
    expect([code, err]).toEqual([2, expect.stringContaining(`--${option} has to be of printable ASCII characters`)]);
  });

  test("an answer that no Tidegate gives is told as such", async () => {
    const fake = await service();
    fake.answers.set("/v1/check", "<html>");
    expect((await run("check", "--url", fake.url)).err).toMatch(
      /did not answer with JSON .*; is it Tidegate's address\?\n$/,
    );
  });

  test("dump writes a whole file or none", async () => {
    const fake = await service();
    using folder = tempFolder();
    const text = '{"a":1}\n{"b":2}\n';
    fake.answers.set("/v1/dump", text);
    const { code, out } = await run("dump", "--url", fake.url, "--output", folder.path("dump"));
    expect([code, out]).toEqual([0, `2 lines, sha256 ${createHash("sha256").update(text).digest("hex")}\n`]);
    const json = await run("dump", "--url", fake.url, "--output", folder.path("dump"), "--json");
    expect(JSON.parse(json.out)).toMatchObject({ lines: 2, sha256: expect.any(String) });
    fake.answers.delete("/v1/dump");
    const { code: failed } = await run("dump", "--registers", "--url", fake.url, "--output", folder.path("other"));
    expect(failed).toBe(1);
    expect(existsSync(folder.path("other")) || existsSync(folder.path("other.part"))).toBe(false);
  });

  test("check exits 0 only when the files close", async () => {
    const fake = await service();
    using folder = tempFolder();
    fake.answers.set("/v1/check", CHECK);
    writeFileSync(folder.path("none"), "");
    writeFileSync(folder.path("lost"), '{"id":"lost","flow":"memory"}\n'.repeat(2));
    const without = await run("check", "--url", fake.url);
    expect([without.code, without.out]).toEqual([
      0,
      "memory  accepted 1 = applied 1 + superseded 0 + parked 0 + discarded 0 + pending 0\nEverything closes\n",
    ]);
    const none = await run("check", "--url", fake.url, "--accepted", folder.path("none"), "--json");
    expect([none.code, JSON.parse(none.out)]).toMatchObject([1, { closes: false, flows: { memory: { beyond: 1 } } }]);
    const both = ["--accepted", folder.path("none"), "--accepted", folder.path("lost")];
    const lost = await run("check", "--url", fake.url, ...both);
    expect([lost.code, lost.out]).toEqual([
      1,
      expect.stringContaining("unknown: 1 ids that this service does not know"),
    ]);
  });

  test("check finds a lost id behind another client's operation, and waits for what was on its way", async () => {
    const fake = await service();
    using folder = tempFolder();
    writeFileSync(folder.path("ids"), '{"id":"op","flow":"memory"}\n');
    fake.answers.set("/v1/check", CHECK);
    fake.states.set("op", "pending");
    const lost = await run("check", "--url", fake.url, "--accepted", folder.path("ids"));
    expect([lost.code, lost.out]).toEqual([1, expect.stringContaining("lost: 1 ids of the files have no outcome")]);
    // It was applied between the first look and the check.
    fake.answers.set("/v1/check", () => {
      fake.states.set("op", "applied");
      return CHECK;
    });
    fake.states.set("op", "pending");
    expect((await run("check", "--url", fake.url, "--accepted", folder.path("ids"))).code).toBe(0);
  });

  test("check refuses a file that holds no accepted operations", async () => {
    using folder = tempFolder();
    writeFileSync(folder.path("file"), '{"id":"a","flow":"memory"}\nnull\n');
    const { code, err } = await run("check", "--accepted", folder.path("file"));
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/file:2 is no accepted operation: expected \{"id":…,"flow":…\}\n$/),
    ]);
  });
});
