// Routes of parked records, the dead letter queue.
import { refTo } from "../../flows/json-schema.ts";
import {
  BODY_PROBLEMS,
  json,
  OPERATION_ANSWERS,
  PAGE,
  query,
  READ_PROBLEMS,
  type RouteDescription,
} from "./describe.ts";

const ONE = "/v1/parked/:topic/:partition/:offset";

const FILTER = ["flow", "topic", "reason"].map((name) =>
  query(name, `Only of this ${name}.`, { type: "string", minLength: 1, maxLength: 300 }),
);

/** A decision is an operation too. */
const decideOne = (verb: "replay" | "discard", summary: string, component: string): RouteDescription => ({
  method: "POST",
  path: `${ONE}/${verb}`,
  tag: "parked",
  summary,
  description:
    "The decision is an operation in the record's own topic; ticks carry it out. Until then no other is taken, whichever tenant's operator makes it.",
  body: { "application/json": refTo(component) },
  bodyOptional: true,
  answers: OPERATION_ANSWERS,
  problems: [
    "not_found",
    ...BODY_PROBLEMS,
    "decision_pending",
    "clock_skew",
    "nothing_accepted",
    "outcome_unknown",
    ...READ_PROBLEMS,
  ],
});

const decideMany = (verb: "replay" | "discard", summary: string): RouteDescription => ({
  method: "POST",
  path: `/v1/parked/${verb}`,
  tag: "parked",
  summary,
  body: { "application/json": refTo("Decide") },
  bodyOptional: true,
  answers: { 200: json("How many there are, and what was decided.", "Decided") },
  problems: [...BODY_PROBLEMS, ...READ_PROBLEMS],
});

export const parkedRoutes: readonly RouteDescription[] = [
  {
    method: "GET",
    path: "/v1/parked",
    tag: "parked",
    summary: "Parked records, newest first",
    parameters: [...FILTER, ...PAGE],
    answers: { 200: json("A page.", "ParkedPage") },
    problems: ["invalid_input", ...READ_PROBLEMS],
  },
  decideMany("replay", "Replay the parked records that match"),
  decideMany("discard", "Discard the parked records that match"),
  {
    method: "GET",
    path: ONE,
    tag: "parked",
    summary: "One parked record with its value",
    answers: { 200: json("The record.", "InspectedRecord") },
    problems: ["not_found", ...READ_PROBLEMS],
  },
  decideOne("replay", "Replay a parked record, as it is or edited", "Edit"),
  decideOne("discard", "Discard a parked record", "Nothing"),
];
