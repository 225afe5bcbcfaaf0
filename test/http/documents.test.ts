// The OpenAPI and AsyncAPI documents: valid by their specifications, and about this very service.
import { type Diagnostic, Parser } from "@asyncapi/parser";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { clientTypes } from "../../src/app/intake.ts";
import { configureFlows } from "../../src/flows/configure.ts";
import { defineFlow, type Flow } from "../../src/flows/define.ts";
import { flows } from "../../src/flows/index.ts";
import { asyncApiDocument } from "../../src/http/asyncapi.ts";
import { openApiDocument, templateOf } from "../../src/http/openapi/document.ts";
import { PROBLEMS } from "../../src/http/problem.ts";
import type { Keyring } from "../../src/http/service.ts";
import { faultsOf } from "../support/described.ts";
import { sampleOf } from "../support/sample.ts";
import { type ServiceUnderTest, startService } from "../support/service.ts";

const VERSION = "0.0.0-test";
const openApi = (list: readonly Flow[] = flows, accepts = true, keyring?: Keyring) =>
  openApiDocument({ version: VERSION, flows: list, accepts, keyring });
const asyncApi = (list: readonly Flow[] = flows) => asyncApiDocument({ version: VERSION, flows: list });

/** A flow with a type of the service's own, and two data schemas that are recursive in different ways. */
const tree: z.ZodType = z.lazy(() => z.strictObject({ name: z.string(), children: z.array(tree) }));
const inner = defineFlow({
  name: "inner",
  topic: "inner-requests",
  switch: { variable: "KAFKA_INNER", followsGlobal: true },
  kind: { name: "Inner", implicit: false, references: [], order: [] },
  types: {
    ask: { version: 1, input: z.strictObject({ id: z.string(), tree, free: z.json() }), changes: () => [] },
    answered: {
      version: 2,
      input: z.strictObject({ id: z.string(), free: z.json() }),
      internal: true,
      changes: () => [],
    },
  },
});

describe("GET /openapi.json", () => {
  it.each([
    ["the flows of the product", flows, true],
    ["other flows", [...flows, inner], true],
    ["a process that takes no operations", flows, false],
    ["a service with API keys", flows, true, () => undefined],
  ])("is valid OpenAPI 3.1 for %s", async (_, list, accepts, keyring?: Keyring) => {
    const document = JSON.parse(JSON.stringify(openApi(list, accepts, keyring)));
    const validator = new Validator();
    expect(await validator.validate(document)).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
    expect(unresolved(document)).toEqual([]);
    const ids = Object.values<object>(document.paths).flatMap((item) => Object.values(item).map((o) => o.operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(["all", "consumer"])("names every route of a process with ROLE=%s, and no other", async (ROLE) => {
    await using service = await startService({ env: { ROLE } });
    const { paths } = (await service.get("/openapi.json")).body as unknown as ReturnType<typeof openApi>;
    const described = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routed = service.app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${templateOf(path)}`);
    expect(routed.length).toBeGreaterThan(30);
    expect(described.sort()).toEqual(routed.sort());
  });

  it("leaves out what only the service itself may make", () => {
    const { paths, components } = openApi([inner]);
    expect(Object.keys(paths).filter((path) => path.startsWith("/v1/inner/"))).toEqual(["/v1/inner/ask"]);
    expect(components.schemas["inner.answered"]).toBeUndefined();
  });

  it("keeps recursive schemas apart, and says of an update that it names a field", () => {
    const document = openApi([...flows, inner]);
    const faults = (name: string, value: unknown) =>
      faultsOf(document, { $ref: `#/components/schemas/${name}` }, value);
    const branch = { name: "a", children: [{ name: "b", children: [] }] };
    expect(faults("inner.ask", { id: "i", tree: branch, free: [{ a: null }] })).toEqual([]);
    expect(faults("inner.ask", { id: "i", tree: { name: "a", children: [1] }, free: 1 })).toHaveLength(1);
    expect(faults("session.update", { id: "s" })).toHaveLength(1);
    expect(faults("session.update", { id: "s", title: null })).toEqual([]);
  });

  it.each(flows)("takes of $name what the service takes", async (flow) => {
    await using service = await startService();
    const document = openApi();
    expect(clientTypes(flow).length).toBeGreaterThan(0);
    for (const type of clientTypes(flow)) {
      const sample = sampleOf(document, document.components.schemas[`${flow.name}.${type}`], "x");
      expect((await service.post(`/v1/${flow.name}/${type}`, sample)).status, type).toBeLessThan(300);
    }
  });

  it("says of a summary and of an analysis that they name one thing", () => {
    const document = openApi();
    for (const [name, other] of [
      ["summarization.generate", "user"],
      ["context-analysis.analyze", "message"],
    ] as const) {
      const schema = { $ref: `#/components/schemas/${name}` };
      for (const good of [{ session: "s" }, { [other]: "o" }, { id: "i", session: "s" }])
        expect(faultsOf(document, schema, good)).toEqual([]);
      for (const bad of [{}, { id: "i" }, { session: "s", [other]: "o" }])
        expect(faultsOf(document, schema, bad), JSON.stringify(bad)).toHaveLength(1);
    }
  });

  it("names the parameters that lists and reads take, and what they take", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false" } });
    const { body: made } = await service.post("/v1/session/create", { id: "s", user: "u" });
    const samples: { readonly [name: string]: string } = {
      limit: "7",
      cursor: "",
      after: made.id,
      flow: "session",
      from: "2026-01-01T00:00:00%2B01:00",
      to: "2026-01-01T00:00:00Z",
      registers: "true",
    };
    const paths = openApi().paths as { [path: string]: { get?: { parameters?: Parameter[] } } };
    const asked = Object.entries(paths).flatMap(([path, { get }]) => {
      const given = (get?.parameters ?? []).filter((parameter) => parameter.in === "query");
      const value = ({ name, schema }: Parameter) => samples[name] ?? schema.enum?.[0] ?? schema.minimum ?? "x";
      const query = given.map((parameter) => `${parameter.name}=${value(parameter)}`).join("&");
      const ours = path.replace(/^\/v1\/(sessions|graph\/\{kind\})\/\{id\}/, "/v1/$1/s").replace("{kind}", "Session");
      return query === "" || ours.includes("{") ? [] : [`${ours}?${query}`];
    });
    expect(asked.length).toBeGreaterThanOrEqual(8);
    for (const address of asked) expect((await service.request(address)).status, address).toBe(200);
    for (const path of ["/v1/memories", "/v1/sessions", "/v1/parked"])
      expect((await service.get(`${path}?colour=red`)).body.errors).toMatchObject([{ pointer: "#/colour" }]);
  });

  it("has every problem code in its schema of problems", () => {
    const { code } = openApi().components.schemas.Problem!.properties as { code: { enum: string[] } };
    expect(code.enum.sort()).toEqual(Object.keys(PROBLEMS).sort());
  });
});

describe("GET /asyncapi.json", () => {
  it.each([
    ["the flows of the product", flows],
    ["other flows", [...flows, inner]],
  ])("is valid AsyncAPI 3.1 for %s", async (_, list) => {
    const text = JSON.stringify(asyncApi(list));
    const { document, diagnostics } = await new Parser().parse(text);
    expect(diagnostics.map(({ message, path }: Diagnostic) => `${path.join("/")}: ${message}`)).toEqual([]);
    expect(document?.version()).toBe("3.1.0");
    expect(document?.channels().all()).toHaveLength(new Set(list.map(({ topic }) => topic)).size);
    expect(unresolved(JSON.parse(text))).toEqual([]);
  });

  it("has a channel for every topic, with a message for every type and both directions", () => {
    const { channels, operations, components } = asyncApi([...flows, inner]);
    for (const { name, topic, types } of [...flows, inner]) {
      const held = Object.keys(channels[topic]!.messages as object);
      expect(held).toEqual(Object.keys(types).map((type) => `${name}.${type}`));
      expect(channels[topic]).toMatchObject({ address: topic, bindings: { kafka: { topic } } });
      expect(operations[`send.${topic}`]).toMatchObject({ action: "send" });
      expect(operations[`receive.${topic}`]).toMatchObject({ action: "receive" });
    }
    expect(components.messages["inner.answered"]!.summary).toContain("Made by the service itself");
    expect(components.messages["inner.ask"]!.summary).not.toContain("itself");
    expect(components.messages["inner.discarded"]!.summary).toContain("parked record");
    expect(components.messages["context-analysis.evaluate"]!.summary).toContain("Evaluation");
    expect(components.messages["memory.query"]!.summary).toContain("only asks");
  });

  it("has a channel for every topic that a configuration adds", () => {
    const eventTopics = [{ pattern: "order.*", topic: "orders" }];
    const { channels, operations } = asyncApi(configureFlows(flows, { eventTopics, partitionBy: new Map() }));
    expect(Object.keys(channels)).toEqual([...flows.map(({ topic }) => topic), "orders"]);
    expect(channels.orders!.messages).toEqual(channels.events!.messages);
    expect(operations["receive.orders"]).toMatchObject({ channel: { $ref: "#/channels/orders" } });
  });

  it.each(flows)("describes the records of $name as they lie in its topic", async (flow) => {
    await using service = await startService({ env: { USE_KAFKA: "true" }, partitions: 1 });
    const served = (await service.get("/asyncapi.json")).body as unknown as ReturnType<typeof asyncApi>;
    const document = openApi();
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (const type of clientTypes(flow)) {
      const sample = sampleOf(document, document.components.schemas[`${flow.name}.${type}`], "x");
      expect((await service.post(`/v1/${flow.name}/${type}`, sample, { traceparent })).status).toBe(202);
    }
    // What the service makes itself: decisions about records that are parked, and results.
    const [sent] = await recordsOf(service, flow);
    const oops = ["replay", "replay", "discard"].map(() => ({ topic: flow.topic, key: "k", value: "oops" }));
    await service.gateway.broker.produce(oops);
    await service.tickToRest();
    const { items } = (await service.get("/v1/parked")).body as unknown as { items: { record: string }[] };
    const [replayed, edited, discarded] = items.map(({ record }) => `/v1/parked/${record}`);
    expect((await service.post(`${replayed}/replay`, {})).status).toBe(202);
    expect((await service.post(`${edited}/replay`, { value: sent })).status).toBe(202);
    expect((await service.post(`${discarded}/discard`, {})).status).toBe(202);
    if (flow.name === "context-analysis") await judge(service);
    await service.composed.canary.send();
    await service.tickToRest();
    const found = await recordsOf(service, flow);
    const met = new Set(found.map(({ type }) => type));
    expect([...met].toSorted()).toEqual(
      Object.keys(flow.types)
        .map((type) => `tidegate.${flow.name}.${type}`)
        .toSorted(),
    );
    for (const record of found) {
      const name = record.type.slice("tidegate.".length);
      const { payload } = served.components.messages[name]!;
      expect(payload).toEqual({ $ref: `#/components/schemas/${name}` });
      expect(faultsOf(served, payload, record, { closed: true }), name).toEqual([]);
      expect(faultsOf(served, payload, { ...record, id: 1 }), name).toHaveLength(1);
    }
  });
});

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: { readonly enum?: readonly string[]; readonly minimum?: number };
}

/** An evaluation that has its result: one of a thought that is there. */
async function judge(service: ServiceUnderTest): Promise<void> {
  await service.post("/v1/session/create", { id: "talk" });
  await service.post("/v1/context-analysis/analyze", { id: "thought", session: "talk" });
  await service.tickToRest();
  await service.post("/v1/context-analysis/evaluate", { thought: "thought" });
}

/** The records in a flow's only partition, those that are none of ours left out. */
async function recordsOf({ gateway }: ServiceUnderTest, { topic }: Flow) {
  const bounds = { waitMs: 0, bytesMax: 1e6, recordsMax: 100 };
  const [read] = await gateway.broker.read([{ topic, partition: 0, offset: 0 }], bounds);
  return read!.records
    .map(({ value }) => new TextDecoder().decode(value!))
    .filter((text) => text !== "oops")
    .map((text) => JSON.parse(text) as { readonly type: string; readonly [name: string]: unknown });
}

/** References of a document that lead nowhere. */
function unresolved(document: object): string[] {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path!);
  expect(references.length).toBeGreaterThan(10);
  const at = (path: string): unknown =>
    path
      .split("/")
      .reduce<unknown>((value, part) => (value as { [name: string]: unknown } | undefined)?.[part], document);
  return references.filter((path) => at(path) === undefined);
}
