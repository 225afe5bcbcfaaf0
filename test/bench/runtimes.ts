// `npm run bench:runtimes`: the Worker's size, its start, the outside requests of its ticks, and what accepting an operation
// adds on each runtime. `--check` exits 1 when a bound does not hold; `--write` puts the table into docs/performance.md.
// Options: --rounds N, --only NAME. Requests to Neo4j are counted when `npm run stack -- --detach` runs.
import { parseArgs } from "node:util";
import { findChitchat } from "../support/chitchat.ts";
import { addedTimeRows } from "./added-time-rows.ts";
import { bundleRows } from "./bundle-rows.ts";
import { COMMON_OPTIONS, type Parts, runParts } from "./run-parts.ts";
import { startRows } from "./start-rows.ts";
import { tickRequestRows } from "./tick-request-rows.ts";

const { values } = parseArgs({ options: COMMON_OPTIONS });

const data = findChitchat("the benchmark");
if (data === undefined) process.exit(1);
const options = { data, rounds: Number(values.rounds) };
// What is built here is what the others run, whichever of them is asked for.
const bundle = await bundleRows();
const parts: Parts = {
  bundle: async () => bundle,
  start: () => startRows(options),
  tick: () => tickRequestRows(options),
  added: () => addedTimeRows(options),
};
process.exitCode = await runParts("bench:runtimes", parts, values);
