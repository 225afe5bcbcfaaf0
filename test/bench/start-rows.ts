// From the start of `workerd serve` to the first answer: the Worker with everything embedded and nothing stored yet,
// against a bare hono Worker. Once it is asked whether it is alive, once to take an operation. Configurations are compiled
// before: reading modules out of their text is no part of a platform's start.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Command, Runtime } from "../runtimes/runtime.ts";
import { WORKERD, workerdRuntime } from "../runtimes/workerd.ts";
import { freePort } from "../support/tidegate-process.ts";
import { bareInWorkerd, bundleBareWorker } from "./bare-runtime.ts";
import { inFolder } from "./child.ts";
import { rawRequest } from "./requests.ts";
import { type Row, rowOf } from "./table.ts";

const ADDED_MS_MAX = 100;
const ANSWER_MS_MAX = 20_000;
const LOOK_MS = 1;
const CONFIG_BYTES_MAX = 32 * 1_024 * 1_024;
const MESSAGE = JSON.stringify({
  session: "tides",
  user: "ada",
  content: "When does the tide turn in Lisbon tonight?",
});

const FIRST = {
  response: { line: "GET /livez", status: { bare: "404", service: "200" } },
  operation: { line: "POST /v1/chat-messages/create", body: MESSAGE, status: { bare: "202", service: "202" } },
} as const;

type First = keyof typeof FIRST;
type Side = "bare" | "service";

export async function startRows({ rounds }: { rounds: number }): Promise<Row[]> {
  const bundle = await bundleBareWorker();
  const runtimes = { bare: bareInWorkerd(bundle), service: workerdRuntime({ cron: false }) };
  const ms: { [key in `${First} ${Side}`]?: number[] } = {};
  const measure = async (first: First, side: Side): Promise<number> => {
    const spent = await inFolder((folder) => firstAnswerMs(runtimes[side], folder, first, side));
    ms[`${first} ${side}`] = [...(ms[`${first} ${side}`] ?? []), spent];
    return spent;
  };
  for (let round = 1; round <= rounds; round++) {
    for (const first of ["response", "operation"] as const) {
      const order = round % 2 === 1 ? (["bare", "service"] as const) : (["service", "bare"] as const);
      const spent = [];
      for (const side of order) spent.push(`${side} ${(await measure(first, side)).toFixed(0)} ms`);
      console.log(`start ${round}/${rounds}, first ${first}: ${spent.join(", ")}`);
    }
  }
  const added = (first: First): number[] => ms[`${first} service`]!.map((value, i) => value - ms[`${first} bare`]![i]!);
  return [
    rowOf("workerd, first response, beyond that of a bare Worker", added("response"), {
      unit: " ms",
      atMost: ADDED_MS_MAX,
    }),
    rowOf("workerd, first operation taken, beyond a bare Worker's answer", added("operation"), { unit: " ms" }),
    rowOf("workerd, first response of a bare Worker", ms["response bare"]!, { unit: " ms" }),
  ];
}

/** Milliseconds from the start of a program to its first answer, which has to have its status. */
async function firstAnswerMs(runtime: Runtime, folder: string, first: First, side: Side): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const place = { folder, data: join(folder, "data"), port, sidePort: await freePort(), env: {} };
  const [program, ...args] = compiled(runtime.start(place));
  const { line, status, ...more } = FIRST[first];
  const request = rawRequest(`http://127.0.0.1:${port}`, line, "body" in more ? more.body : undefined);
  const beganMs = performance.now();
  const child = spawn(program, args, { stdio: "ignore" });
  try {
    return (await untilAnswered(child, port, request, status[side])) - beganMs;
  } finally {
    if (child.exitCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
}

/** The same command over its configuration in binary form. */
function compiled(command: Command): Command {
  const config = command.at(-1)!;
  const binary = `${config}.bin`;
  const args = ["compile", "--config-only", config];
  writeFileSync(
    binary,
    execFileSync(WORKERD, args, { maxBuffer: CONFIG_BYTES_MAX, stdio: ["ignore", "pipe", "ignore"] }),
  );
  return [WORKERD, "serve", "--binary", binary];
}

async function untilAnswered(child: ChildProcess, port: number, request: Buffer, wanted: string): Promise<number> {
  const untilMs = performance.now() + ANSWER_MS_MAX;
  while (performance.now() < untilMs && child.exitCode === null) {
    const status = await ask(port, request);
    if (status === wanted) return performance.now();
    if (status !== undefined) throw new Error(`The first answer had status ${status}`);
    await delay(LOOK_MS);
  }
  throw new Error(`No answer on port ${port}, exit code ${child.exitCode}`);
}

/** The status of an answer; undefined while nobody listens. */
function ask(port: number, request: Buffer): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true).setEncoding("latin1");
    socket.once("error", () => resolve(undefined));
    socket.once("connect", () => socket.write(request));
    socket.once("data", (text: string) => {
      socket.destroy();
      resolve(text.slice("HTTP/1.1 ".length, "HTTP/1.1 ".length + 3));
    });
  });
}
