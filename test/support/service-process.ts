// The service as a process of its own, on a free port, with its files in a folder that the test gives it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Answered, read } from "./service.ts";
import { type Env, type Running, startTidegate, waitFor } from "./tidegate-process.ts";

const START_MS = 60_000;

/** A running service. */
export interface ServiceProcess extends Running, AsyncDisposable {
  readonly url: string;
  /** Everything it has printed. */
  output(): string;
  post(path: string, data: unknown, headers?: Readonly<Record<string, string>>): Promise<Answered>;
  get(path: string): Promise<Answered>;
  /** Polls until the service answers as wanted. */
  until(what: string, condition: () => Promise<boolean>): Promise<void>;
}

let serial = 0;

/** Starts a service over `folder` and waits until it says where it listens. */
export async function startServiceProcess(folder: string, env: Env = {}): Promise<ServiceProcess> {
  const file = join(folder, `output-${serial++}.txt`);
  const all = { PORT: "0", DATA_DIR: join(folder, "data"), ...env };
  const running = startTidegate(["start"], all, folder, file);
  const output = (): string => readFileSync(file, "utf8");
  const find = (): string | undefined => /Tidegate listens on (http\S+)/.exec(output())?.[1];
  const alive = { process: running, output: file };
  await waitFor("the service to listen", START_MS, () => find() !== undefined, { everyMs: 20, alive });
  const url = find()!;
  return {
    ...running,
    url,
    output,
    post: async (path, data, headers = {}) => {
      const all = { "content-type": "application/json", ...headers };
      return read(await fetch(url + path, { method: "POST", headers: all, body: JSON.stringify(data) }));
    },
    get: async (path) => read(await fetch(url + path)),
    until: (what, condition) => waitFor(what, START_MS, condition, { everyMs: 20, alive }),
    async [Symbol.asyncDispose]() {
      await running.stop("SIGKILL");
    },
  };
}
