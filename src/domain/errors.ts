// The one table of errors. A code is stable: clients branch on it, and the service answers a page about it.

/** Every code, and whether the same request may succeed later. */
export const ERRORS = {
  invalid_input: { retryable: false },
  malformed: { retryable: false },
  unsupported_media_type: { retryable: false },
  payload_too_large: { retryable: false },
  stamp_ahead: { retryable: false },
  clock_skew: { retryable: true },
  nothing_accepted: { retryable: true },
  outcome_unknown: { retryable: true },
  not_yet_applied: { retryable: true },
  too_many_streams: { retryable: true },
  not_found: { retryable: false },
  method_not_allowed: { retryable: false },
  idempotency_mismatch: { retryable: false },
  decision_pending: { retryable: true },
  unauthenticated: { retryable: false },
  forbidden: { retryable: false },
  origin_not_allowed: { retryable: false },
  broker_unavailable: { retryable: true },
  graph_unavailable: { retryable: true },
  model_unavailable: { retryable: true },
  registry_unavailable: { retryable: true },
  internal: { retryable: true },
} as const satisfies Record<string, { retryable: boolean }>;

/** A stable error code. */
export type ErrorCode = keyof typeof ERRORS;

/** One fault in an input: where (RFC 6901 pointer in fragment form) and what. */
export interface InputFault {
  readonly pointer: string;
  readonly detail: string;
}

/** The only error that crosses a layer on purpose. `detail` is for the caller; the cause is for the operator. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly faults: readonly InputFault[];
  readonly retryAfterMs: number | undefined;
  /** What failed may have happened all the same, or may happen yet (core-proof #30, #31). */
  readonly ambiguous: boolean;
  /** Less at a time may succeed where this failed: the transaction was too large, or met too many others. */
  readonly divisible: boolean;
  /** Further members of the answer, for example `id` and `retryToken`. */
  readonly extra: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    detail: string,
    options: {
      cause?: unknown;
      faults?: readonly InputFault[];
      retryAfterMs?: number;
      ambiguous?: boolean;
      divisible?: boolean;
      extra?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(detail, { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.faults = options.faults ?? [];
    this.retryAfterMs = options.retryAfterMs;
    this.ambiguous = options.ambiguous ?? false;
    this.divisible = options.divisible ?? false;
    this.extra = options.extra ?? {};
  }
}

/** Whether halves may fare better: one item is at fault, or it is too much at a time, and certainly nothing was done. */
export function isForHalves({ code, ambiguous, divisible }: AppError): boolean {
  return !ambiguous && (divisible || code === "internal");
}

/** The error itself when it is ours, otherwise `internal` around it. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError("internal", "Something went wrong that is not the request's fault", { cause: error });
}
