// docs/metrics.md says of each metric what the code says.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { METRICS } from "../../src/app/metric-list.ts";

const DOCUMENT = new URL("../../docs/metrics.md", import.meta.url);

it("docs/metrics.md has every metric with its type, labels and help, in the order of the page", () => {
  const rows = readFileSync(DOCUMENT, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `tidegate_"))
    .map((line) =>
      line
        .split("|")
        .slice(1, 5)
        .map((cell) => cell.trim()),
    );
  const expected = METRICS.map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.length === 0 ? "" : labels.map((label) => `\`${label}\``).join(" "),
    help,
  ]);
  expect(rows).toEqual(expected);
});
