// The OpenAPI 3.1 document, from the flows and the list of routes.
import type { ErrorCode } from "../../domain/errors.ts";
import { type Components, type JsonSchema, refTo } from "../../flows/json-schema.ts";
import { ANY_KEY, scopesOf } from "../auth.ts";
import { PROBLEMS } from "../problem.ts";
import type { Service } from "../service.ts";
import { addAnswers } from "./components.ts";
import type { RouteDescription } from "./describe.ts";
import { operationDescriptions } from "./operations.ts";
import { routesOf } from "./routes.ts";

const HEADERS = {
  Location: { description: "The operation's resource.", required: true, schema: { type: "string" } },
  "Tidegate-Stamp": { description: "The operation's stamp.", required: true, schema: { type: "string" } },
  "Preference-Applied": { description: "Which of the preferences were applied.", schema: { type: "string" } },
  "Retry-After": { description: "Seconds after which to try again.", schema: { type: "integer" } },
};

/** Describes the HTTP API of a service. */
export function openApiDocument({
  version,
  flows,
  accepts,
  keyring,
}: Pick<Service, "version" | "flows" | "accepts"> & Partial<Pick<Service, "keyring">>) {
  const components: Components = {};
  addAnswers(components);
  const described = [...operationDescriptions(flows, components), ...routesOf(flows)].filter(
    ({ accepting }) => accepts || accepting !== true,
  );
  const scopeOf = scopesOf(flows);
  const paths: { [path: string]: { [method: string]: JsonSchema } } = {};
  for (const route of described) {
    const template = templateOf(route.path);
    const guarded = keyring === undefined ? guardFromPages(route) : guard(route, scopeOf(route));
    paths[template] = { ...paths[template], [route.method.toLowerCase()]: operationOf(guarded) };
  }
  const topics = new Map(flows.map((flow) => [flow.name, `Operations of the topic ${flow.topics.join(", ")}.`]));
  const tags = [...new Set(described.map(({ tag }) => tag))];
  return {
    openapi: "3.1.0",
    info: {
      title: "Tidegate",
      version,
      description:
        "Operations go through Kafka when it is there and straight into the graph when it is not; the graph ends up the same.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: tags.map((name) => (topics.has(name) ? { name, description: topics.get(name) } : { name })),
    paths,
    components: {
      schemas: components,
      headers: HEADERS,
      ...(keyring === undefined ? {} : { securitySchemes: { apiKey: { type: "http", scheme: "bearer" } } }),
    },
  };
}

/** `/v1/sessions/:id` as `/v1/sessions/{id}`. */
export function templateOf(path: string): string {
  return path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}");
}

/** A route of a service without keys: what changes something is not for pages of other origins. */
function guardFromPages(route: RouteDescription): RouteDescription {
  if (route.method === "GET") return route;
  return { ...route, problems: [...(route.problems ?? []), "origin_not_allowed"] };
}

/** A route of a service with keys; its scope is what the specification calls a role. */
function guard(route: RouteDescription, scope: string | undefined): RouteDescription & { security: JsonSchema[] } {
  if (scope === undefined) return { ...route, security: [] };
  const needed = scope === ANY_KEY ? [] : [scope];
  const problems: ErrorCode[] = ["unauthenticated", ...(needed.length === 0 ? [] : (["forbidden"] as const))];
  return { ...route, problems: [...(route.problems ?? []), ...problems], security: [{ apiKey: needed }] };
}

function operationOf({
  method,
  path,
  tag,
  summary,
  description,
  parameters,
  body,
  bodyOptional,
  security,
  ...rest
}: RouteDescription & { readonly security?: readonly JsonSchema[] }): JsonSchema {
  const named = [...templateOf(path).matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const all = [...named, ...(parameters ?? [])];
  return {
    operationId: rest.operationId ?? `${method.toLowerCase()}${path.replace(/[^a-z]+/gi, "-")}`,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(security === undefined ? {} : { security }),
    ...(all.length === 0 ? {} : { parameters: all }),
    ...(body === undefined ? {} : { requestBody: { required: bodyOptional !== true, content: contentOf(body) } }),
    responses: { ...answersOf(rest), ...problemsOf(rest.problems ?? []) },
  };
}

function answersOf({ answers }: Pick<RouteDescription, "answers">): JsonSchema {
  const entries = Object.entries(answers).map(([status, { description, headers, content }]) => [
    status,
    { description, ...(headers === undefined ? {} : { headers: headersOf(headers) }), content: contentOf(content) },
  ]);
  return Object.fromEntries(entries);
}

/** Problems of one status share an answer, which says what codes it can have. */
function problemsOf(codes: readonly ErrorCode[]): JsonSchema {
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code].status);
  const entries = [...byStatus].map(([status, group]) => [
    String(status),
    {
      description: group.map((code) => `${PROBLEMS[code].title} (\`${code}\`).`).join(" "),
      ...([409, 429, 503].includes(status) ? { headers: headersOf(["Retry-After"]) } : {}),
      content: contentOf({
        "application/problem+json": {
          allOf: [refTo("Problem"), { type: "object", properties: { code: { enum: group } } }],
        },
      }),
    },
  ]);
  return Object.fromEntries(entries);
}

function headersOf(names: readonly string[]): JsonSchema {
  const entries = names.map((name) => {
    const optional = /^(.*)\?$/.exec(name)?.[1] as keyof typeof HEADERS | undefined;
    if (optional === undefined) return [name, { $ref: `#/components/headers/${name}` }];
    return [optional, { ...HEADERS[optional], required: false }];
  });
  return Object.fromEntries(entries);
}

function contentOf(schemas: { readonly [mediaType: string]: JsonSchema }): JsonSchema {
  return Object.fromEntries(Object.entries(schemas).map(([mediaType, schema]) => [mediaType, { schema }]));
}
