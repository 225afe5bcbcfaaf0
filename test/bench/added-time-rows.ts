// What accepting an operation adds to a bare hono + zod POST, on each runtime: time of a request at the service minus that
// of the bare route, both under 32 clients that send one message after the other, both behind the same HTTP server. Nobody
// consumes meanwhile: a Worker has no loop, and the others have the role `api`.
import { join } from "node:path";
import { install } from "../runtimes/install.ts";
import { LONG_LIVED, type Runtime, startService } from "../runtimes/runtime.ts";
import { workerdRuntime } from "../runtimes/workerd.ts";
import type { Env } from "../support/tidegate-process.ts";
import { bareInWorkerd, bareOn, bundleBareWorker } from "./bare-runtime.ts";
import { cpuSecondsOf, inFolder, root, runScript } from "./child.ts";
import type { Load } from "./requests.ts";
import { type Row, rowOf } from "./table.ts";

const CLIENTS = 32;
const WARM_UP = 6_000;
const REQUESTS = 12_000;
/** Of Node's added time. */
const BOUNDS: { readonly [runtime: string]: number } = { deno: 1.5, bun: 1.5, workerd: 4 };
const WORKERD = workerdRuntime({ cron: false });
const SERVICE_ENV: Env = { ROLE: "api", LOG_LEVEL: "error" };

/** Microseconds of a request, by round: the reciprocal of the rate, and what it takes of the processor. */
interface Spent {
  readonly time: number[];
  readonly cpu: number[];
}

const SIDES = ["bare", "service"] as const;
type Side = (typeof SIDES)[number];

export async function addedTimeRows({ data, rounds }: { data: string; rounds: number }): Promise<Row[]> {
  install();
  const bundle = await bundleBareWorker();
  const runtimes = [...LONG_LIVED, WORKERD];
  const spent = new Map<string, Record<Side, Spent>>(
    runtimes.map(({ name }) => [name, { bare: { time: [], cpu: [] }, service: { time: [], cpu: [] } }]),
  );
  for (let round = 1; round <= rounds; round++) {
    for (const runtime of round % 2 === 1 ? runtimes : [...runtimes].reverse()) {
      const bare = runtime === WORKERD ? bareInWorkerd(bundle) : bareOn(runtime);
      const sides = spent.get(runtime.name)!;
      await measure(bare, data, {}, sides.bare);
      await measure(runtime, data, SERVICE_ENV, sides.service);
      const said = SIDES.map((side) => {
        const [time, cpu] = [sides[side].time.at(-1)!, sides[side].cpu.at(-1)!];
        return `${side} ${time.toFixed(0)} µs, ${cpu.toFixed(0)} of CPU`;
      });
      console.log(`added time ${round}/${rounds}, ${runtime.name}: ${said.join("; ")}`);
    }
  }
  const added = (name: string, what: keyof Spent): number[] => {
    const { bare, service } = spent.get(name)!;
    return service[what].map((value, i) => value - bare[what][i]!);
  };
  const ratios = (name: string, what: keyof Spent): number[] =>
    added(name, what).map((value, i) => value / added("node", what)[i]!);
  return [
    rowOf("time that accepting adds to a bare POST, Node", added("node", "time"), { unit: " µs" }),
    ...Object.entries(BOUNDS).map(([name, atMost]) =>
      rowOf(`time that accepting adds to a bare POST, ${name}, of Node's`, ratios(name, "time"), { atMost }),
    ),
    rowOf("CPU that accepting adds to a bare POST, Node", added("node", "cpu"), { unit: " µs" }),
    ...Object.keys(BOUNDS).map((name) =>
      rowOf(`CPU that accepting adds to a bare POST, ${name}, of Node's`, ratios(name, "cpu")),
    ),
    ...runtimes.flatMap(({ name }) =>
      SIDES.map((side) => rowOf(`a request, ${name}, ${side}`, spent.get(name)![side].time, { unit: " µs" })),
    ),
  ];
}

function measure(runtime: Runtime, data: string, env: Env, spent: Spent): Promise<void> {
  return inFolder(async (folder) => {
    await using server = await startService(runtime, folder, env);
    const load = async (requests: number): Promise<Load> =>
      JSON.parse(
        await runScript([join(root, "test/bench/load.ts"), server.url, data, String(CLIENTS), String(requests)]),
      );
    await load(WARM_UP);
    const before = cpuSecondsOf(server.pid);
    const { rate, failed } = await load(REQUESTS);
    if (failed > 0) throw new Error(`${runtime.name}: ${failed} of ${REQUESTS} requests were not answered with 202`);
    spent.time.push(1_000_000 / rate);
    spent.cpu.push(((cpuSecondsOf(server.pid) - before) * 1_000_000) / REQUESTS);
  });
}
