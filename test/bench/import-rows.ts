// The import against its floor, and the service's memory and CPU time while it runs.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bin, type Child, flags, inFolder, root, runScript, startChild } from "./child.ts";
import { type Row, rowOf } from "./table.ts";

const FLOOR = join(root, "test/bench/floor.ts");
const MEMORY_MIB_MAX = 350;
const SAMPLE_MS = 1_000;
const REST_MS_MAX = 600_000;
/** Operations of the first and the last window whose CPU time is compared. */
const WINDOW = 25_000;
const LAST_WINDOW_FROM = 225_000;

interface Sample {
  readonly applied: number;
  readonly cpuSeconds: number;
  readonly rssMib: number;
}

export async function importRows({
  data,
  rounds,
  limit,
}: {
  data: string;
  rounds: number;
  limit: number;
}): Promise<Row[]> {
  const ratios: number[] = [];
  const rates: number[] = [];
  const floors: number[] = [];
  const peaks: number[] = [];
  const growth: number[] = [];
  const drift: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const floor = await inFolder(
      async (folder) => JSON.parse(await runScript([FLOOR, data, folder, String(limit)])).rate as number,
    );
    const { rate, samples } = await inFolder((folder) => importOnce(data, limit, folder));
    ratios.push(rate / floor);
    rates.push(rate);
    floors.push(floor);
    peaks.push(Math.max(...samples.map(({ rssMib }) => rssMib)));
    growth.push(quarter(samples, 3) / quarter(samples, 1));
    if (limit >= LAST_WINDOW_FROM + WINDOW)
      drift.push(cpuOf(samples, LAST_WINDOW_FROM, WINDOW) / cpuOf(samples, 0, WINDOW));
    console.log(
      `import ${round}/${rounds}: floor ${floor.toFixed(0)}/s, service ${rate.toFixed(0)}/s, ratio ${(rate / floor).toFixed(2)}`,
    );
  }
  return [
    rowOf("import against floor", ratios, { atLeast: 0.4 }),
    rowOf("import rate", rates, { unit: "/s" }),
    rowOf("floor rate", floors, { unit: "/s" }),
    rowOf("memory during import, largest", peaks, { unit: " MiB", atMost: MEMORY_MIB_MAX }),
    rowOf("memory, last quarter against second", growth, { atMost: 1.1 }),
    ...(drift.length > 0 ? [rowOf("CPU per operation, 225–250k against 0–25k", drift, { atMost: 1.3 })] : []),
  ];
}

/** Imports into a fresh service; the rate runs from the first request until everything is applied. */
async function importOnce(data: string, limit: number, folder: string): Promise<{ rate: number; samples: Sample[] }> {
  const service = await startChild([...flags, bin, "start"], { PORT: "0", DATA_DIR: folder, LOG_LEVEL: "error" });
  try {
    const samples: Sample[] = [];
    const sampling = new AbortController();
    const sampled = sample(service, samples, sampling.signal);
    const began = performance.now();
    const args = [
      "--url",
      service.url,
      "--limit",
      String(limit),
      "--rejects",
      join(folder, "rejects"),
      "--state",
      join(folder, "state"),
    ];
    await runScript([bin, "import", data, ...args, "--json"]);
    const applied = await untilRest(service);
    const seconds = (performance.now() - began) / 1_000;
    sampling.abort();
    await sampled;
    await note(service, samples);
    return { rate: applied / seconds, samples };
  } finally {
    await service.stop();
  }
}

async function sample(service: Child, samples: Sample[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await note(service, samples);
    await delay(SAMPLE_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function note(service: Child, samples: Sample[]): Promise<void> {
  const { applied } = await progress(service);
  samples.push({ applied, cpuSeconds: service.cpuSeconds(), rssMib: service.rssMib() });
}

async function progress({ url }: Child): Promise<{ applied: number; atRest: boolean }> {
  const check = (await (await fetch(`${url}/v1/check`)).json()) as {
    atRest: boolean;
    flows: Record<string, { applied: number }>;
  };
  return { applied: Object.values(check.flows).reduce((sum, flow) => sum + flow.applied, 0), atRest: check.atRest };
}

async function untilRest(service: Child): Promise<number> {
  const until = performance.now() + REST_MS_MAX;
  while (performance.now() < until) {
    const { applied, atRest } = await progress(service);
    if (atRest) return applied;
    await delay(50);
  }
  throw new Error(`The service was not at rest within ${REST_MS_MAX} ms`);
}

/** Mean memory of a quarter of the run (0 to 3). */
function quarter(samples: readonly Sample[], n: number): number {
  const part = samples.slice(Math.floor((samples.length * n) / 4), Math.floor((samples.length * (n + 1)) / 4));
  return part.reduce((sum, { rssMib }) => sum + rssMib, 0) / part.length;
}

/** CPU seconds per operation between two counts of applied operations, interpolated between samples. */
function cpuOf(samples: readonly Sample[], from: number, count: number): number {
  return (cpuAt(samples, from + count) - cpuAt(samples, from)) / count;
}

function cpuAt(samples: readonly Sample[], applied: number): number {
  const after = samples.findIndex((sample) => sample.applied >= applied);
  if (after === -1) throw new Error(`No sample was taken after ${applied} operations`);
  if (after === 0) return samples[0]!.cpuSeconds;
  const [a, b] = [samples[after - 1]!, samples[after]!];
  const share = b.applied === a.applied ? 1 : (applied - a.applied) / (b.applied - a.applied);
  return a.cpuSeconds + share * (b.cpuSeconds - a.cpuSeconds);
}
