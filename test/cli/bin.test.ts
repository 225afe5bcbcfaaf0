// The starter under an older Node, which is this one made to look older.
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { tempFolder } from "../support/temp-folder.ts";

const BIN = join(import.meta.dirname, "../../bin/tidegate.js");
const look = tempFolder();
afterAll(() => look[Symbol.dispose]());
/** Makes the Node that starts look like 20, not the one that is handed over to. */
const LOOK = `if (process.env.TIDEGATE_HANDED_OVER !== "1")
  Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.0.0" } });`;
writeFileSync(look.path("older.cjs"), LOOK);
const OLDER = { ...process.env, NODE_OPTIONS: `--require ${look.path("older.cjs")}` };

interface Layout extends Disposable {
  readonly bin: string;
}

/** A copy of the starter beside a Node of its own, which is a shell script. */
function layout(script: string | undefined): Layout {
  const folder = tempFolder();
  const bin = folder.path("package/bin/tidegate.js");
  mkdirSync(dirname(bin), { recursive: true });
  copyFileSync(BIN, bin);
  writeFileSync(folder.path("package/package.json"), '{"type":"module"}');
  if (script !== undefined) {
    const node = folder.path(`node_modules/node-${process.platform}-${process.arch}/bin/node`);
    mkdirSync(dirname(node), { recursive: true });
    writeFileSync(node, `#!/bin/sh\n${script}\n`);
    chmodSync(node, 0o755);
  }
  return { bin, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

describe("bin/tidegate.js", () => {
  test("runs the command on a Node that can", () => {
    const { status, stdout } = spawnSync(process.execPath, [BIN, "--version"], { encoding: "utf8" });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });

  test("hands over to the repository's Node otherwise", () => {
    const { status, stdout } = spawnSync(process.execPath, [BIN, "--version"], { encoding: "utf8", env: OLDER });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });

  test("keeps what the sources become in the repository, and for the package nothing", () => {
    using place = layout(undefined);
    mkdirSync(join(dirname(place.bin), "../src/cli"), { recursive: true });
    writeFileSync(join(dirname(place.bin), "../src/cli/main.ts"), "export const main = async () => 4;");
    const { NODE_COMPILE_CACHE: _, NODE_DISABLE_COMPILE_CACHE: __, ...env } = process.env;
    const keeps = (more = {}): boolean => {
      expect(spawnSync(process.execPath, [place.bin], { env: { ...env, ...more }, cwd: look.path(".") }).status).toBe(
        4,
      );
      return existsSync(join(dirname(place.bin), "../node_modules/.cache/tidegate"));
    };
    expect(keeps()).toBe(false);
    writeFileSync(join(dirname(place.bin), "../package-lock.json"), "{}");
    expect(keeps({ NODE_COMPILE_CACHE: "" })).toBe(false);
    expect(readdirSync(look.path(".")).filter((name) => name.startsWith("v"))).toEqual([]);
    expect(keeps()).toBe(true);
  });

  test("ends although a failed command has left something open", () => {
    using place = layout(undefined);
    mkdirSync(join(dirname(place.bin), "../src/cli"), { recursive: true });
    writeFileSync(
      join(dirname(place.bin), "../src/cli/main.ts"),
      "export async function main() { setInterval(() => undefined, 1_000); return 4; }",
    );
    expect(spawnSync(process.execPath, [place.bin], { timeout: 20_000 }).status).toBe(4);
  });

  /** A command of one's own in place of Tidegate's. */
  function commanded(main: string): Layout {
    const place = layout(undefined);
    mkdirSync(join(dirname(place.bin), "../src/cli"), { recursive: true });
    writeFileSync(join(dirname(place.bin), "../src/cli/main.ts"), `export async function main() { ${main} }`);
    return place;
  }

  test("keeps the exit code where the reader has gone", async () => {
    using place = commanded('process.stdout.write("verdict\\n"); return 4;');
    const child = spawn(process.execPath, [place.bin], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect([code, said]).toEqual([4, ""]);
  });

  test.skipIf(!existsSync("/dev/full"))("says in one line that its output cannot be written", () => {
    const full = openSync("/dev/full", "w");
    onTestFinished(() => closeSync(full));
    using place = commanded('process.stdout.write("verdict\\n"); return 0;');
    const lost = spawnSync(process.execPath, [place.bin], { encoding: "utf8", stdio: ["ignore", full, "pipe"] });
    expect([lost.status, lost.stderr]).toEqual([
      1,
      expect.stringMatching(/^tidegate: Cannot write standard output: [^\n]*no space left[^\n]*\n$/),
    ]);
    using other = commanded('process.stderr.write("warning\\n"); return 4;');
    expect(spawnSync(process.execPath, [other.bin], { stdio: ["ignore", "pipe", full] }).status).toBe(4);
  });

  test("passes arguments and input on, and keeps the exit code", () => {
    using place = layout('shift; echo "$@"; cat; exit 7');
    const { status, stdout } = spawnSync(process.execPath, [place.bin, "send", "a b"], {
      encoding: "utf8",
      env: OLDER,
      input: "from stdin",
    });
    expect([status, stdout]).toEqual([7, "send a b\nfrom stdin"]);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("forwards %s, and keeps the exit code", async (signal) => {
    using place = layout(`trap 'echo got it; exit 3' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`);
    const child = spawn(process.execPath, [place.bin], { stdio: ["ignore", "pipe", "inherit"], env: OLDER });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (out === "ready\n") child.kill(signal);
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect([code, out]).toEqual([3, "ready\ngot it\n"]);
  });

  test("tells of a child that a signal ended", () => {
    using place = layout("kill -KILL $$");
    expect(spawnSync(process.execPath, [place.bin], { env: OLDER }).status).toBe(137);
  });

  test("says in one line that there is no Node to hand over to", () => {
    using place = layout(undefined);
    // As if handed over to already, and still too old: it does not go round in circles.
    writeFileSync(look.path("always.cjs"), LOOK.split("\n")[1]!);
    const env = { ...OLDER, TIDEGATE_HANDED_OVER: "1", NODE_OPTIONS: `--require ${look.path("always.cjs")}` };
    const said = (): unknown[] => {
      const { status, stderr } = spawnSync(process.execPath, [place.bin], { encoding: "utf8", env });
      return [status, stderr];
    };
    expect(said()).toEqual([1, expect.stringMatching(/^tidegate: Cannot run on Node .*: install Node 24\n$/)]);
    writeFileSync(join(dirname(place.bin), "../package-lock.json"), "{}");
    expect(said()).toEqual([1, expect.stringMatching(/: install Node 24, or run "npm ci"[^\n]*\n$/)]);
  });
});
