// Verdicts as one table: rows are cases, columns are runtimes.
import type { Verdict } from "../conformance/conform.ts";

const CELL = 14;

/** The lines of the table; a row that a runtime has no verdict for is a dash. */
export function table(columns: ReadonlyMap<string, ReadonlyMap<string, Verdict>>): string[] {
  const rows = [...new Set([...columns.values()].flatMap((column) => [...column.keys()]))];
  const width = Math.max(...rows.map(({ length }) => length)) + 2;
  const cell = (verdict: Verdict | undefined): string =>
    verdict === undefined ? "–" : `${verdict.verdict} ${verdict.ms} ms`;
  return [
    "".padEnd(width) + [...columns.keys()].map((name) => name.padEnd(CELL)).join(""),
    ...rows.map((row) => {
      const cells = [...columns.values()].map((column) => cell(column.get(row)).padEnd(CELL));
      return `${row.padEnd(width)}${cells.join("")}`.trimEnd();
    }),
  ];
}
