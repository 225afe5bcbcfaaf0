// Rows of the benchmark's table.

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
