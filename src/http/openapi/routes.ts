// Every route that is not an operation of a flow. A route of the application that is missing here fails a test, and so
// does a line here without its route.
import type { Flow } from "../../flows/define.ts";
import { refTo } from "../../flows/json-schema.ts";
import { json, query, READ_PROBLEMS, type RouteDescription, text } from "./describe.ts";
import { operationRoutes } from "./routes-operations.ts";
import { parkedRoutes } from "./routes-parked.ts";
import { readRoutesOf } from "./routes-reads.ts";

const OPERATORS: readonly RouteDescription[] = [
  {
    method: "GET",
    path: "/livez",
    tag: "operators",
    summary: "Whether the process answers",
    answers: { 200: text("It does.", "text/plain") },
  },
  {
    method: "GET",
    path: "/readyz",
    tag: "operators",
    summary: "Whether the service can do its work; true while Kafka is down, since the fallback works",
    answers: { 200: json("It can.", "Ready"), 503: json("It cannot, and why.", "Ready") },
  },
  {
    method: "GET",
    path: "/health",
    tag: "operators",
    summary: "The whole report",
    answers: { 200: json("Ready.", "Health"), 503: json("Not ready.", "Health") },
  },
  {
    method: "GET",
    path: "/health/kafka",
    tag: "operators",
    summary: "Kafka as this process sees it",
    answers: { 200: json("All is well.", "KafkaHealth"), 503: json("Something is not.", "KafkaHealth") },
  },
  {
    method: "GET",
    path: "/metrics",
    tag: "operators",
    summary: "The metrics in the text format of Prometheus",
    answers: { 200: text("Every metric that is known now.", "text/plain") },
  },
  {
    method: "POST",
    path: "/v1/tick",
    tag: "operators",
    summary: "One bounded pass of the consumer",
    answers: { 200: json("What it did, and what it could not do.", "TickReport") },
  },
  {
    method: "GET",
    path: "/v1/check",
    tag: "operators",
    summary: "The accounting: every record and every operation has its place",
    answers: { 200: json("The accounts, and whether they close.", "Check") },
    problems: READ_PROBLEMS,
  },
  {
    method: "GET",
    path: "/v1/dump",
    tag: "operators",
    summary: "The graph as canonical JSON Lines",
    parameters: [query("registers", "`true` shows every register instead of what readers see.", { type: "boolean" })],
    answers: { 200: text("The dump, as a stream.", "application/x-ndjson") },
    problems: READ_PROBLEMS,
  },
];

const DOCUMENTS: readonly RouteDescription[] = [
  {
    method: "GET",
    path: "/openapi.json",
    tag: "documents",
    summary: "This document",
    answers: { 200: json("OpenAPI 3.1.", "Document") },
  },
  {
    method: "GET",
    path: "/asyncapi.json",
    tag: "documents",
    summary: "The topics and their records",
    answers: { 200: json("AsyncAPI 3.1.", "Document") },
  },
  {
    method: "GET",
    path: "/",
    tag: "documents",
    summary: "Whether the service is ready, what it takes, and where to read on",
    answers: {
      200: {
        description: "As a page or as JSON.",
        content: { "text/html": { type: "string" }, "application/json": refTo("Home") },
      },
    },
  },
  {
    method: "GET",
    path: "/docs",
    tag: "documents",
    summary: "This document as a page",
    answers: { 200: text("The page.", "text/html") },
  },
  {
    method: "GET",
    path: "/docs/assets/:name",
    tag: "documents",
    summary: "Scripts and styles of the pages",
    answers: {
      200: {
        description: "The file.",
        content: { "text/css": { type: "string" }, "text/javascript": { type: "string" } },
      },
    },
    problems: ["not_found"],
  },
  {
    method: "GET",
    path: "/problems",
    tag: "documents",
    summary: "Every problem the service can answer",
    answers: {
      200: {
        description: "The list, as a page or as JSON.",
        content: { "text/html": { type: "string" }, "application/json": refTo("ProblemList") },
      },
    },
  },
  {
    method: "GET",
    path: "/problems/:code",
    tag: "documents",
    summary: "One problem: its cause and what to do",
    answers: {
      200: {
        description: "The explanation, as a page or as JSON.",
        content: { "text/html": { type: "string" }, "application/json": refTo("ProblemPage") },
      },
    },
    problems: ["not_found"],
  },
];

/** Describes the routes of a service with these flows. */
export function routesOf(flows: readonly Flow[]): readonly RouteDescription[] {
  return [...operationRoutes, ...readRoutesOf(flows), ...parkedRoutes, ...OPERATORS, ...DOCUMENTS];
}
