// Routes that read the graph, derived from the kinds that the flows have.

import { type Kind, pluralOf } from "../../domain/model.ts";
import type { Flow } from "../../flows/define.ts";
import type { JsonSchema } from "../../flows/json-schema.ts";
import { json, PAGE, query, type RouteDescription, WRITTEN, WRITTEN_PROBLEMS } from "./describe.ts";

const TEXT: JsonSchema = { type: "string", minLength: 1, maxLength: 1_000 };
const TIME: JsonSchema = { type: "string", format: "date-time" };
const BETWEEN = [query("from", "From this time on.", TIME), query("to", "Before this time.", TIME)];

/** A description, and the kinds without which there is no such route. */
type Needing = RouteDescription & { readonly needs?: readonly string[] };

const AROUND: readonly Needing[] = [
  {
    method: "GET",
    path: "/v1/sessions/:id/messages",
    needs: ["Session", "Message"],
    tag: "reads",
    summary: "Messages of a session, by time",
    parameters: [...PAGE, ...WRITTEN],
    answers: { 200: json("A page.", "EntityPage") },
    problems: ["not_found", ...WRITTEN_PROBLEMS],
  },
  {
    method: "GET",
    path: "/v1/users/:id/summary",
    needs: ["Summary"],
    tag: "reads",
    summary: "The newest summary of a user",
    parameters: WRITTEN,
    answers: { 200: json("The summary.", "Entity") },
    problems: ["not_found", ...WRITTEN_PROBLEMS],
  },
  {
    method: "GET",
    path: "/v1/graph/:kind/:id",
    tag: "reads",
    summary: "What lies around an entity in the graph",
    parameters: [
      query("depth", "Edges away at most.", { type: "integer", minimum: 1, maximum: 3, default: 1 }),
      ...WRITTEN,
    ],
    answers: { 200: json("Nodes and the edges between them, 200 nodes at most.", "Neighbourhood") },
    problems: ["not_found", ...WRITTEN_PROBLEMS],
  },
];

/** Describes what can be read of the kinds of these flows. */
export function readRoutesOf(flows: readonly Flow[]): readonly RouteDescription[] {
  const kinds = flows.flatMap((flow) => flow.kinds);
  const names = kinds.map(({ name }) => name);
  const around = AROUND.filter(({ needs = [] }) => needs.every((name) => names.includes(name)));
  return [
    ...names.map(describeKind),
    ...kinds.flatMap(describeSearch),
    ...around.map(({ needs: _, ...description }) => description),
  ];
}

function describeSearch({ name, search }: Kind): RouteDescription[] {
  if (search === undefined) return [];
  const plural = pluralOf(name);
  const { text, tags, ended } = search;
  const ofText = text.length === 0 ? [] : [query("text", "Words that all occur, in any order.", TEXT)];
  const list: JsonSchema = { type: "array", items: TEXT, maxItems: 20 };
  const ofTags =
    tags === undefined
      ? []
      : [
          query(
            "tags",
            "Tags that all are there; a comma list, or repeated. A comma within a tag is sent as %2C.",
            list,
          ),
        ];
  const ofState =
    ended === undefined ? [] : [query("state", "Whether they have ended.", { enum: ["active", "ended"] })];
  const order = text.length === 0 ? "the newest first" : "the best matches of a text first, else the newest";
  return [
    {
      method: "GET",
      path: `/v1/${plural}`,
      tag: "reads",
      summary: `Search ${plural}${text.length === 0 ? "," : ":"} ${order}`,
      parameters: [
        ...ofText,
        query("user", `Whose ${plural}.`, TEXT),
        ...ofTags,
        ...ofState,
        ...BETWEEN,
        ...PAGE,
        ...WRITTEN,
      ],
      answers: { 200: json("A page.", "EntityPage") },
      problems: WRITTEN_PROBLEMS,
    },
  ];
}

function describeKind(kind: string): RouteDescription {
  return {
    method: "GET",
    path: `/v1/${pluralOf(kind)}/:id`,
    tag: "reads",
    summary: `One ${kind}`,
    parameters: WRITTEN,
    answers: { 200: json(`The ${kind}.`, "Entity") },
    problems: ["not_found", ...WRITTEN_PROBLEMS],
  };
}
