// The tidegate command as child processes, with an environment given in full. Every wait is bounded, and whatever is
// still running at the end is killed by its pid.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin/tidegate.js", import.meta.url));

/** Environment of a child, beside the PATH. */
export type Env = { readonly [name: string]: string };

/** A running command. */
export interface Running {
  readonly pid: number;
  readonly exited: Promise<number>;
  /** Sends a signal and waits for the end; kills after the bound. */
  stop(signal?: NodeJS.Signals): Promise<number>;
  signal(name: NodeJS.Signals): void;
}

const STOP_MS = 30_000;
const running = new Set<ChildProcess>();
process.once("exit", () => killAll());
process.once("SIGTERM", () => process.exit(143));

/** Kills what is still running. */
export function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Starts a command; both its outputs go to a file. */
export function startTidegate(args: readonly string[], env: Env, cwd: string, output: string): Running {
  const file = openSync(output, "a");
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", file, file],
  });
  closeSync(file);
  running.add(child);
  const exited = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      running.delete(child);
      resolve(code ?? (signal === null ? 1 : 128));
    });
  });
  return {
    pid: child.pid ?? 0,
    exited,
    signal: (name) => void child.kill(name),
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      return exited.finally(() => clearTimeout(timer));
    },
  };
}

/** Runs a command to its end; answers its exit code and standard output. Standard error goes to a file. */
export async function runTidegate(
  args: readonly string[],
  { env = {}, cwd, errors, boundMs }: { env?: Env; cwd: string; errors: string; boundMs: number },
): Promise<{ code: number; out: string }> {
  const file = openSync(errors, "a");
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "pipe", file],
  });
  closeSync(file);
  running.add(child);
  const timer = setTimeout(() => child.kill("SIGKILL"), boundMs);
  let out = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve(exitCode ?? 128));
  });
  clearTimeout(timer);
  running.delete(child);
  return { code, out };
}

/** A port that nobody has right now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Waits until the condition holds; fails with what was waited for, or at once when `alive` has ended. */
export async function waitFor(
  what: string,
  boundMs: number,
  condition: () => boolean | Promise<boolean>,
  { everyMs = 100, alive }: { everyMs?: number; alive?: { readonly process: Running; readonly output: string } } = {},
): Promise<void> {
  const until = performance.now() + boundMs;
  let ended: number | undefined;
  void alive?.process.exited.then((code) => {
    ended = code;
  });
  while (!(await condition())) {
    if (ended !== undefined) {
      const last = readFileSync(alive!.output, "utf8").trimEnd().split("\n").at(-1);
      throw new Error(`Waited for ${what}, but the process ended with ${ended}: ${last}`);
    }
    if (performance.now() > until) throw new Error(`Waited ${boundMs / 1_000} s in vain for ${what}`);
    await delay(everyMs);
  }
}

/** Whether a GET is answered well. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
