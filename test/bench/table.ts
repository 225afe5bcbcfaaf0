// Rows of the benchmark's table.
import { readFileSync, writeFileSync } from "node:fs";

/** One measured row. `holds` is whether it keeps its bound; a row without a bound always does. */
export interface Row {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly bound: string;
  readonly holds: boolean;
}

/** A row from the values of the rounds. `atLeast` and `atMost` bound the median. */
export function rowOf(
  name: string,
  values: readonly number[],
  { unit = "", atLeast, atMost }: { unit?: string; atLeast?: number; atMost?: number } = {},
): Row {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  const bound = atLeast !== undefined ? `≥ ${atLeast}` : atMost !== undefined ? `≤ ${atMost}` : "printed";
  const holds = median >= (atLeast ?? -Infinity) && median <= (atMost ?? Infinity);
  return { name, median, min: sorted[0]!, max: sorted.at(-1)!, unit, bound, holds };
}

/** The rows as a Markdown table. */
export function tableOf(rows: readonly Row[]): string {
  const number = (value: number): string =>
    Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
  const lines = rows.map(
    ({ name, median, min, max, unit, bound, holds }) =>
      `| ${name} | ${number(median)}${unit} | ${number(min)} – ${number(max)} | ${bound} | ${bound === "printed" ? "" : holds ? "yes" : "**no**"} |`,
  );
  return ["| measure | median | min – max | bound | holds |", "| --- | --- | --- | --- | --- |", ...lines].join("\n");
}

/**
 * Puts a table between its marks of a document, `<!-- mark -->` and `<!-- /mark -->`; the rest belongs to others. With `keeps`
 * it renews the rows that it has, in their places, and leaves the others.
 */
export function writeBetween(path: string, mark: string, table: string, { keeps = false } = {}): void {
  const [begin, end] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`];
  const document = readFileSync(path, "utf8");
  const parts = document.split(new RegExp(`${begin}[\\s\\S]*${end}`));
  if (parts.length !== 2) throw new Error(`${path} has no place for the table: ${begin} … ${end}`);
  const held = document.slice(parts[0]!.length + begin.length, document.length - parts[1]!.length - end.length);
  const text = keeps ? renewed(held, table) : table;
  writeFileSync(path, parts.join(`${begin}\n${text}\n${end}`));
}

/** The lines of a table, those of another in place of those of the same measure. */
function renewed(held: string, table: string): string {
  const byMeasure = (text: string): Map<string, string> =>
    new Map(
      text
        .trim()
        .split("\n")
        .map((line) => [line.split(" | ")[0]!, line]),
    );
  const lines = held.trim() === "" ? new Map<string, string>() : byMeasure(held);
  return [...new Map([...lines, ...byMeasure(table)]).values()].join("\n");
}
