// `npm run bench:embedded`: ratios against a floor or a peer that is measured in the same round. `--check` exits 1 when one
// falls short; `--write` puts the table into docs/performance.md. Options: --rounds N, --limit N operations, --only NAME.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { findChitchat } from "../support/chitchat.ts";
import { root } from "./child.ts";
import { clientRows } from "./client-rows.ts";
import { idleRow } from "./idle-row.ts";
import { importRows } from "./import-rows.ts";
import { type Row, tableOf } from "./table.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    limit: { type: "string", default: "258145" },
    only: { type: "string" },
    check: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

const data = findChitchat("the benchmark");
if (data === undefined) process.exit(1);
const options = { data, rounds: Number(values.rounds), limit: Number(values.limit) };
const parts: Record<string, () => Promise<Row[]>> = {
  import: () => importRows(options),
  clients: () => clientRows(options),
  idle: () => idleRow(),
};
const rows: Row[] = [];
for (const [name, measure] of Object.entries(parts)) {
  if (values.only === undefined || values.only === name) rows.push(...(await measure()));
}
const table = tableOf(rows);
console.log(`\n${table}`);
if (values.write) writeFileSync(resolve(root, "docs/performance.md"), document(table));
if (values.check && rows.some((row) => !row.holds)) process.exit(1);

function document(text: string): string {
  return `# Performance

Measured by \`npm run bench:embedded -- --check --write\` on 2 shared cores with the whole CHIT-CHAT file. Each ratio is taken
within a round, service and floor one after the other on the same machine; the table shows the median of ${options.rounds} rounds with its
minimum and maximum. A floor is what the same rows cost without any service; a peer is a bare route under the same load.

${text}

- **Import against floor**: \`tidegate import\` of the file through HTTP, gateway, tick and SQLite, against one process that writes
  the same log, ledger, node and edge rows straight into files of the same schema in transactions of 1,000.
- **Single operations**: 32 clients posting one chat message at a time on the kafka path, against a bare hono + zod route that
  checks the same body and does nothing with it. The event loop's delay is the service's own, under that load.
- **Memory and CPU** are those of the service's process during an import, sampled from \`/proc\`.
- **Idle**: one operation at a time against an idle service, from its 202 to the answer that it is applied.
`;
}
