// The runtimes, and how a service is started on each: in a process group of its own, with an environment given in full,
// until it answers.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Env, freePort, waitFor } from "../support/tidegate-process.ts";
import { BUN, DENO } from "./install.ts";

export const ROOT = resolve(import.meta.dirname, "../..");
const BIN = join(ROOT, "bin/tidegate.js");
const START_MS = 60_000;
const STOP_MS = 15_000;
const MINUTE_MS = 60_000;
const CRON_MS = 120_000;

/** A program with its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** Where a service keeps its files and listens, and what its operator sets. */
export interface Place {
  readonly folder: string;
  readonly data: string;
  readonly port: number;
  /** Another free port: wrangler's inspector, or where workerd's cron is called. */
  readonly sidePort: number;
  readonly env: Env;
}

export interface Runtime {
  readonly name: string;
  /** The command that runs a service. */
  readonly start: (at: Place) => Command;
  /** The command that runs a program of the repository; undefined where none can be run. */
  readonly program?: (file: string, ...args: string[]) => Command;
  /** Whether a signal lets a service finish what is in flight, or ends it at once: then its platform has no shutdown. */
  readonly stops?: "at once";
  /** Variables of the program itself. */
  readonly env?: Env;
  /** Where the scheduled handler is called, on platforms that have one: a GET with `time=` in milliseconds. */
  readonly cron?: (at: Place) => string;
  /** The pool that vitest can use there. */
  readonly pool?: "forks" | "threads";
}

/** What `deno task start` runs, with the folder it may write to put elsewhere. */
function denoTask(data: string): Command {
  const { tasks } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as {
    tasks: { start: { command: string } };
  };
  const words = tasks.start.command.split(" ").slice(1);
  const read = (list: string): string[] => list.split(",").map((name) => (name === ".env" ? name : join(ROOT, name)));
  const moved = words.map((word) => {
    const [flag, list] = word.split("=");
    if (flag === "--allow-write") return `${flag}=${data}`;
    if (flag === "--allow-read") return `${flag}=${[...read(list!), data].join(",")}`;
    return word.startsWith("bin/") ? join(ROOT, word) : word;
  });
  return [DENO, ...moved.flatMap((word) => (word === "run" ? ["run", "--no-prompt"] : [word]))];
}

export const NODE: Runtime = {
  name: "node",
  start: () => [process.execPath, BIN, "start"],
  program: (file, ...args) => [process.execPath, file, ...args],
  pool: "forks",
};

export const DENO_RUNTIME: Runtime = {
  name: "deno",
  start: ({ data }) => denoTask(data),
  program: (file, ...args) => [DENO, "run", "-A", file, ...args],
  pool: "forks",
};

const BUN_RUNTIME: Runtime = {
  name: "bun",
  start: () => [BUN, BIN, "start"],
  program: (file, ...args) => [BUN, "--bun", file, ...args],
  pool: "threads",
};

export const LONG_LIVED: readonly Runtime[] = [NODE, DENO_RUNTIME, BUN_RUNTIME];

/** A service that runs. */
export interface RunningService extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Everything it has printed. */
  output(): string;
  /** Ends it as an operator would; answers its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number>;
  /** Calls the scheduled handler as cron would in that minute; fails when the handler does. */
  scheduled(minute: number): Promise<void>;
}

const groups = new Set<number>();
process.once("exit", () => {
  for (const pid of groups) kill(pid, "SIGKILL");
});

/** Starts a service and waits until it is alive. With the port of one that has ended it takes its place. */
export async function startService(
  runtime: Runtime,
  folder: string,
  env: Env = {},
  samePort?: number,
): Promise<RunningService> {
  mkdirSync(folder, { recursive: true });
  const port = samePort ?? (await freePort());
  const data = join(folder, "data");
  const place = { folder, data, port, sidePort: await freePort(), env };
  const [program, ...args] = runtime.start(place);
  const file = join(folder, "output.txt");
  const all = { PORT: String(port), DATA_DIR: data, ...runtime.env, ...env };
  const child = spawnGroup(program, args, all, file);
  const { promise: exited, resolve: ended } = Promise.withResolvers<number>();
  child.once("exit", (code, signal) => {
    groups.delete(child.pid!);
    ended(code ?? (signal === null ? 1 : 128));
  });
  const output = (): string => readFileSync(file, "utf8");
  const url = `http://127.0.0.1:${port}`;
  const pid = child.pid!;
  const running = { pid, exited, signal: () => {}, stop: () => exited };
  await waitFor(`${runtime.name} to serve`, START_MS, () => isAlive(url), {
    alive: { process: running, output: file },
  });
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number> => {
    kill(pid, signal);
    const timer = setTimeout(() => kill(pid, "SIGKILL"), STOP_MS);
    return exited.finally(() => clearTimeout(timer));
  };
  const scheduled = (minute: number): Promise<void> => callCron(runtime.cron!(place), minute);
  return { url, pid, output, stop, scheduled, [Symbol.asyncDispose]: async () => void (await stop("SIGKILL")) };
}

async function callCron(address: string, minute: number): Promise<void> {
  const url = new URL(address);
  url.searchParams.set("time", String(minute * MINUTE_MS));
  const response = await fetch(url, { signal: AbortSignal.timeout(CRON_MS) });
  const text = await response.text();
  if (!response.ok || (JSON.parse(text) as { outcome: string }).outcome !== "ok") {
    throw new Error(`the scheduled handler failed: ${response.status} ${text.slice(0, 300)}`);
  }
}

/** Runs a program to its end; answers its exit code and what it printed. */
export async function runProgram(
  [program, ...args]: Command,
  file: string,
  env: Env = {},
  cwd: string = ROOT,
): Promise<{ readonly code: number; readonly output: string }> {
  const child = spawnGroup(program, args, env, file, cwd);
  const code = await new Promise<number>((done) => child.once("exit", (exit) => done(exit ?? 128)));
  groups.delete(child.pid!);
  return { code, output: readFileSync(file, "utf8") };
}

function spawnGroup(
  program: string,
  args: readonly string[],
  env: Env,
  file: string,
  cwd: string = ROOT,
): ChildProcess {
  const output = openSync(file, "a");
  const path = `${join(ROOT, "node_modules/.bin")}:${process.env.PATH ?? ""}`;
  const child = spawn(program, args, {
    cwd,
    env: { PATH: path, HOME: process.env.HOME ?? "/tmp", ...env },
    stdio: ["ignore", output, output],
    detached: true,
  });
  closeSync(output);
  child.once("error", (error) => console.error(`Cannot run ${program}: ${error.message}`));
  if (child.pid !== undefined) groups.add(child.pid);
  return child;
}

/** Signals a process and whatever it has started. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

/** Whether the service says so; a problem document is an answer as well. */
async function isAlive(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
