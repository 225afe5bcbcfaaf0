// Error answers in the shape of the REST proxies: an HTTP status, a finer code, and a sentence.
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** Status and code of every error this gateway answers. */
export const REST_ERRORS = {
  malformed: { status: 400, code: 400 },
  not_found: { status: 404, code: 404 },
  topic_unknown: { status: 404, code: 40401 },
  partition_unknown: { status: 404, code: 40402 },
  method_not_allowed: { status: 405, code: 405 },
  not_acceptable: { status: 406, code: 40601 },
  topic_exists: { status: 409, code: 409 },
  too_large: { status: 413, code: 413 },
  unsupported_media_type: { status: 415, code: 415 },
  invalid: { status: 422, code: 422 },
  log_failed: { status: 500, code: 50002 },
  log_unreachable: { status: 503, code: 503 },
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
