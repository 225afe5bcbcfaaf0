// A measured process: its address, its memory and CPU time from /proc, its end.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");
export const bin = resolve(root, "bin/tidegate.js");

/** Flags that the command's first line gives its Node. */
export const flags = (/^#!.*\bnode (.*)$/m.exec(readFileSync(bin, "utf8"))?.[1] ?? "").split(" ");

/** Clock ticks of /proc/PID/stat per second on Linux. */
const TICKS_PER_SECOND = 100;
const START_MS_MAX = 20_000;

export interface Child {
  readonly url: string;
  rssMib(): number;
  cpuSeconds(): number;
  /** The event loop's delay since the last call, in milliseconds; needs the probe. */
  delay(): Promise<{ p50: number; p99: number; max: number }>;
  /** Freezes or wakes it. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  stop(): Promise<void>;
}

/** Works in a folder that is gone afterwards. */
export async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-bench-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Starts a script that prints `… listens on URL` to standard error. */
export async function startChild(args: readonly string[], env: Record<string, string>): Promise<Child> {
  const child = spawn(process.execPath, [...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lines = lineWaiter(child);
  const [, url = ""] = await lines(/listens on (http:\S+)/);
  const proc = (file: string): string => readFileSync(`/proc/${child.pid}/${file}`, "utf8");
  return {
    url,
    rssMib: () => Number(/VmRSS:\s+(\d+)/.exec(proc("status"))?.[1] ?? 0) / 1_024,
    cpuSeconds: () => cpuSecondsOf(child.pid!),
    async delay() {
      const line = lines(/event-loop-delay (\{.*\})/);
      child.kill("SIGUSR2");
      return JSON.parse((await line)[1]!);
    },
    signal: (name) => void child.kill(name),
    async stop() {
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

/** CPU time of a process and its threads until now. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Runs a script to its end and answers its standard output. */
export async function runScript(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const child = spawn(process.execPath, [...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${output.slice(-500)}`);
  return output;
}

/** Waits for a line of standard error. */
function lineWaiter(child: ChildProcess): (pattern: RegExp) => Promise<RegExpExecArray> {
  let seen = "";
  const waiting = new Set<() => void>();
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    seen = (seen + text).slice(-10_000);
    for (const look of waiting) look();
  });
  return (pattern) =>
    new Promise((found, fail) => {
      const timer = setTimeout(
        () => fail(new Error(`No line like ${pattern} within ${START_MS_MAX} ms: ${seen}`)),
        START_MS_MAX,
      );
      const look = (): void => {
        const match = pattern.exec(seen);
        if (match === null) return;
        waiting.delete(look);
        clearTimeout(timer);
        seen = seen.slice(match.index + match[0].length);
        found(match);
      };
      waiting.add(look);
      look();
    });
}
