// Traces of a Worker: spans are collected as they end, and one request sends them once the answer is out.
import type { ReadableSpan, SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace";
import type { Config } from "../../config.ts";
import { otlpExporter, startTelemetry } from "../telemetry.ts";
import { VERSION } from "../version.ts";

/** Spans kept for the next flush; those beyond are dropped, oldest first. */
const SPANS_MAX = 2_048;

let collected: ReadableSpan[] = [];
let started = false;
let exporter: SpanExporter | undefined;

const collector: SpanProcessor = {
  onStart: () => undefined,
  onEnd(span) {
    collected.push(span);
    if (collected.length > SPANS_MAX) collected.shift();
  },
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
};

/** Installs tracing in this isolate, once. */
export function startWorkerTelemetry({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }: Config): void {
  if (started) return;
  started = true;
  if (endpoint !== undefined) exporter = otlpExporter(endpoint, (input, init) => fetch(input, init));
  startTelemetry(VERSION, exporter === undefined ? undefined : collector);
}

/** Sends what has been collected, as one request. Never throws: spans that cannot be sent are gone. */
export async function flushSpans(): Promise<void> {
  const spans = collected;
  if (exporter === undefined || spans.length === 0) return;
  collected = [];
  await new Promise<void>((resolve) => exporter!.export(spans, () => resolve()));
}
