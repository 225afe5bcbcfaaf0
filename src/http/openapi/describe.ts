// How a route is described: the words of the lists in routes.ts and operations.ts.
import type { ErrorCode } from "../../domain/errors.ts";
import { type JsonSchema, refTo } from "../../flows/json-schema.ts";

/** One route of the service. Its path parameters are read from its path. */
export interface RouteDescription {
  readonly method: "GET" | "POST";
  /** As the router has it: `/v1/sessions/:id`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Default is made from method and path. */
  readonly operationId?: string;
  readonly parameters?: readonly Parameter[];
  /** Media types of the body. */
  readonly body?: { readonly [mediaType: string]: JsonSchema };
  /** No body stands for an empty object. */
  readonly bodyOptional?: true;
  /** Answers that are not problems, by status. */
  readonly answers: { readonly [status: number]: AnswerDescription };
  /** Problems it can answer; their statuses are those of problem.ts. */
  readonly problems?: readonly ErrorCode[];
  /** Only there in a process that takes operations. */
  readonly accepting?: true;
}

export interface Parameter {
  readonly name: string;
  readonly in: "query" | "header";
  readonly description: string;
  readonly schema: JsonSchema;
}

export interface AnswerDescription {
  readonly description: string;
  /** Names of the document's header components, which say whether they are always there; `Name?` need not be here. */
  readonly headers?: readonly string[];
  readonly content: { readonly [mediaType: string]: JsonSchema };
}

/** An answer of JSON that follows a component. */
export function json(description: string, component: string): AnswerDescription {
  return { description, content: { "application/json": refTo(component) } };
}

/** An answer of another media type, for example a stream. */
export function text(description: string, mediaType: string): AnswerDescription {
  return { description, content: { [mediaType]: { type: "string" } } };
}

export function query(name: string, description: string, schema: JsonSchema): Parameter {
  return { name, in: "query", description, schema };
}

export function header(name: string, description: string, schema: JsonSchema): Parameter {
  return { name, in: "header", description, schema };
}

export const AFTER = header(
  "Tidegate-After",
  "The Tidegate-Stamp of an earlier answer: the operation is ordered after it, whatever the clocks say.",
  { type: "string" },
);

const PARTITION_KEY = header(
  "Tidegate-Partition-Key",
  "Operations of one key keep their order in the log; it counts where the flow is partitioned by request.",
  { type: "string", minLength: 1, maxLength: 1_000 },
);

/** Headers of a request with many operations: what they say holds for each that does not say it itself. */
export const BATCH_HEADERS: readonly Parameter[] = [
  AFTER,
  PARTITION_KEY,
  header(
    "Prefer",
    "`wait=N` is how long all items together may wait for work with the outside world, at most 30 and by default 5 seconds; `respond-async` waits for none.",
    { type: "string", examples: ["respond-async", "wait=20"] },
  ),
];

/** Parameters of a list in pages. */
export const PAGE: readonly Parameter[] = [
  query("limit", "How many at most.", { type: "integer", minimum: 1, maximum: 1_000, default: 100 }),
  query("cursor", "`next` of the page before.", { type: "string" }),
];

/** Parameters of a read that shows what its client wrote. */
export const WRITTEN: readonly Parameter[] = [
  query("after", "An operation's id: the read waits until it is applied, five seconds at most.", { type: "string" }),
  header("Prefer", "`wait=N` waits up to N seconds for the operation in `after`, at most 30.", {
    type: "string",
    examples: ["wait=10"],
  }),
];

/** Headers of a request with one operation. */
export const OPERATION_HEADERS: readonly Parameter[] = [
  header(
    "Idempotency-Key",
    "The same key with the same body is the same operation, however often it is sent while the service keeps the key; with another body it is a problem. A request that was refused with 404 leaves its key free, unless another under the same key was under way beside it.",
    { type: "string", minLength: 1, maxLength: 200 },
  ),
  AFTER,
  PARTITION_KEY,
  header(
    "Tidegate-Retry",
    "The `retryToken` of a problem `outcome_unknown`: the operation keeps the id and the stamp of the first attempt.",
    { type: "string" },
  ),
  header(
    "Prefer",
    "`wait=N` waits up to N seconds for the outcome, at most 30; `respond-async` waits for no work with the outside world; `return=minimal` wants no body.",
    { type: "string", examples: ["respond-async", "wait=5", "wait=5, return=minimal"] },
  ),
];

/** Problems of a request that brings a body. */
export const BODY_PROBLEMS: readonly ErrorCode[] = [
  "malformed",
  "payload_too_large",
  "unsupported_media_type",
  "invalid_input",
];

/** Problems of a request with one operation. */
export const OPERATION_PROBLEMS: readonly ErrorCode[] = [
  ...BODY_PROBLEMS,
  "stamp_ahead",
  "idempotency_mismatch",
  "clock_skew",
  "nothing_accepted",
  "outcome_unknown",
  "internal",
];

/** Problems of a request that looks into the database. */
export const READ_PROBLEMS: readonly ErrorCode[] = ["graph_unavailable", "internal"];

/** Problems of a read that may wait for an operation. */
export const WRITTEN_PROBLEMS: readonly ErrorCode[] = ["invalid_input", "not_yet_applied", ...READ_PROBLEMS];

const ANSWERED = ["Location", "Tidegate-Stamp", "Preference-Applied"];

/** Answers to one operation. */
export const OPERATION_ANSWERS = {
  200: { ...json("It has been carried out.", "Answer"), headers: ANSWERED },
  202: {
    ...json("It is queued, or its work with the outside world is to be done; its resource tells more.", "Answer"),
    headers: ANSWERED,
  },
} as const satisfies RouteDescription["answers"];
