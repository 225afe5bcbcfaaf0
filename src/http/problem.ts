// Errors as RFC 9457 problem details. The only place where a code and an HTTP status meet.
import type { Context } from "hono";
import { type AppError, ERRORS, type ErrorCode } from "../domain/errors.ts";

/** Status and title of every code. */
export const PROBLEMS = {
  invalid_input: { status: 422, title: "The input is not valid" },
  malformed: { status: 400, title: "The body cannot be read" },
  unsupported_media_type: { status: 415, title: "The media type is not supported" },
  payload_too_large: { status: 413, title: "The body is too large" },
  stamp_ahead: { status: 422, title: "The stamp lies in the future" },
  clock_skew: { status: 503, title: "The service's clock is wrong" },
  nothing_accepted: { status: 503, title: "Nothing was accepted" },
  outcome_unknown: { status: 503, title: "The outcome is unknown" },
  not_yet_applied: { status: 503, title: "The operation is not applied yet" },
  too_many_streams: { status: 429, title: "There are too many event streams" },
  not_found: { status: 404, title: "There is no such thing" },
  method_not_allowed: { status: 405, title: "The method is not allowed here" },
  idempotency_mismatch: { status: 422, title: "The idempotency key stands for another body" },
  decision_pending: { status: 409, title: "Another decision is not carried out yet" },
  unauthenticated: { status: 401, title: "A valid API key is needed" },
  forbidden: { status: 403, title: "The API key does not allow this" },
  origin_not_allowed: { status: 403, title: "Pages of this origin may not do this" },
  broker_unavailable: { status: 503, title: "Kafka cannot be reached" },
  graph_unavailable: { status: 503, title: "The database cannot be reached" },
  model_unavailable: { status: 503, title: "The text model cannot be reached" },
  registry_unavailable: { status: 503, title: "The schema registry cannot be reached" },
  internal: { status: 500, title: "Something went wrong in the service" },
} as const satisfies Record<ErrorCode, { status: number; title: string }>;

/** A problem document. `code` is stable; `errors` names each faulty member. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly [extra: string]: unknown;
}

/** The document of an error. Nothing of a cause gets into it. */
export function toProblem(error: AppError): Problem {
  const { status, title } = PROBLEMS[error.code];
  return {
    type: `/problems/${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    retryable: ERRORS[error.code].retryable,
    ...(error.faults.length > 0 ? { errors: error.faults } : {}),
    ...error.extra,
  };
}

/** Answers with the problem of an error. */
export function problemResponse(c: Context, error: AppError): Response {
  const problem = toProblem(error);
  if (error.retryAfterMs !== undefined) c.header("Retry-After", String(Math.ceil(error.retryAfterMs / 1_000)));
  return c.body(JSON.stringify(problem), problem.status as 500, { "Content-Type": "application/problem+json" });
}

/** The same where there is no route yet, nor a context. */
export function bareProblemResponse(error: AppError): Response {
  const problem = toProblem(error);
  const headers = { "Content-Type": "application/problem+json" };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
