// What the pages about problems say: one entry for every code, beside its status and title in problem.ts.
import { AppError, type ErrorCode } from "../../domain/errors.ts";
import { type Problem, toProblem } from "../problem.ts";

/** Why a problem comes about, what its receiver can do, and one as it may arrive. */
interface ProblemText {
  readonly cause: string;
  readonly remedy: string;
  readonly example: {
    readonly detail: string;
    readonly pointer?: string;
    readonly extra?: Readonly<Record<string, string>>;
  };
}

const ID = "01989e6f-3e00-7000-8000-5f3a9c21d7e4";
const STAMP = "01989e6f3e00-0000-8c5d1e2f3a4b5c6d";

const texts: { readonly [code in ErrorCode]: ProblemText } = {
  invalid_input: {
    cause:
      "The body could be read, but a field, a header or a parameter is not what the service takes. Nothing was accepted.",
    remedy:
      "Each entry of errors points at one fault (a JSON Pointer) and says what is wrong. Mend them and send the request again.",
    example: { detail: "#/content: Too small: expected string to have >=1 characters", pointer: "#/content" },
  },
  malformed: {
    cause: "The body is not JSON, or not UTF-8 text: it was cut off, or a member is not quoted. Nothing was accepted.",
    remedy: "Send well-formed JSON. In a batch of lines each line is a JSON value of its own.",
    example: { detail: "The body is not JSON: Unexpected end of JSON input" },
  },
  unsupported_media_type: {
    cause: "The Content-Type of the request is missing, or none that this address takes.",
    remedy: "Send one of the media types that the detail names.",
    example: { detail: "The request has no Content-Type; send application/json" },
  },
  payload_too_large: {
    cause:
      "The body, an item of a batch, the number of items or the record made from an operation is beyond a limit of the service.",
    remedy:
      "Send smaller operations, or a batch in several requests. Of a batch of lines, the items answered before this problem were taken.",
    example: { detail: "The body has more than 524288 bytes" },
  },
  stamp_ahead: {
    cause:
      "The stamp in Tidegate-After lies more than 60 seconds ahead of the service's clock, so no service of ours gave it out just now.",
    remedy: "Send the Tidegate-Stamp of an earlier answer as it came, or leave the header out.",
    example: { detail: "The stamp lies more than 60 seconds ahead of the service's clock", pointer: "#/after" },
  },
  clock_skew: {
    cause:
      "The clock of this process is more than 30 seconds from the database's. New operations would be ordered wrongly, so it takes none.",
    remedy: "Try again after Retry-After; another process may answer. Operators: set the clock of the machine.",
    example: { detail: "Nothing was accepted: this clock is 31204 ms from the database's" },
  },
  nothing_accepted: {
    cause:
      "Every way failed for certain: Kafka did not take the operation, and the database could not be reached. It is nowhere.",
    remedy: "Send the same request again after Retry-After. An Idempotency-Key makes that safe in every case.",
    example: { detail: "Nothing was accepted: Kafka: connection refused; the database cannot be reached" },
  },
  outcome_unknown: {
    cause:
      "An attempt failed in a way that leaves open whether it took effect: a deadline passed, or an answer was lost.",
    remedy:
      "Send the same body again with retryToken in the header Tidegate-Retry: the operation keeps its id and its stamp, and takes effect once. Or look at /v1/operations/{id} later.",
    example: {
      detail: "An attempt may still take effect; retry with the retry token, and the operation keeps its id and stamp",
      extra: { id: ID, stamp: STAMP, retryToken: `${ID}.${STAMP}.0f1e2d3c4b5a69788796a5b4c3d2e1f0` },
    },
  },
  not_yet_applied: {
    cause: "The read named an operation with `after`, and that operation was not applied within the time to wait.",
    remedy: "Read again after the seconds in Retry-After, or wait longer with `Prefer: wait=30`.",
    example: { detail: "Operation 0192f3c4-5b6a-7d8e-9fab-0123456789ab was not applied within 5 s" },
  },
  too_many_streams: {
    cause: "The service holds as many event streams as it may already.",
    remedy: "Close streams you do not read, or ask for the operation's status instead; try again after Retry-After.",
    example: { detail: "The service holds 200 event streams already" },
  },
  not_found: {
    cause:
      "There is nothing at this address, no such flow or type, or the entity does not exist or is hidden with its owner.",
    remedy:
      "Compare the address with the API page. An entity whose create is still queued is found once it has been applied.",
    example: { detail: 'There is no Session "s-17"' },
  },
  method_not_allowed: {
    cause: "The address exists, and answers other methods.",
    remedy: "Use one of the methods that the header Allow names.",
    example: { detail: "/v1/operations answers POST, not GET" },
  },
  idempotency_mismatch: {
    cause: "The Idempotency-Key was used before, for a request with another body. Nothing was done this time.",
    remedy: "Use a new key for a new operation, and the same body when repeating an old one.",
    example: { detail: "The idempotency key was used before for another body", pointer: "#/key" },
  },
  decision_pending: {
    cause:
      "Another decision about this parked record, an edit with another value, or the same by another tenant's operator, was accepted and is not carried out yet. Nothing was done this time.",
    remedy: "Look at the record again in a moment: if it is still parked then, decide again.",
    example: { detail: "Another decision about memory-operations/0/17 is accepted and not carried out yet" },
  },
  unauthenticated: {
    cause: "The request carries no API key, or one that is not known, not yet or no longer valid.",
    remedy: "Send a valid key in the header Authorization, as a bearer token.",
    example: { detail: "Send an API key" },
  },
  forbidden: {
    cause: "The API key is valid, and does not allow this request.",
    remedy: "Use a key with the scope that the detail names, or ask the operator for one.",
    example: { detail: "The API key does not allow this" },
  },
  origin_not_allowed: {
    cause:
      "A page of another origin sent this by a browser. The service asks nobody for a key, so it takes only what its own pages and programs send.",
    remedy: "Operators: name the page's origin in CORS_ORIGINS, as the browser sends it in the header Origin.",
    example: { detail: "Pages of https://app.example may not send anything to this service" },
  },
  broker_unavailable: {
    cause: "Kafka's proxy does not answer, or refuses. Operations are still taken: they go straight into the graph.",
    remedy: "Try again later. Operators: /health/kafka says what Kafka lacks.",
    example: { detail: "Cannot reach Kafka: connection refused" },
  },
  graph_unavailable: {
    cause:
      "The database does not answer, so nothing can be read. Operations of flows whose Kafka is on are still taken.",
    remedy: "Try again later. Operators: /readyz says why the service is not ready.",
    example: { detail: "Cannot use the database: connection refused" },
  },
  model_unavailable: {
    cause: "The text model that writes summaries and analyses does not answer, or answers nothing usable.",
    remedy:
      "Nothing needs to be sent again: accepted operations are tried again by the service. Operators: look at the model's address and key.",
    example: { detail: "The text model did not answer in time" },
  },
  registry_unavailable: {
    cause: "The schema registry does not answer. Operations need none: they are taken and applied all the same.",
    remedy: 'Try again later. Operators: look at SCHEMA_REGISTRY_URL; "tidegate schemas check" says how it stands.',
    example: { detail: "Cannot ask the schema registry: connection refused" },
  },
  internal: {
    cause:
      "Something went wrong in the service that is not the request's fault. The operators' log has it under the trace id.",
    remedy: "Send the same request again; an Idempotency-Key makes that safe. If it stays, report the traceId.",
    example: {
      detail: "Something went wrong that is not the request's fault",
      extra: { traceId: "4bf92f3577b34da6a3ce929d0e0e4736" },
    },
  },
};

/** Everything that is to be said about a code. */
export interface Explanation extends Pick<Problem, "type" | "code" | "title" | "status" | "retryable"> {
  readonly cause: string;
  readonly remedy: string;
  readonly example: Problem;
}

/** Explains a code, with an example in the very form of a real answer. */
export function explain(code: ErrorCode): Explanation {
  const { cause, remedy, example } = texts[code];
  const { detail, pointer, extra = {} } = example;
  const faults = pointer === undefined ? [] : [{ pointer, detail: detail.replace(`${pointer}: `, "") }];
  const problem = toProblem(new AppError(code, detail, { faults, extra }));
  const { type, title, status, retryable } = problem;
  return { type, code, title, status, retryable, cause, remedy, example: problem };
}
