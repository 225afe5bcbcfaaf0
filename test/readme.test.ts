// Every `sh` block of the README, run one after the other in a copy of the repository, as a newcomer would.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const copy = mkdtempSync(join(tmpdir(), "tidegate-readme-"));
const servers: ChildProcess[] = [];
const BLOCK_MS_MAX = 120_000;

/** Commands that do not end by themselves; the block goes on once they say where they listen. */
const SERVER = /^(.*=\S+ )*(npm start|npx tidegate (start|gateway))\b/;

const blocks = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^```sh\n(.*?)^```$/gms)].map(
  ([, text]) => text!,
);

function copyRepository(): void {
  const tracked = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" });
  for (const name of tracked.split("\n").filter((line) => line !== "")) {
    mkdirSync(dirname(join(copy, name)), { recursive: true });
    cpSync(join(root, name), join(copy, name));
  }
}

/** `npm ci` from the cache alone; where the cache lacks a package the installed modules stand in, and it is said. */
async function install(): Promise<void> {
  const code = await run("npm ci --offline --no-audit --prefer-offline");
  if (code === 0) return;
  console.warn(
    "skipped: `npm ci` of the README: the npm cache lacks packages and the network is not asked; linking node_modules",
  );
  rmSync(join(copy, "node_modules"), { recursive: true, force: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
}

/** The environment of a newcomer: nothing of the test runner's own. */
const env = { PATH: process.env.PATH, HOME: process.env.HOME };

async function run(script: string): Promise<number> {
  const child = spawn("bash", ["-euc", script], {
    cwd: copy,
    env,
    stdio: ["ignore", "ignore", "pipe"],
    timeout: BLOCK_MS_MAX,
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) console.error(`${script}\nended with ${code}: ${errors.slice(-2_000)}`);
  return code ?? 1;
}

/** Starts a command in a process group of its own and waits until it listens. */
async function serve(command: string): Promise<void> {
  const child = spawn("bash", ["-euc", command], {
    cwd: copy,
    env,
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  servers.push(child);
  let said = "";
  await new Promise<void>((listening, failed) => {
    const timer = setTimeout(
      () => failed(new Error(`${command} did not listen within ${BLOCK_MS_MAX} ms: ${said}`)),
      BLOCK_MS_MAX,
    );
    child.once("exit", (code) => failed(new Error(`${command} ended with ${code}: ${said}`)));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (!said.includes("listens on")) return;
      clearTimeout(timer);
      listening();
    });
  });
}

afterAll(async () => {
  for (const server of servers) {
    if (server.exitCode !== null) continue;
    const ended = once(server, "exit");
    process.kill(-server.pid!, "SIGTERM");
    await ended;
  }
  rmSync(copy, { recursive: true, force: true });
});

test("the README has its blocks", () => expect(blocks.length).toBeGreaterThanOrEqual(6));

test(
  "every sh block of the README runs",
  async () => {
    copyRepository();
    for (const block of blocks) {
      let script = "";
      for (const line of block.split("\n")) {
        if (line === "npm ci") await install();
        else if (SERVER.test(line)) await serve(line);
        else script += `${line}\n`;
      }
      if (script.trim() !== "") expect(await run(script), script).toBe(0);
    }
  },
  10 * BLOCK_MS_MAX,
);
