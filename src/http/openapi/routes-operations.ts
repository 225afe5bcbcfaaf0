// Routes of operations whatever their flow: many at once, events, and what became of them.

import { refTo } from "../../flows/json-schema.ts";
import { ARRAY_BYTES_MAX, EVENT_BATCH } from "../batch.ts";
import { OUTCOMES } from "../operations.ts";
import {
  BATCH_HEADERS,
  BODY_PROBLEMS,
  header,
  json,
  OPERATION_ANSWERS,
  OPERATION_HEADERS,
  OPERATION_PROBLEMS,
  PAGE,
  query,
  READ_PROBLEMS,
  type RouteDescription,
  text,
} from "./describe.ts";

const ARRAY_BOUND = `An array has at most ${ARRAY_BYTES_MAX} bytes`;
const ANSWERS = { type: "array", items: refTo("BatchAnswer") };

export const operationRoutes: readonly RouteDescription[] = [
  {
    method: "POST",
    path: "/v1/operations",
    tag: "operations",
    summary: "Many operations",
    description: `A status for each item, in order, in the form the batch came in. ${ARRAY_BOUND}; larger batches come as lines.`,
    parameters: BATCH_HEADERS,
    body: {
      "application/json": { type: "array", items: refTo("BatchItem") },
      "application/x-ndjson": refTo("BatchItem"),
      "application/jsonl": refTo("BatchItem"),
      [EVENT_BATCH]: { type: "array", items: refTo("CloudEvent") },
    },
    answers: {
      200: {
        description: "What became of each item.",
        headers: ["Preference-Applied"],
        content: {
          "application/json": ANSWERS,
          "application/x-ndjson": refTo("BatchAnswer"),
          "application/jsonl": refTo("BatchAnswer"),
        },
      },
    },
    problems: BODY_PROBLEMS,
    accepting: true,
  },
  {
    method: "GET",
    path: "/v1/operations",
    tag: "operations",
    summary: "Operations with an outcome, newest first",
    description: "With a filter a page may be short, or empty, and still be followed by another.",
    parameters: [
      query("flow", "Only of this flow.", { type: "string" }),
      query("outcome", "Only with this outcome.", { enum: OUTCOMES }),
      ...PAGE,
    ],
    answers: { 200: json("A page.", "OperationPage") },
    problems: ["invalid_input", ...READ_PROBLEMS],
  },
  {
    method: "GET",
    path: "/v1/operations/events",
    tag: "operations",
    summary: "Operations as they get their outcomes, as server-sent events",
    description:
      "Events named `operation`, each with an OperationStatus as its data. A stream ends after 15 minutes; whoever comes back with Last-Event-ID misses nothing. Without one it begins with an id alone: the place to come back to before anything was told. Later ids alone are places further on.",
    parameters: [
      header("Last-Event-ID", "Id of the last event that was met; without it the stream begins now.", {
        type: "string",
      }),
    ],
    answers: { 200: text("The stream.", "text/event-stream") },
    problems: ["invalid_input", "too_many_streams", ...READ_PROBLEMS],
  },
  {
    method: "POST",
    path: "/v1/operations/statuses",
    tag: "operations",
    summary: "What became of many operations",
    body: { "application/json": { type: "array", items: { type: "string" }, maxItems: 1_000 } },
    answers: { 200: json("A status for each id, in order; null for an id this service never gave out.", "Statuses") },
    problems: [...BODY_PROBLEMS, ...READ_PROBLEMS],
  },
  {
    method: "GET",
    path: "/v1/operations/:id",
    tag: "operations",
    summary: "What became of an operation",
    answers: { 200: json("Its status, also before the consumer has seen it.", "OperationStatus") },
    problems: ["not_found", ...READ_PROBLEMS],
  },
  {
    method: "GET",
    path: "/v1/operations/:id/events",
    tag: "operations",
    summary: "The life of an operation, as server-sent events",
    description:
      "Events named `status`, each with an OperationStatus as its data and its state as the id: the first at once, the last when the operation is not pending any more.",
    parameters: [header("Last-Event-ID", "Id of the last event that was met.", { type: "string" })],
    answers: {
      200: text("The stream.", "text/event-stream"),
      204: { description: "The last event was met already: there is nothing to come back for.", content: {} },
    },
    problems: ["not_found", "too_many_streams", ...READ_PROBLEMS],
  },
  {
    method: "POST",
    path: "/events",
    tag: "operations",
    summary: "Events: CloudEvents 1.0 in structured, binary or batch mode, or plain JSON",
    description: `In binary mode the attributes are \`ce-\` headers and the body is the data, of any media type. A batch takes no Idempotency-Key, Tidegate-Retry or Prefer, and is answered event by event. ${ARRAY_BOUND}.`,
    parameters: OPERATION_HEADERS,
    body: {
      "application/cloudevents+json": refTo("CloudEvent"),
      [EVENT_BATCH]: { type: "array", items: refTo("CloudEvent") },
      "application/json": { anyOf: [refTo("CloudEvent"), refTo("events.record")] },
      "*/*": {},
    },
    answers: {
      200: {
        description: "It has been carried out; of a batch, what became of each event, without the headers of one.",
        headers: ["Location?", "Tidegate-Stamp?", "Preference-Applied"],
        content: { "application/json": { anyOf: [refTo("Answer"), ANSWERS] } },
      },
      202: OPERATION_ANSWERS[202],
    },
    problems: OPERATION_PROBLEMS,
    accepting: true,
  },
];
