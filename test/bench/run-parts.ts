// How every benchmark runs: the parts that are asked for one after the other, their rows as one table.
import { resolve } from "node:path";
import { root } from "./child.ts";
import { type Row, tableOf, writeBetween } from "./table.ts";

/** Options of every benchmark's command line, for parseArgs. */
export const COMMON_OPTIONS = {
  rounds: { type: "string", default: "5" },
  /** Names of parts, with commas between them. */
  only: { type: "string" },
  check: { type: "boolean", default: false },
  write: { type: "boolean", default: false },
} as const;

export type Parts = { readonly [name: string]: () => Promise<Row[]> };

/**
 * Measures, prints the table, and with `write` puts it between the marks of docs/performance.md, where the rows of parts that
 * were not asked for stay. Answers the exit code: 1 when `check` finds a bound that does not hold.
 */
export async function runParts(
  mark: string,
  parts: Parts,
  { only, check, write }: { readonly only?: string | undefined; readonly check: boolean; readonly write: boolean },
): Promise<number> {
  const names = only?.split(",") ?? Object.keys(parts);
  const unknown = names.filter((name) => !(name in parts));
  if (unknown.length > 0) throw new Error(`There is no ${unknown}; there are ${Object.keys(parts).join(", ")}`);
  const rows: Row[] = [];
  for (const [name, measure] of Object.entries(parts)) if (names.includes(name)) rows.push(...(await measure()));
  const table = tableOf(rows);
  console.log(`\n${table}`);
  if (write) writeBetween(resolve(root, "docs/performance.md"), mark, table, { keeps: only !== undefined });
  return check && rows.some((row) => !row.holds) ? 1 : 0;
}
