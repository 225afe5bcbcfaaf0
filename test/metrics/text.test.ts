// The text format of Prometheus.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Family, Sample } from "../../src/app/metrics.ts";
import { metricsText } from "../../src/http/metrics.ts";
import { parseMetrics } from "../support/metrics-page.ts";

const family = (samples: readonly Sample[], more: Partial<Family> = {}): Family => ({
  name: "x_total",
  type: "counter",
  labels: ["a"],
  help: "What it is.",
  samples,
  ...more,
});

describe("metricsText()", () => {
  it("writes help, type and lines, in the order given", () => {
    const one = family([
      { labels: { a: "2", b: "y" }, value: 2 },
      { labels: { a: "1", b: "x" }, value: 1.5 },
    ]);
    const two = family([{ labels: {}, value: 0 }], { name: "w", type: "gauge" });
    expect(metricsText([one, two])).toBe(
      "# HELP x_total What it is.\n# TYPE x_total counter\n" +
        'x_total{a="2",b="y"} 2\nx_total{a="1",b="x"} 1.5\n' +
        "# HELP w What it is.\n# TYPE w gauge\nw 0\n",
    );
  });

  it("writes help and type of a metric whose value is not known, and no line", () => {
    expect(metricsText([family([])])).toBe("# HELP x_total What it is.\n# TYPE x_total counter\n");
    expect(metricsText([])).toBe("");
  });

  it("writes the lines of a histogram with their suffixes", () => {
    const samples: Sample[] = [
      { suffix: "_bucket", labels: { le: "+Inf" }, value: 2 },
      { suffix: "_sum", labels: {}, value: 0.25 },
      { suffix: "_count", labels: {}, value: 2 },
    ];
    const text = metricsText([family(samples, { name: "d_seconds", type: "histogram" })]);
    expect(text.split("\n").slice(2)).toEqual([
      'd_seconds_bucket{le="+Inf"} 2',
      "d_seconds_sum 0.25",
      "d_seconds_count 2",
      "",
    ]);
  });

  it("escapes backslashes and line ends in help and labels, and quotes in labels alone", () => {
    const text = metricsText([family([{ labels: { a: 'q"b\\n\nz' }, value: 1 }], { help: 'a "b" \\ \n c' })]);
    expect(text).toBe('# HELP x_total a "b" \\\\ \\n c\n# TYPE x_total counter\nx_total{a="q\\"b\\\\n\\nz"} 1\n');
  });

  it("gives back every label and every number to whoever reads it", () => {
    const value = fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(Infinity));
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), value, (label, number) => {
        // -0 and 0 are one number to Prometheus.
        const text = metricsText([family([{ labels: { a: label }, value: number + 0 }])]);
        const [line] = parseMetrics(text).lines;
        expect(line).toEqual({ name: "x_total", labels: { a: label }, value: number + 0 });
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
    [Number.NaN, "NaN"],
    [1e21, "1e+21"],
    [-0.001, "-0.001"],
  ])("writes %s as Prometheus reads it", (value, text) => {
    expect(metricsText([family([{ labels: {}, value }])])).toContain(`x_total ${text}\n`);
  });
});
