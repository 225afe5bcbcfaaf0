// A program of `examples` (or one that runs it) as a process of its own, until it says where it listens.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

const START_MS = 60_000;

export interface ExampleProcess extends AsyncDisposable {
  readonly url: string;
}

/** Starts a program; `url` is the first address that it writes to standard error, or the given one once it answers. */
export async function startExample(
  command: string,
  args: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: { readonly [name: string]: string } },
): Promise<ExampleProcess> {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const url = await addressOf(child, `${command} ${args.join(" ")}`).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const cut = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(cut);
    },
  };
}

function addressOf(child: ChildProcess, what: string): Promise<string> {
  let said = "";
  return new Promise((found, failed) => {
    const timer = setTimeout(() => failed(new Error(`${what} did not listen: ${said}`)), START_MS);
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`${what} ended with ${code}: ${said}`)));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
      if (address === undefined) return;
      clearTimeout(timer);
      found(address);
    });
  });
}
