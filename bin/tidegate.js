#!/usr/bin/env -S node --max-semi-space-size=16 --no-parallel-scavenge --v8-pool-size=1
// Starts the tidegate command. Plain JavaScript that any Node from 18 can read: the sources need a newer one, which the
// repository brings along, so an older Node hands over to it. The flags above give young objects the room that a service needs, and
// keep V8's helpers from competing with the threads they help: on two cores a thread is faster alone at its young objects than
// waiting for a helper to do its part.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 24;
/** How long an ended command may take to let go of everything. */
const END_MS = 1_000;
/** Set for the Node that was handed over to: it never hands over again. */
const HANDED_OVER = "TIDEGATE_HANDED_OVER";

const isNode = process.versions.bun === undefined && process.versions.deno === undefined;

function runsTypeScript() {
  if (!isNode) return true;
  const major = Number.parseInt(process.versions.node, 10);
  return major >= NODE_MAJOR_MIN && process.features.typescript !== false;
}

/** The Node 24 of the nearest node_modules folder, upwards from here. */
function findNode() {
  const name = `node-${process.platform}-${process.arch}`;
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const node = join(folder, "node_modules", name, "bin", "node");
    if (existsSync(node)) return node;
    if (folder === dirname(folder)) return undefined;
  }
}

function handOver(node) {
  const args = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  // Before there is a child: a signal in between would leave it alone.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
    process.on(signal, () => {
      // A terminal sends SIGINT to the child as well, and a second one would cut its shutdown short.
      if (signal !== "SIGINT" || process.stdin.isTTY !== true) child.kill(signal);
    });
  }
  const child = spawn(node, args, { stdio: "inherit", env: { ...process.env, [HANDED_OVER]: "1" } });
  child.on("error", (error) => fail(`Cannot run ${node}: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}

const BROUGHT = ', or run "npm ci" here, which brings one on Linux';

function isRepository() {
  return existsSync(new URL("../package-lock.json", import.meta.url));
}

function fail(line) {
  process.stderr.write(`tidegate: ${line}\n`);
  process.exitCode = 1;
}

/**
 * Keeps what the sources become when they are read: later starts are faster, and no thread holds what reads TypeScript in its
 * memory. In the repository's own folder, for code must not come from where others may write. The package is JavaScript.
 */
function keepCompiled() {
  // Where the variable is set, Node has done as it says, and an empty one keeps nothing.
  if (!isNode || !isRepository() || process.env.NODE_COMPILE_CACHE !== undefined) return;
  // Threads find it there.
  process.env.NODE_COMPILE_CACHE = fileURLToPath(new URL("../node_modules/.cache/tidegate", import.meta.url));
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
}

keepCompiled();
if (runsTypeScript()) {
  process.stdout.on("error", (error) => {
    // The reader has gone (`tidegate dump | head`): there is nobody left to tell. What the command found stays its exit code.
    if (error.code === "EPIPE") process.exit();
    fail(`Cannot write standard output: ${error.message}`);
    process.exit();
  });
  // Where nobody can be told, work goes on.
  process.stderr.on("error", () => {});
  const { main } = await import("../src/cli/main.ts");
  process.exitCode = await main(process.argv.slice(2));
  // What a command that failed has left open does not keep the process.
  setTimeout(() => process.exit(), END_MS).unref();
} else {
  const node = process.env[HANDED_OVER] === undefined ? findNode() : undefined;
  if (node !== undefined) handOver(node);
  else
    fail(`Cannot run on Node ${process.versions.node}: install Node ${NODE_MAJOR_MIN}${isRepository() ? BROUGHT : ""}`);
}
