// Processes of parts: started on their own, known by pid and by a mark in their command line, so that nothing else is
// ever signalled when a pid has been given to somebody new.
import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { PartState } from "./state.ts";

const STOP_MS = 60_000;
const POLL_MS = 100;
const LOG_LINES_SHOWN = 20;

/** Starts a part's command; its output goes to the end of its log. Answers its pid. */
export async function spawnPart({ command, log }: Omit<PartState, "pid">): Promise<number> {
  const output = openSync(log, "a");
  const child = spawn(command.file, command.args, {
    detached: true,
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...command.env },
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => {
      child.unref();
      resolve(child.pid!);
    });
  });
}

/** Whether the part's own process still runs. */
export function isRunning({ pid, command }: PartState): boolean {
  const mark = command.args[0]!;
  try {
    if (process.platform !== "linux") {
      const [state, ...line] = execFileSync("ps", ["-ww", "-o", "stat=,command=", "-p", String(pid)], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      })
        .trim()
        .split(/\s+/);
      return !state!.startsWith("Z") && line.includes(mark);
    }
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const isZombie = stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
    return !isZombie && readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(mark);
  } catch {
    return false;
  }
}

/** Sends a signal to the part; answers whether it ran. */
export function signalPart(part: PartState, signal: NodeJS.Signals): boolean {
  if (!isRunning(part)) return false;
  process.kill(part.pid, signal);
  return true;
}

/** Stops the part and waits for its end: by SIGTERM, after a minute by SIGKILL. A frozen one is woken for that. */
export async function endPart(part: PartState, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
  if (!signalPart(part, signal)) return;
  signalPart(part, "SIGCONT");
  const killAt = performance.now() + STOP_MS;
  while (isRunning(part)) {
    if (performance.now() > killAt) signalPart(part, "SIGKILL");
    if (performance.now() > killAt + STOP_MS) throw new Error(`Process ${part.pid} does not end, not even by SIGKILL`);
    await delay(POLL_MS);
  }
}

/** The last lines a part wrote. */
export function lastLines(log: string): string {
  if (!existsSync(log)) return "(it wrote nothing)";
  const text = readFileSync(log, "utf8").trimEnd();
  return text === "" ? "(it wrote nothing)" : text.split("\n").slice(-LOG_LINES_SHOWN).join("\n");
}
