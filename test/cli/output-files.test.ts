// Files that a command writes: none of them is taken from somebody who needs it, and one that cannot be written is named in
// one line.
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { loadEnvFile } from "../../src/cli/env-file.ts";
import { startFakeService } from "../support/fake-service.ts";
import { runCommand as run } from "../support/run-command.ts";
import { tempFolder } from "../support/temp-folder.ts";

const OPERATION = '{"flow":"memory","type":"create","data":{"id":"a","user":"u","content":"c"}}\n';
const BAD = "this is no operation\n";

let folder: ReturnType<typeof tempFolder>;
let input: string;
beforeEach(() => {
  folder = tempFolder();
  input = folder.path("ops.jsonl");
  writeFileSync(input, OPERATION);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  folder[Symbol.dispose]();
});

describe("an import", () => {
  /** Imports bad lines alone, which the command itself rejects: no service is asked. */
  const importing = (...options: string[]) =>
    run("import", folder.path("bad.jsonl"), "--state", folder.path("state"), ...options);
  beforeEach(() => writeFileSync(folder.path("bad.jsonl"), BAD));

  test.each(["rejects", "accepted", "state"])("never writes with --%s over what it imports", async (option) => {
    symlinkSync(input, folder.path("link"));
    for (const path of [input, folder.path("link")]) {
      const others = option === "state" ? [] : ["--state", folder.path("state")];
      const { code, err } = await run("import", input, `--${option}`, path, ...others, "--retry-for", "0");
      expect([code, err]).toEqual([
        1,
        `tidegate: Cannot write ${path}: it is what is imported; name another file with --${option}\n`,
      ]);
      expect(readFileSync(input, "utf8")).toBe(OPERATION);
    }
  });

  test("leaves a file that holds no rejects", async () => {
    const letter = folder.path("letter");
    writeFileSync(letter, "Dear Ada,\n");
    const { code, err } = await importing("--rejects", letter);
    expect([code, err]).toEqual([1, expect.stringContaining("letter: it holds something else than rejects;")]);
    expect(readFileSync(letter, "utf8")).toBe("Dear Ada,\n");
  });

  test("takes the place of an earlier import's rejects, also of a torn line", async () => {
    for (const earlier of ['{"input":"x","line":1,"reason":"r","original":1}\n', '{"in', ""]) {
      writeFileSync(folder.path("rejects"), earlier);
      await importing("--rejects", folder.path("rejects"));
      expect(readFileSync(folder.path("rejects"), "utf8")).toMatch(/^\{"input":"[^\n]*bad\.jsonl",[^\n]*\n$/);
    }
  });

  test("says of a folder that it is one, and leaves a device where it is", async () => {
    mkdirSync(folder.path("a-folder"));
    const { code, err } = await importing("--rejects", folder.path("a-folder"));
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(`Cannot write ${folder.path("a-folder")}: it is a folder\n`),
    ]);
    symlinkSync("/dev/null", folder.path("sink"));
    await importing("--rejects", folder.path("sink"), "--accepted", folder.path("sink"));
    expect(lstatSync(folder.path("sink")).isSymbolicLink()).toBe(true);
  });
});

test("a dump goes into a device, which stays where it is", async () => {
  const fake = await startFakeService();
  onTestFinished(() => fake.close());
  fake.answers.set("/v1/dump", "{}\n");
  symlinkSync("/dev/null", folder.path("sink"));
  const { code, out } = await run("dump", "--url", fake.url, "--output", folder.path("sink"));
  expect([code, out]).toEqual([0, expect.stringMatching(/^1 lines, sha256 /)]);
  expect(lstatSync(folder.path("sink")).isSymbolicLink()).toBe(true);
});

describe("what cannot be made is named in one line", () => {
  test.each(["topics create", "start", "gateway --port 0"])("a folder of data for %s", async (command) => {
    vi.stubEnv("KAFKA_URL", "");
    vi.stubEnv("PORT", "0");
    for (const place of [input, `${input}/data`]) {
      vi.stubEnv("DATA_DIR", place);
      const options = command.startsWith("gateway") ? ["--data", place] : [];
      const { code, err } = await run(...command.split(" "), ...options);
      expect([code, err]).toEqual([1, expect.stringMatching(/^tidegate: [^\n]*\n$/)]);
      expect(err).toContain(`Cannot make the folder ${place}: a file is in its place`);
    }
  });

  test("the file of a rebuild, before it begins", async () => {
    for (const into of [folder.path("nowhere/new.sqlite"), `${input}/new.sqlite`]) {
      const { code, err } = await run("rebuild", "--into", into, "--data", folder.root);
      expect([code, err]).toEqual([1, expect.stringMatching(/^tidegate: Cannot rebuild into [^\n]*\n$/)]);
      expect(err).toContain(into);
      expect(err).not.toContain(".part");
    }
  });

  test("a folder in place of .env", () => {
    mkdirSync(folder.path(".env"));
    expect(() => loadEnvFile(folder.path(".env"))).toThrow(/^Cannot read .*\.env: it is a folder$/);
  });
});
