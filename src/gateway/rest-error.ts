// Error answers in the shape of the REST proxies: an HTTP status, a finer code, and a sentence.
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppendFault, LogError } from "./log.ts";

/** Status and code of every error this gateway answers. */
export const REST_ERRORS = {
  malformed: { status: 400, code: 400 },
  not_found: { status: 404, code: 404 },
  unauthorized: { status: 401, code: 40101 },
  forbidden: { status: 403, code: 40301 },
  topic_unknown: { status: 404, code: 40401 },
  partition_unknown: { status: 404, code: 40402 },
  consumer_unknown: { status: 404, code: 40403 },
  method_not_allowed: { status: 405, code: 405 },
  not_acceptable: { status: 406, code: 40601 },
  topic_exists: { status: 409, code: 409 },
  consumer_exists: { status: 409, code: 40902 },
  illegal_state: { status: 409, code: 40903 },
  too_large: { status: 413, code: 413 },
  unsupported_media_type: { status: 415, code: 415 },
  invalid: { status: 422, code: 422 },
  consumer_config: { status: 422, code: 42204 },
  poison: { status: 422, code: 42207 },
  too_many: { status: 429, code: 429 },
  log_failed: { status: 500, code: 50002 },
  /** The answer of the log is not known: what was asked for may have happened, or happen later. */
  log_unknown: { status: 500, code: 50003 },
  /** Nothing was written, and the same request may succeed later. */
  log_unreachable: { status: 503, code: 50301 },
} as const satisfies Record<string, { status: ContentfulStatusCode; code: number }>;

/** Which error. */
export type RestErrorKind = keyof typeof REST_ERRORS;

/** Ends the handling of a request with an error answer. */
export class RestError extends Error {
  override name = "RestError";
  readonly kind: RestErrorKind;

  constructor(kind: RestErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** The body of an error answer, also of an error entry within an answer. */
export function errorBody(kind: RestErrorKind, message: string): { error_code: number; message: string } {
  return { error_code: REST_ERRORS[kind].code, message };
}

/** The answer to a log that could not do what was asked. */
export function kindOf({ kind }: LogError): RestErrorKind {
  if (kind === "unreachable") return "log_unreachable";
  return kind === "forbidden" ? "forbidden" : "invalid";
}

const FAULTS: Readonly<Record<AppendFault["fault"], RestErrorKind>> = {
  retryable: "log_unreachable",
  too_large: "too_large",
  partition_unknown: "partition_unknown",
  topic_unknown: "topic_unknown",
  forbidden: "forbidden",
  invalid: "invalid",
  unknown: "log_unknown",
};

/** The error entry of a record that was not appended, as far as is known. */
export function faultEntry({ fault, reason }: AppendFault): { error_code: number; error: string } {
  return { error_code: REST_ERRORS[FAULTS[fault]].code, error: reason };
}
