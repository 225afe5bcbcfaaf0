// Reads a page of metrics, and refuses one that breaks the rules of the format.
import { expect } from "vitest";
import type { ServiceUnderTest } from "./service.ts";

const LINE = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES: Record<string, string> = { "\\\\": "\\", '\\"': '"', "\\n": "\n" };

/** One line of the page. */
export interface Line {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricsPage {
  readonly text: string;
  readonly lines: readonly Line[];
  /** Help and type of each metric, in the order of the page. */
  readonly heads: readonly { readonly name: string; readonly help: string; readonly type: string }[];
  /** The value of the line with exactly these labels; undefined when there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

/** Parses a page: every line well formed, each metric in one piece under its help and type, no line twice. */
export function parseMetrics(text: string): MetricsPage {
  expect(text === "" || text.endsWith("\n")).toBe(true);
  const lines: Line[] = [];
  const heads: { name: string; help: string; type: string }[] = [];
  const rows = text.split("\n").slice(0, -1);
  for (let i = 0; i < rows.length; i++) {
    const help = /^# HELP ([a-z_]+) (.+)$/.exec(rows[i]!);
    if (help !== null) {
      const type = new RegExp(`^# TYPE ${help[1]} (counter|gauge|histogram)$`).exec(rows[++i] ?? "");
      expect(type, `the line after ${rows[i - 1]}`).not.toBeNull();
      heads.push({ name: help[1]!, help: help[2]!, type: type![1]! });
      continue;
    }
    const line = LINE.exec(rows[i]!);
    expect(line, rows[i]).not.toBeNull();
    const [, name, labels = "", value] = line!;
    const { name: metric, type } = heads.at(-1)!;
    expect(type === "histogram" ? name!.replace(/_(bucket|sum|count)$/, "") : name).toBe(metric);
    lines.push({ name: name!, labels: readLabels(labels), value: readNumber(value!) });
  }
  expect(new Set(heads.map(({ name }) => name)).size).toBe(heads.length);
  expect(new Set(lines.map(keyOf)).size).toBe(lines.length);
  return {
    text,
    lines,
    heads,
    value: (name, labels = {}) => lines.find((line) => keyOf(line) === keyOf({ name, labels }))?.value,
  };
}

/** Scrapes a service. */
export async function scrape(service: Pick<ServiceUnderTest, "request">): Promise<MetricsPage> {
  const answer = await service.request("/metrics");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return parseMetrics(await answer.text());
}

function readLabels(text: string): Record<string, string> {
  const pairs = [...text.matchAll(LABEL)].map(([, name, value]) => [
    name!,
    value!.replace(/\\./g, (escaped) => ESCAPES[escaped]!),
  ]);
  return Object.fromEntries(pairs);
}

function readNumber(text: string): number {
  const value = text === "+Inf" ? Number.POSITIVE_INFINITY : Number(text);
  expect(text).toMatch(/^([+-]Inf|NaN|-?[0-9.]+(e[+-]?[0-9]+)?)$/);
  return value;
}

function keyOf({ name, labels }: Pick<Line, "name" | "labels">): string {
  return JSON.stringify([name, Object.entries(labels).sort()]);
}
