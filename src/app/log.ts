// What the service tells its operator. One method per event, so that wording and fields stand in one place; the
// runtime decides where lines go.
import type { Operation } from "../domain/operation.ts";
import { traceId } from "./tracing.ts";

/** Writes one structured line. */
export type Write = (level: "info" | "warning" | "error", message: string, fields: Record<string, unknown>) => void;

export interface Log {
  /** Producing failed and the same handlers run synchronously. */
  fallback(count: number, failure: { status: string; reason: string }, first: Operation): void;
  /** Applying failed as well: the error goes to the caller. */
  applyFailed(count: number, error: unknown, first: Operation): void;
  /** A tick could not do part of its work and moved nothing there. */
  tickFailed(part: string, error: unknown): void;
  /** An attempt at prepared work failed; it will be tried again. */
  prepareFailed(request: Operation, error: unknown): void;
  parked(reason: string, detail: string, at: { topic: string; partition: number; offset: number }): void;
  gap(count: number, at: { topic: string; partition: number }): void;
  reset(at: { topic: string; partition: number }, position: number, end: number): void;
  /** The group that dashboards watch was not told where we are. */
  reportFailed(error: unknown): void;
  clockSkew(skewMs: number): void;
  requestFailed(error: unknown): void;
  info(message: string, fields?: Record<string, unknown>): void;
}

/** The log over a line writer. */
export function createLog(write: Write): Log {
  const line = (
    level: "info" | "warning" | "error",
    message: string,
    fields: Record<string, unknown>,
    trace?: Operation,
  ) => {
    const id = traceId(trace);
    write(level, message, id === undefined ? fields : { ...fields, trace_id: id });
  };
  return {
    fallback: (operations, { status, reason }, first) =>
      line(
        "warning",
        "Kafka did not take operations, applying them synchronously",
        { operations, status, reason, operation: first.id, flow: first.flow },
        first,
      ),
    applyFailed: (operations, error, first) =>
      line(
        "error",
        "Cannot apply operations synchronously",
        { operations, operation: first.id, flow: first.flow, ...errorFields(error) },
        first,
      ),
    tickFailed: (part, error) => line("error", `Tick stopped: cannot ${part}`, errorFields(error)),
    prepareFailed: (request, error) =>
      line(
        "warning",
        "Prepared work failed and will be tried again",
        { operation: request.id, flow: request.flow, type: request.type, ...errorFields(error) },
        request,
      ),
    parked: (reason, detail, at) => line("warning", "Record parked", { reason, detail, ...at }),
    gap: (records, at) => line("error", "Records were removed by retention before they were read", { records, ...at }),
    reset: (at, position, end) =>
      line("error", "The log is shorter than the position: reading it from its start", { ...at, position, end }),
    reportFailed: (error) => line("warning", "Cannot report positions to the consumer group", errorFields(error)),
    clockSkew: (skewMs) => line("error", "This clock and the database's differ: nothing is minted", { skewMs }),
    requestFailed: (error) => line("error", "A request failed", errorFields(error)),
    info: (message, fields = {}) => line("info", message, fields),
  };
}

function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) };
  const cause = error.cause instanceof Error ? { cause: error.cause.message, stack: error.cause.stack } : {};
  return { error: error.message, ...("code" in error ? { code: error.code } : {}), ...cause };
}
