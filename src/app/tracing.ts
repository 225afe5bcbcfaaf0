// One trace from the request through the record to the database. Names are those of OpenTelemetry semantic conventions
// 1.44.0, where messaging is still "Development": should they change, they change here.
import {
  context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { AppError } from "../domain/errors.ts";
import type { Operation } from "../domain/operation.ts";

const tracer = trace.getTracer("tidegate");

const SYSTEM = { "messaging.system": "kafka" };

/** What an operation carries of the trace that made it. */
export interface TraceContext {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** The context to write into records made now. */
export function currentTrace(): TraceContext {
  const carrier: { traceparent?: string; tracestate?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** Id of the trace that is active, or of the given record's; undefined outside any. */
export function traceId(of?: TraceContext): string | undefined {
  return of?.traceparent?.slice(3, 35) ?? trace.getActiveSpan()?.spanContext().traceId;
}

/** Whether the record's trace is one that somebody records. Spans nobody records are not made. */
function isSampled(of: TraceContext): boolean {
  return of.traceparent !== undefined && (Number.parseInt(of.traceparent.slice(-2), 16) & 1) === 1;
}

/** Runs `work` within a span that ends with it and notes its failure. */
export async function inSpan<Result>(
  name: string,
  options: { kind: SpanKind; attributes?: Record<string, string | number>; parent?: TraceContext; links?: Link[] },
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const parent = options.parent === undefined ? context.active() : propagation.extract(ROOT_CONTEXT, options.parent);
  const span = tracer.startSpan(
    name,
    { kind: options.kind, attributes: options.attributes ?? {}, links: options.links ?? [] },
    parent,
  );
  try {
    return await context.with(trace.setSpan(parent, span), () => work(span));
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute("error.type", errorType(error));
    throw error;
  } finally {
    span.end();
  }
}

function errorType(error: unknown): string {
  if (error instanceof AppError) return error.code;
  return error instanceof Error ? error.name : "unknown";
}

/** Span of a produce. */
export function spanSend<Result>(topics: () => string, count: number, work: () => Promise<Result>): Promise<Result> {
  if (trace.getActiveSpan()?.isRecording() !== true) return work();
  const topic = topics();
  const attributes = {
    ...SYSTEM,
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
    "messaging.destination.name": topic,
    "messaging.batch.message_count": count,
  };
  return inSpan(`send ${topic}`, { kind: SpanKind.PRODUCER, attributes }, work);
}

/** Where a processed record came from. */
export interface RecordOrigin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Spans of the records of one batch: each is a child of the request that made it, and linked to it. */
export async function spanProcess<Result>(
  records: readonly { operation: Operation; origin: RecordOrigin }[],
  work: () => Promise<Result>,
): Promise<Result> {
  const sampled = records.filter(({ operation }) => isSampled(operation));
  const [first] = sampled;
  if (first === undefined) return work();
  const spans = sampled.map(({ operation, origin }) => startProcess(operation, origin));
  try {
    return await context.with(trace.setSpan(propagation.extract(ROOT_CONTEXT, first.operation), spans[0]!), work);
  } catch (error) {
    for (const span of spans) span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    for (const span of spans) span.end();
  }
}

function startProcess(operation: Operation, origin: RecordOrigin): Span {
  const parent = propagation.extract(ROOT_CONTEXT, operation);
  const made = trace.getSpanContext(parent);
  const attributes = {
    ...SYSTEM,
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": origin.topic,
    "messaging.destination.partition.id": String(origin.partition),
    "messaging.kafka.offset": origin.offset,
    "messaging.kafka.message.key": operation.partitionKey,
    "messaging.message.id": operation.id,
  };
  const links = made === undefined ? [] : [{ context: made }];
  return tracer.startSpan(`process ${origin.topic}`, { kind: SpanKind.CONSUMER, attributes, links }, parent);
}

/** Span of the transaction that applies operations. */
export function spanDatabase<Result>(arrivals: readonly unknown[], work: () => Promise<Result>): Promise<Result> {
  if (trace.getActiveSpan()?.isRecording() !== true) return work();
  const attributes = { "db.operation.name": "transact", "db.operation.batch.size": arrivals.length };
  return inSpan("transact", { kind: SpanKind.CLIENT, attributes }, work);
}
