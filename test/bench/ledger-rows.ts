// What must not grow with the ledger: `/metrics`, and pages of the list of operations, at a small and at a large one.
import { join } from "node:path";
import { writeCursor } from "../../src/app/cursor.ts";
import { GRAPH_FILE } from "../../src/runtime/embedded.ts";
import { bin, type Child, flags, inFolder, root, runScript, startChild } from "./child.ts";
import { rawRequest, sendAll } from "./requests.ts";
import { type Row, rowOf } from "./table.ts";

const SMALL = 10_000;
const LARGE = 1_000_000;
const REQUESTS = 100;
const GROWTH_MAX = 1.5;

/** Milliseconds of the median requests, those of all pages together. */
type Times = Readonly<Record<"metrics" | "list", number>>;

/** Pages at the newest end, in the middle, and of what is rarely or never found. */
function asked(middleMs: number): Record<keyof Times, readonly string[]> {
  const middle = writeCursor(JSON.stringify([middleMs, ""]));
  return {
    metrics: ["/metrics"],
    list: [
      "/v1/operations",
      `/v1/operations?cursor=${middle}`,
      "/v1/operations?flow=session",
      "/v1/operations?outcome=superseded",
    ],
  };
}

export async function ledgerRows({ data, rounds }: { data: string; rounds: number }): Promise<Row[]> {
  return inFolder((small) =>
    inFolder(async (large) => {
      await write(data, small, SMALL);
      await write(data, large, LARGE);
      const times: { small: Times; large: Times }[] = [];
      for (let round = 1; round <= rounds; round++) {
        const taken = { small: await measure(small, SMALL), large: await measure(large, LARGE) };
        times.push(taken);
        const said = Object.entries(taken).map(
          ([name, { metrics, list }]) => `${name}: /metrics ${metrics.toFixed(2)} ms, list ${list.toFixed(2)} ms`,
        );
        console.log(`ledger ${round}/${rounds}: ${said.join("; ")}`);
      }
      const rowsOf = (name: keyof Times, title: string): Row[] => [
        rowOf(
          `${title}, ledger of 1,000,000 against 10,000`,
          times.map((taken) => taken.large[name] / taken.small[name]),
          { atMost: GROWTH_MAX },
        ),
        rowOf(
          `${title} at 1,000,000, p50`,
          times.map((taken) => taken.large[name]),
          { unit: " ms" },
        ),
      ];
      return [...rowsOf("metrics", "`/metrics`"), ...rowsOf("list", "four pages of the operation list")];
    }),
  );
}

async function write(data: string, folder: string, count: number): Promise<void> {
  await runScript([join(root, "test/bench/write-ledger.ts"), data, join(folder, GRAPH_FILE), String(count)]);
}

async function measure(folder: string, count: number): Promise<Times> {
  const service = await startChild([...flags, bin, "start"], { PORT: "0", DATA_DIR: folder, LOG_LEVEL: "error" });
  try {
    const { metrics, list } = asked(Date.now() - count / 2);
    return { metrics: await mediansOf(service, metrics), list: await mediansOf(service, list) };
  } finally {
    await service.stop();
  }
}

/** The sum of the paths' medians; each path is asked for a while before it counts, by one client. */
async function mediansOf({ url }: Child, paths: readonly string[]): Promise<number> {
  let sum = 0;
  for (const path of paths) {
    const ask = () =>
      sendAll({ url, requests: [rawRequest(url, `GET ${path}`)], clients: 1, total: REQUESTS, status: 200 });
    await ask();
    const { failed, p50 } = await ask();
    if (failed > 0) throw new Error(`${failed} of ${REQUESTS} requests for ${path} were not answered with 200`);
    sum += p50;
  }
  return sum;
}
