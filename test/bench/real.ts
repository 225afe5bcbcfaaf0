// `npm run bench:real`: ratios against hand-written programs on the real parts of `npm run stack -- --detach`. `--check`
// exits 1 when one falls short; `--write` puts the table into docs/performance.md. Options: --rounds N, --records N (of the
// gateway; half of them for Neo4j), --share 0.1 (of the requests of the others, to try them), --only NAME[,NAME], with which
// `--write` leaves the rows of the others.
import { parseArgs } from "node:util";
import { findChitchat } from "../support/chitchat.ts";
import { gatewayRows } from "./gateway-rows.ts";
import { batchRows, singleRows } from "./kafka-rows.ts";
import { syncRows, tickRows } from "./neo4j-rows.ts";
import { deadRows, frozenRows } from "./outage-rows.ts";
import { COMMON_OPTIONS, type Parts, runParts } from "./run-parts.ts";

const { values } = parseArgs({
  options: {
    ...COMMON_OPTIONS,
    share: { type: "string", default: "1" },
    records: { type: "string", default: "100000" },
  },
});

const data = findChitchat("the benchmark");
if (data === undefined) process.exit(1);
const options = { data, rounds: Number(values.rounds), count: Number(values.records) };
const loads = { data, rounds: options.rounds, share: Number(values.share) };
const parts: Parts = {
  single: () => singleRows(loads),
  batches: () => batchRows(loads),
  gateway: () => gatewayRows(options),
  ticks: () => tickRows({ ...options, count: options.count / 2 }),
  sync: () => syncRows(options),
  dead: () => deadRows(loads),
  frozen: () => frozenRows(loads),
};
process.exitCode = await runParts("bench:real", parts, values);
