// The metrics as a page in the text format of Prometheus.
import type { Hono } from "hono";
import type { Family, Sample } from "../app/metrics.ts";
import type { Service } from "./service.ts";

const TYPE = "text/plain; version=0.0.4; charset=utf-8";

export function metricRoutes(app: Hono, service: Service): void {
  app.get("/metrics", async (c) => c.body(metricsText(await service.metrics()), 200, { "Content-Type": TYPE }));
}

/** Families as text, each with its help and type, in the order given. */
export function metricsText(families: readonly Family[]): string {
  return families
    .map(({ name, type, help, samples }) => {
      const head = `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n`;
      return head + samples.map((sample) => lineOf(name, sample)).join("");
    })
    .join("");
}

function lineOf(name: string, { suffix, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text).replaceAll('"', '\\"')}"`);
  return `${name}${suffix ?? ""}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numberText(value)}\n`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (Math.abs(value) === Number.POSITIVE_INFINITY) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}
