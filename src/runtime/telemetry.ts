// OpenTelemetry for the process: every request has a trace, recorded only where somebody collects it.
import { AsyncLocalStorage } from "node:async_hooks";
import { type Context, type ContextManager, context, propagation, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode, W3CTraceContextPropagator } from "@opentelemetry/core";
import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { randomHex } from "./entropy-node.ts";

const EXPORT_DEADLINE_MS = 5_000;

/** What a composition root needs to end tracing with. */
export interface Telemetry {
  /** Sends what is waiting and stops; never throws. */
  stop(): Promise<void>;
}

/** Installs provider, propagator and context manager. Without a processor spans carry ids but are not recorded. */
export function startTelemetry(version: string, processor: SpanProcessor | undefined): Telemetry {
  const hex = randomHex();
  const provider = new TracerProvider({
    // The SDK's own makes every id anew by way of a buffer.
    idGenerator: { generateTraceId: () => hex(32), generateSpanId: () => hex(16) },
    resource: resourceFromAttributes({ "service.name": "tidegate", "service.version": version }),
    sampler: new ParentBasedSampler({ root: processor === undefined ? new AlwaysOffSampler() : new AlwaysOnSampler() }),
    spanProcessors: processor === undefined ? [] : [processor],
  });
  trace.setGlobalTracerProvider(provider);
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  context.setGlobalContextManager(asyncContext());
  return {
    async stop() {
      await provider.shutdown().catch(() => undefined);
      trace.disable();
      propagation.disable();
      context.disable();
    },
  };
}

/** Sends spans in batches, in the background, to an OTLP endpoint. */
export function batchingProcessor(endpoint: string): SpanProcessor {
  return new BatchSpanProcessor({ exporter: otlpExporter(endpoint, fetch) });
}

/** Sends spans as OTLP/JSON to `<endpoint>/v1/traces`. */
export function otlpExporter(endpoint: string, fetch: typeof globalThis.fetch): SpanExporter {
  const url = `${endpoint.replace(/\/$/, "")}/v1/traces`;
  const send = async (spans: ReadableSpan[]): Promise<ExportResult> => {
    const body = JsonTraceSerializer.serializeRequest(spans);
    const headers = { "Content-Type": "application/json" };
    const signal = AbortSignal.timeout(EXPORT_DEADLINE_MS);
    const answer = await fetch(url, { method: "POST", headers, body: body as BodyInit, signal });
    await answer.arrayBuffer();
    return { code: answer.ok ? ExportResultCode.SUCCESS : ExportResultCode.FAILED };
  };
  return {
    export(spans, done) {
      send(spans).then(done, (error) => done({ code: ExportResultCode.FAILED, error }));
    },
    shutdown: async () => undefined,
    forceFlush: async () => undefined,
  };
}

/** The active context across awaits. */
function asyncContext(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...args) => storage.run(active, () => work.apply(self as never, args)),
    bind(active, target) {
      if (typeof target !== "function") return target;
      return ((...args: unknown[]) => storage.run(active, () => target(...args))) as typeof target;
    },
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
