// Every status and every problem code that the OpenAPI document names is provoked here, and the answer is held to what
// the document says of it. A route, a status or a code without a way to provoke it fails.

import { describe, expect, it } from "vitest";
import { writeCursor } from "../../src/app/cursor.ts";
import type { ErrorCode } from "../../src/domain/errors.ts";
import { formatStamp } from "../../src/domain/stamp.ts";
import { flows } from "../../src/flows/index.ts";
import { openApiDocument } from "../../src/http/openapi/document.ts";
import { type Described, faultsOf } from "../support/described.ts";
import { failingBroker } from "../support/failing-broker.ts";
import { type DatabaseFaults, type FailingDatabase, failingDatabase } from "../support/failing-database.ts";
import { sampleOf } from "../support/sample.ts";
import { type ServiceOptions, type ServiceUnderTest, startService } from "../support/service.ts";
import { refusingProduce } from "../support/ways.ts";

interface Media {
  readonly content: { readonly [type: string]: { readonly schema: { readonly [name: string]: unknown } } };
}

type Header = { readonly $ref: string } | { readonly required?: boolean };

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: Media;
  readonly responses: {
    readonly [status: string]: Media & { readonly headers?: { readonly [name: string]: Header } };
  };
}

const document = JSON.parse(
  JSON.stringify(openApiDocument({ version: "0.0.0-test", flows, accepts: true })),
) as Described & {
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: { readonly headers: { readonly [name: string]: { readonly required?: boolean } } };
};

/** A request as a route takes it. */
interface Call {
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Bodies of routes that are not operations of a flow, or that need something that is there; two items of a batch, so
 * that both kinds of answer are seen.
 */
const BODIES: Readonly<Record<string, unknown>> = {
  "POST /v1/operations": [
    { flow: "session", type: "create", data: { id: "b" } },
    { flow: "session", type: "create", data: { id: "" } },
  ],
  "POST /v1/operations/statuses": ["nobody"],
  "POST /v1/context-analysis/evaluate": { id: "e", thought: "t" },
  "POST /v1/parked/replay": {},
  "POST /v1/parked/discard": {},
  "POST /v1/parked/{topic}/{partition}/{offset}/replay": {},
  "POST /v1/parked/{topic}/{partition}/{offset}/discard": {},
  "POST /events": { specversion: "1.0", id: "e", source: "/tests", type: "t" },
};

/** What stands for the parameters of a path when the thing is there. */
const THERE: Readonly<Record<string, readonly string[] | ((made: Made) => readonly string[])>> = {
  "/v1/operations/{id}": ({ operationId }) => [operationId],
  "/v1/operations/{id}/events": ({ operationId }) => [operationId],
  "/v1/sessions/{id}": ["s"],
  "/v1/sessions/{id}/messages": ["s"],
  "/v1/messages/{id}": ["m"],
  "/v1/summaries/{id}": ["sum"],
  "/v1/thoughts/{id}": ["t"],
  "/v1/evaluations/{id}": ["ev"],
  "/v1/memories/{id}": ["k"],
  "/v1/activities/{id}": ["a"],
  "/v1/actions/{id}": ["act"],
  "/v1/events/{id}": ["%2Ftests/e"],
  "/v1/users/{id}/summary": ["u"],
  "/v1/graph/{kind}/{id}": ["Session", "s"],
  "/v1/parked/{topic}/{partition}/{offset}": ({ record }) => record,
  "/v1/parked/{topic}/{partition}/{offset}/replay": ({ record }) => record,
  "/v1/parked/{topic}/{partition}/{offset}/discard": ({ record }) => record,
  "/docs/assets/{name}": ["pages.css"],
  "/problems/{code}": ["not_found"],
};

type Seed = readonly [path: string, data: object];

/** What a service holds before it is called: what comes first, and what rests on that. */
const FIRST: readonly Seed[] = [
  ["/v1/session/create", { id: "s", user: "u" }],
  ["/v1/chat-messages/create", { id: "m", session: "s", user: "u", content: "c" }],
  ["/v1/memory/create", { id: "k", user: "u", content: "c" }],
  ["/v1/activity/create", { id: "a", name: "n", session: "s" }],
  ["/v1/action/execute", { id: "act", webhook: "echo", activity: "a" }],
  ["/v1/summarization/generate", { id: "sum", user: "u" }],
  ["/v1/context-analysis/analyze", { id: "t", session: "s" }],
  ["/events", { specversion: "1.0", id: "e", source: "/tests", type: "t", about: { kind: "Session", id: "s" } }],
];
const THEN: readonly Seed[] = [
  ["/v1/context-analysis/evaluate", { id: "ev", thought: "t" }],
  ["/v1/memory/query", { user: "u" }],
];

/** What a service holds before it is called. */
interface Made {
  /** Of the query, which shows most. */
  readonly operationId: string;
  /** Coordinates of a parked record. */
  readonly record: readonly string[];
  /** The last operation, which nobody has applied. */
  readonly pending: string;
}

const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    path,
    method: method.toUpperCase(),
    operation,
  })),
);
type Route = (typeof routes)[number];

/** The body a route takes, with this text wherever a text is free. */
function bodyOf({ name, operation }: Route, text: string): unknown {
  const body = BODIES[name];
  const schema = document.components.schemas[operation.operationId];
  if (body === undefined && schema !== undefined) return sampleOf(document, schema, text);
  if (name === "POST /events") return { ...(body as object), type: text };
  return schema === undefined ? body : { ...(body as object), id: text };
}

function callOf(route: Route, made: Made, text = "x"): Call {
  const there = THERE[route.path];
  const values = typeof there === "function" ? there(made) : (there ?? []);
  const path = values.reduce((rest, value) => rest.replace(/\{\w+\}/, encodeURIComponent(value)), route.path);
  if (path.includes("{")) throw new Error(`Say what is there at ${route.path}`);
  return { path, body: bodyOf(route, text) };
}

const DIRECT: ServiceOptions = { env: { ENABLE_KAFKA: "false" } };
/** Carries out what it cannot queue, and refuses nothing for want of its entity. */
const FALLBACK: ServiceOptions = { env: { USE_KAFKA: "true" }, broker: refusingProduce() };
const KAFKA: ServiceOptions = { env: { USE_KAFKA: "true" } };
const SMALL: ServiceOptions = { env: { BODY_BYTES_MAX: "1024", BATCH_BYTES_MAX: "1024" } };

/** A service with something of every kind in it where a route needs that, and a database that can be told to fail. */
async function start(options: ServiceOptions, { path, method }: Route) {
  let failing: FailingDatabase | undefined;
  const service = await startService({
    ...options,
    database: (database) => {
      failing = failingDatabase(database);
      return failing;
    },
  });
  // First of all: refused produces keep some of these services from reading.
  await service.gateway.broker.produce([{ topic: "session-operations", key: "k", value: "oops" }]);
  await service.tickToRest();
  let last = "";
  const isSeeded = path.startsWith("/v1/") && (method === "GET" || path.includes("{") || path.endsWith("/evaluate"));
  for (const seeds of isSeeded ? [FIRST, THEN] : []) {
    for (const [to, data] of seeds) last = (await service.post(to, data)).body.id;
    await service.tickToRest();
  }
  const [parked] = (await service.database.listParked({}, "", 1)).rows;
  const pending = (await service.post("/v1/session/update", { id: "s", title: "new" })).body.id;
  const made: Made = { operationId: last, record: parked?.key.split("/") ?? [], pending };
  /** What has to end before the service does. */
  const ends: (() => Promise<void>)[] = [];
  return { service, faults: failing!.faults as DatabaseFaults, made, ends };
}

function send(service: ServiceUnderTest, method: string, { path, body, headers }: Call): Promise<Response> {
  if (method === "GET") return service.request(path, { headers: { ...headers } });
  const text = typeof body === "string" ? body : JSON.stringify(body ?? {});
  return service.request(path, {
    method,
    body: text,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** Starts a service, does something to it and to the call a route takes, and sends the call. */
function provoking(
  options: ServiceOptions,
  change: (call: Call, kit: Awaited<ReturnType<typeof start>>, route: Route) => Call | Promise<Call> = (call) => call,
) {
  return async (route: Route): Promise<Response> => {
    const kit = await start(options, route);
    await using _ = kit.service;
    await using _ends = { [Symbol.asyncDispose]: async () => void (await Promise.all(kit.ends.map((end) => end()))) };
    const response = await send(kit.service, route.method, await change(callOf(route, kit.made), kit, route));
    if (response.body === null) return response;
    return new Response(isStream(response) ? await firstEvent(response) : await response.arrayBuffer(), response);
  };
}

const isStream = (response: Response): boolean => response.headers.get("content-type") === "text/event-stream";

/** The first event of a stream, which is left then. */
async function firstEvent(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.includes("\n\n")) break;
  }
  return text.slice(0, text.indexOf("\n\n") + 1);
}

/** A request that asks in vain for something that it names in its parameters. */
function faultyQuery({ path }: Call, { operation }: Route): Call {
  const has = (name: string): boolean => (operation.parameters ?? []).some((parameter) => parameter.name === name);
  if (has("Last-Event-ID")) return { path, headers: { "last-event-id": "nothing" } };
  return { path: `${path}?${has("limit") ? "limit=0" : "after=nobody"}` };
}

/** How each problem comes about. A call that a route needs otherwise stands under its name. */
const PROBLEMS: { readonly [code in ErrorCode]?: (route: Route) => Promise<Response> } = {
  malformed: provoking({}, (call) => ({ ...call, body: "{" })),
  unsupported_media_type: provoking({}, (call) => ({ ...call, headers: { "content-type": "text/plain" } })),
  payload_too_large: provoking(SMALL, (call) => ({ ...call, body: JSON.stringify("x".repeat(2_000)) })),
  invalid_input: provoking({}, (call, _, route) =>
    route.method === "GET" ? faultyQuery(call, route) : { ...call, body: JSON.stringify("not what is taken") },
  ),
  not_yet_applied: provoking(KAFKA, (call, { made }) => ({
    path: `${call.path}?after=${made.pending}`,
    headers: { prefer: "wait=0" },
  })),
  too_many_streams: provoking({}, async (call, { service, ends }) => {
    for (let i = 0; i < 200; i++) {
      const { status, body } = await service.request("/v1/operations/events");
      expect(status).toBe(200);
      const reader = body!.getReader();
      void reader.read();
      ends.push(() => reader.cancel());
    }
    return call;
  }),
  stamp_ahead: provoking({}, (call) => {
    const stamp = formatStamp(Date.now() + 120_000, 0, "0".repeat(16));
    return { ...call, headers: { "tidegate-after": stamp } };
  }),
  idempotency_mismatch: provoking({}, async (call, { service, made }, route) => {
    const headers = { "idempotency-key": "k" };
    expect((await send(service, route.method, { ...call, headers })).status).toBeLessThan(300);
    return { ...callOf(route, made, "y"), headers };
  }),
  decision_pending: provoking(KAFKA, async (call, { service }, { path }) => {
    const other = path.endsWith("/discard") ? "replay" : "discard";
    expect((await service.post(call.path.replace(/[^/]+$/, other), {})).status).toBe(202);
    return call;
  }),
  clock_skew: provoking({ nowMs: () => Date.now() + 31_000 }, async (call, { service }) => {
    await service.composed.vitals.compareClocks();
    return call;
  }),
  nothing_accepted: provoking(DIRECT, (call, { faults }) => {
    faults.readOnly = true;
    return call;
  }),
  outcome_unknown: provoking(DIRECT, (call, { faults }) => {
    faults.answersLost = true;
    return call;
  }),
  not_found: provoking(DIRECT, (call, _, { path }) => ({ ...call, path: path.replaceAll(/\{\w+\}/g, "nobody") })),
  graph_unavailable: provoking({}, (call, { faults }) => {
    faults.down = true;
    return call;
  }),
  origin_not_allowed: provoking({}, (call) => ({ ...call, headers: { origin: "https://elsewhere.example" } })),
  internal: provoking(DIRECT, (call, { faults }) => {
    faults.unforeseen = true;
    return call;
  }),
};

const carriedOut = provoking(FALLBACK);
const queued = provoking(KAFKA, ({ path, body }) => ({
  path,
  body,
  headers: path === "/v1/operations/events" ? { "last-event-id": writeCursor(JSON.stringify([0, ""])) } : {},
}));

/** How the answers that are not problems come about, by status; 503 is a report that something is wrong. */
const ANSWERS: { readonly [status: string]: (route: Route) => Promise<Response> } = {
  200: (route) => (route.operation.responses[202] === undefined ? queued(route) : carriedOut(route)),
  202: (route) => queued(route),
  204: provoking(DIRECT, (call) => ({ ...call, headers: { "last-event-id": "applied" } })),
  503: provoking({ broker: failingBroker }, (call, { faults }) => {
    faults.down = true;
    return call;
  }),
};

/** What the document says a route can answer: statuses, or codes of problems. */
function promisesOf({ operation }: Route): { status: number; what: string; code?: ErrorCode }[] {
  return Object.entries(operation.responses).flatMap(([status, { content }]) => {
    const codes = codesOf(content["application/problem+json"]?.schema);
    return codes === undefined
      ? [{ status: Number(status), what: "" }]
      : codes.map((code) => ({ status: Number(status), what: code, code }));
  });
}

function codesOf(schema: { readonly [name: string]: unknown } | undefined): ErrorCode[] | undefined {
  const [, narrowed] = (schema?.allOf ?? []) as { properties: { code: { enum: ErrorCode[] } } }[];
  return narrowed?.properties.code.enum;
}

describe.each(routes)("$name", (route) => {
  const promises = promisesOf(route);
  it("promises something", () => expect(promises.length).toBeGreaterThan(0));

  it.each(promises)("answers $status $what as it is described", async ({ status, code }) => {
    const provoke = code === undefined ? ANSWERS[status] : PROBLEMS[code];
    if (provoke === undefined) throw new Error(`There is no way here to provoke ${code ?? status}`);
    const response = await provoke(route);
    const described = route.operation.responses[status]!;
    const text = await response.text();
    expect(response.status, text.slice(0, 500)).toBe(status);
    const type = response.headers.get("content-type")?.split(";")[0];
    expect(Object.keys(described.content)).toEqual(type === undefined ? [] : expect.arrayContaining([type]));
    if (type === undefined) return expect(text).toBe("");
    if (code !== undefined) expect(JSON.parse(text).code).toBe(code);
    if (code === undefined)
      for (const name of requiredHeaders(described)) expect(response.headers.has(name)).toBe(true);
    if (type === "text/event-stream") expectStatus(text);
    if (type !== "application/json" && type !== "application/problem+json") return;
    const faults = faultsOf(document, described.content[type]!.schema, JSON.parse(text), {
      closed: code === undefined,
    });
    expect(faults).toEqual([]);
  });
});

it("promises no header of one event of a batch's answer", () => {
  const { responses } = document.paths["/events"]!.post!;
  expect([requiredHeaders(responses[200]!), requiredHeaders(responses[202]!)]).toEqual([
    [],
    ["Location", "Tidegate-Stamp"],
  ]);
});

/** Headers that an answer has without fail. */
function requiredHeaders({ headers }: Operation["responses"][string]): string[] {
  const isRequired = (header: Header) =>
    "$ref" in header ? document.components.headers[header.$ref.split("/").at(-1)!]!.required : header.required;
  return Object.keys(headers ?? {}).filter((name) => isRequired(headers![name]!));
}

/** Holds an event of a stream to what the document says of it. */
function expectStatus(event: string): void {
  expect(event).toMatch(/^event: (operation|status)\nid: \S+\ndata: \{.*\}\n$/);
  const status = JSON.parse(event.slice(event.indexOf("data: ") + 6));
  const schema = { $ref: "#/components/schemas/OperationStatus" };
  expect(faultsOf(document, schema, status, { closed: true })).toEqual([]);
}

it("knows no route that is not described", () => {
  const names = routes.map(({ name }) => name);
  expect(Object.keys(BODIES).filter((name) => !names.includes(name))).toEqual([]);
  expect(Object.keys(THERE).filter((path) => document.paths[path] === undefined)).toEqual([]);
});
