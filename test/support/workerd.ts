// workerd itself, serving a configuration.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { WORKERD } from "../runtimes/workerd.ts";
import { waitFor } from "./tidegate-process.ts";

const START_MS = 30_000;

/** Serves a configuration until it answers at an address, with whatever status. */
export async function startWorkerd(config: string, url: string): Promise<AsyncDisposable> {
  const child = spawn(WORKERD, ["serve", config], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const answers = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`workerd ended with ${child.exitCode}: ${said}`);
    return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      () => true,
      () => false,
    );
  };
  try {
    await waitFor("workerd to answer", START_MS, answers, { everyMs: 50 });
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}
