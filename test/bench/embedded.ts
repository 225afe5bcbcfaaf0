// `npm run bench:embedded`: ratios against a floor or a peer that is measured in the same round. `--check` exits 1 when one
// falls short; `--write` puts the table into docs/performance.md. Options: --rounds N, --limit N operations, --only NAME.
import { parseArgs } from "node:util";
import { findChitchat } from "../support/chitchat.ts";
import { actionRows } from "./action-rows.ts";
import { clientRows } from "./client-rows.ts";
import { idleRow } from "./idle-row.ts";
import { importRows } from "./import-rows.ts";
import { ledgerRows } from "./ledger-rows.ts";
import { queryRows } from "./query-rows.ts";
import { COMMON_OPTIONS, type Parts, runParts } from "./run-parts.ts";

const MEMORIES = 100_000;
const QUERIES = 6_000;
const ACTIONS = 10_000;

const { values } = parseArgs({
  options: {
    ...COMMON_OPTIONS,
    limit: { type: "string", default: "258145" },
  },
});

const data = findChitchat("the benchmark");
if (data === undefined) process.exit(1);
const options = { data, rounds: Number(values.rounds), limit: Number(values.limit) };
const parts: Parts = {
  import: () => importRows(options),
  clients: () => clientRows(options),
  idle: () => idleRow(),
  query: () => queryRows({ ...options, memories: MEMORIES, requests: QUERIES }),
  actions: () => actionRows({ ...options, actions: ACTIONS }),
  ledger: () => ledgerRows(options),
};
process.exitCode = await runParts("bench:embedded", parts, values);
