// 32 clients posting single operations, against a bare route under the same load.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bin, flags, root, runScript, startChild } from "./child.ts";
import { type Row, rowOf } from "./table.ts";

const CLIENTS = 32;
const WARM_UP = 15_000;
const REQUESTS = 30_000;
const DELAY_MS_MAX = 15;

interface Load {
  readonly rate: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly delay: { readonly p99: number; readonly max: number };
}

export async function clientRows({ data, rounds }: { data: string; rounds: number }): Promise<Row[]> {
  const peers: Load[] = [];
  const all: Load[] = [];
  const api: Load[] = [];
  for (let round = 1; round <= rounds; round++) {
    peers.push(await measure(data, [join(root, "test/bench/bare-server.ts")], {}));
    all.push(await measureService(data, "all"));
    api.push(await measureService(data, "api"));
    const rates = [peers, all, api].map((loads) => loads.at(-1)!.rate.toFixed(0));
    console.log(`clients ${round}/${rounds}: bare ${rates[0]}/s, ROLE=all ${rates[1]}/s, ROLE=api ${rates[2]}/s`);
  }
  const ratios = (loads: readonly Load[]): number[] => loads.map(({ rate }, i) => rate / peers[i]!.rate);
  return [
    rowOf("single operations, ROLE=all, against bare route", ratios(all), { atLeast: 0.4 }),
    rowOf("single operations, ROLE=api, against bare route", ratios(api), { atLeast: 0.55 }),
    rowOf(
      "bare route rate",
      peers.map(({ rate }) => rate),
      { unit: "/s" },
    ),
    rowOf(
      "answer p50, ROLE=all",
      all.map(({ p50 }) => p50),
      { unit: " ms" },
    ),
    rowOf(
      "answer p99, ROLE=all",
      all.map(({ p99 }) => p99),
      { unit: " ms" },
    ),
    rowOf(
      "event-loop delay p99, ROLE=all",
      all.map(({ delay }) => delay.p99),
      { unit: " ms", atMost: DELAY_MS_MAX },
    ),
    rowOf(
      "event-loop delay max, ROLE=all",
      all.map(({ delay }) => delay.max),
      { unit: " ms" },
    ),
    rowOf(
      "event-loop delay p99, ROLE=api",
      api.map(({ delay }) => delay.p99),
      { unit: " ms", atMost: DELAY_MS_MAX },
    ),
    rowOf(
      "event-loop delay max, ROLE=api",
      api.map(({ delay }) => delay.max),
      { unit: " ms" },
    ),
  ];
}

async function measureService(data: string, role: "all" | "api"): Promise<Load> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-bench-"));
  try {
    return await measure(data, [...flags, bin, "start"], {
      PORT: "0",
      DATA_DIR: folder,
      ROLE: role,
      LOG_LEVEL: "error",
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(data: string, script: readonly string[], env: Record<string, string>): Promise<Load> {
  const server = await startChild(["--import", join(root, "test/bench/delay-probe.ts"), ...script], env);
  const load = (requests: number): Promise<string> =>
    runScript([join(root, "test/bench/load.ts"), server.url, data, String(CLIENTS), String(requests)]);
  try {
    await load(WARM_UP);
    await server.delay();
    const result = JSON.parse(await load(REQUESTS)) as Omit<Load, "delay">;
    if (result.failed > 0) throw new Error(`${result.failed} of ${REQUESTS} requests were not answered with 202`);
    return { ...result, delay: await server.delay() };
  } finally {
    await server.stop();
  }
}
