// Why a call failed, in a form that programs can branch on.
import type { ErrorCode } from "../domain/errors.ts";
import type { Problem } from "./answers.ts";

/**
 * The service's own codes, and three of the client: there was no answer (`unreachable`), none in time
 * (`deadline_exceeded`), or one that is not Tidegate's (`unexpected_answer`).
 */
export type TidegateErrorCode = ErrorCode | "unreachable" | "deadline_exceeded" | "unexpected_answer";

/** A call that failed for good, or whose deadline passed. */
export class TidegateError extends Error {
  readonly code: TidegateErrorCode;
  /** HTTP status; undefined without an answer. */
  readonly status: number | undefined;
  /** Which members of the input are wrong. */
  readonly errors: NonNullable<Problem["errors"]>;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** The problem as the service sent it; empty when it sent none. */
  readonly problem: Problem;
  /** Key of the operation: sending again under it can do nothing twice, whatever became of this call. */
  readonly key: string | undefined;

  constructor(
    code: TidegateErrorCode,
    message: string,
    { status, problem = {}, retryable = false, key, cause }: TidegateErrorOptions = {},
  ) {
    super(message, { cause });
    this.name = "TidegateError";
    this.code = code;
    this.status = status;
    this.errors = problem.errors ?? [];
    this.retryable = retryable;
    this.problem = problem;
    this.key = key;
  }
}

export interface TidegateErrorOptions {
  readonly status?: number;
  readonly problem?: Problem;
  readonly retryable?: boolean;
  readonly key?: string | undefined;
  readonly cause?: unknown;
}

/** The error of an answer that is no success. */
export function refusal(status: number, problem: Problem, key: string | undefined): TidegateError {
  if (problem.code === undefined) {
    const message = `The answer is ${status}, and not as Tidegate answers`;
    return new TidegateError("unexpected_answer", message, { status, retryable: isForLater(status), key });
  }
  const message = problem.detail ?? problem.title ?? problem.code;
  return new TidegateError(problem.code, message, { status, problem, retryable: isForLater(status), key });
}

/** Whether the same request may be answered better later. */
export function isForLater(status: number): boolean {
  return status === 429 || status >= 500;
}
