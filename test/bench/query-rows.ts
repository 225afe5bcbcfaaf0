// Memory queries by 32 clients, against the same full-text query behind a bare route over the very same file.
import { join } from "node:path";
import { GRAPH_FILE } from "../../src/runtime/embedded.ts";
import { bin, flags, inFolder, root, runScript, startChild } from "./child.ts";
import { questionsOf, readMemories } from "./memories.ts";
import type { Load } from "./requests.ts";
import { type Row, rowOf } from "./table.ts";

const CLIENTS = 32;
/** Questions whose answers are compared before anything is measured. */
const COMPARED = 60;
const P99_MAX = 2;

export interface QueryOptions {
  readonly data: string;
  readonly rounds: number;
  readonly memories: number;
  readonly requests: number;
}

export async function queryRows(options: QueryOptions): Promise<Row[]> {
  const { data, rounds, memories } = options;
  return inFolder(async (folder) => {
    const file = join(folder, GRAPH_FILE);
    console.log(
      `query: ${await runScript([join(root, "test/bench/write-memories.ts"), data, file, String(memories)])}`,
    );
    const peers: Load[] = [];
    const services: Load[] = [];
    for (let round = 1; round <= rounds; round++) {
      const check = round === 1;
      const asked = check ? questionsOf(readMemories(data, memories), COMPARED) : [];
      const peer = await measure(options, [join(root, "test/bench/bare-query-server.ts"), file], {}, asked);
      const env = { PORT: "0", DATA_DIR: folder, LOG_LEVEL: "error" };
      const service = await measure(options, [...flags, bin, "start"], env, asked);
      if (check) compare(asked, peer.found, service.found);
      peers.push(peer.load);
      services.push(service.load);
      const said = [peer.load, service.load].map(({ rate, p99 }) => `${rate.toFixed(0)}/s, p99 ${p99.toFixed(1)} ms`);
      console.log(`query ${round}/${rounds}: bare ${said[0]}; service ${said[1]}`);
    }
    const ratios = (of: (load: Load) => number): number[] => services.map((load, i) => of(load) / of(peers[i]!));
    const of = (loads: readonly Load[], name: "rate" | "p50" | "p99"): number[] => loads.map((load) => load[name]);
    return [
      rowOf(
        "memory query p99, against bare route",
        ratios(({ p99 }) => p99),
        { atMost: P99_MAX },
      ),
      rowOf(
        "memory query p50, against bare route",
        ratios(({ p50 }) => p50),
      ),
      rowOf("memory query p99", of(services, "p99"), { unit: " ms" }),
      rowOf("memory query p99, bare route", of(peers, "p99"), { unit: " ms" }),
      rowOf("memory query rate", of(services, "rate"), { unit: "/s" }),
      rowOf("memory query rate, bare route", of(peers, "rate"), { unit: "/s" }),
    ];
  });
}

/** Loads a server and answers what it gave for some questions beforehand. */
async function measure(
  { data, memories, requests }: QueryOptions,
  script: readonly string[],
  env: Record<string, string>,
  asked: readonly string[],
): Promise<{ load: Load; found: unknown[][] }> {
  const server = await startChild(script, env);
  const load = (count: number): Promise<string> =>
    runScript(
      [join(root, "test/bench/query-load.ts"), server.url, data, memories, CLIENTS, count].map((value) =>
        String(value),
      ),
    );
  try {
    const found: unknown[][] = [];
    for (const path of asked) found.push(await idsOf(`${server.url}${path}`));
    await load(Math.ceil(requests / 3));
    const result = JSON.parse(await load(requests)) as Load;
    if (result.failed > 0) throw new Error(`${result.failed} of ${requests} queries were not answered with 200`);
    return { load: result, found };
  } finally {
    await server.stop();
  }
}

async function idsOf(url: string): Promise<unknown[]> {
  const { items } = (await (await fetch(url)).json()) as { items: { id?: string; key?: string }[] };
  return items.map(({ id, key }) => id ?? decodeURIComponent(key!.split("/")[2]!));
}

/** Both have to find the same, and something: otherwise they were not asked the same. */
function compare(asked: readonly string[], peer: readonly unknown[][], service: readonly unknown[][]): void {
  for (const [i, path] of asked.entries()) {
    if (peer[i]!.length === 0 || JSON.stringify(peer[i]) !== JSON.stringify(service[i]))
      throw new Error(`The bare route and the service found other memories for ${path}`);
  }
}
