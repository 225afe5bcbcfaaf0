// API keys: without one nothing but probes is answered, with one what its scopes allow, and never another tenant's.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SCOPES } from "../../src/domain/principal.ts";
import { flows } from "../../src/flows/index.ts";
import { type openApiDocument, templateOf } from "../../src/http/openapi/document.ts";
import { apiKeys, bearer, keyOf } from "../support/keys.ts";
import { expectProblem, readProblem } from "../support/problem.ts";
import { type Answered, read, type ServiceUnderTest, startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";

/** A key for each sort of scope, all of one tenant. */
const SORTS = ["memory:create", "memory:*", "events:record", "operations:*", "read", "admin"] as const;
const OF_EACH_SORT = { API_KEYS: apiKeys(Object.fromEntries(SORTS.map((scope) => [scope, ["acme", scope] as const]))) };

const OPEN = ["/", "/livez", "/readyz", "/problems", "/docs", "/openapi.json", "/asyncapi.json"];
const isOpen = (path: string): boolean => OPEN.some((open) => path === open || path.startsWith(`${open}/`));

/** Which of the keys a route lets in: written down here once more, route by route. */
function allowedAt(method: string, path: string): readonly string[] {
  const [, version, flow, type] = path.split("/");
  if (path === "/events") return ["events:record", "operations:*", "admin"];
  if (flow === "operations") return method === "GET" && type?.startsWith(":") !== true ? ["read", "admin"] : SORTS;
  if (method === "GET" && version === "v1" && !["check", "dump", "parked"].includes(flow!)) return ["read", "admin"];
  if (method === "POST" && flows.some(({ name, types }) => name === flow && Object.hasOwn(types, type ?? ""))) {
    const own = flow === "memory" ? ["memory:*", ...(type === "create" ? ["memory:create"] : [])] : [];
    return [...own, ...(flow === "events" ? ["events:record"] : []), "operations:*", "admin"];
  }
  return ["admin"];
}

/** Every route of the service, with something in the place of its parameters. */
function routesOf({ app }: ServiceUnderTest): { method: string; path: string; url: string }[] {
  return app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => ({ method, path, url: path.replace(/:\w+|\*/g, "x") }));
}

/** What the API description says of a route. */
async function describedBy(service: ServiceUnderTest) {
  const { paths } = (await service.get("/openapi.json")).body as unknown as ReturnType<typeof openApiDocument>;
  type Described = { readonly security: unknown; readonly responses: { readonly [status: string]: unknown } };
  return ({ method, path }: { method: string; path: string }): Described =>
    paths[templateOf(path)]![method.toLowerCase()] as unknown as Described;
}

async function call(
  service: ServiceUnderTest,
  { method, url }: { method: string; url: string },
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const body = method === "POST" ? { body: "{}" } : {};
  return service.request(url, { method, headers: { "content-type": "application/json", ...headers }, ...body });
}

const postAs = (service: ServiceUnderTest, name: string, path: string, data: unknown, headers = {}) =>
  service.post(path, data, { ...headers, ...bearer(name) });
const getAs = async (service: ServiceUnderTest, name: string, path: string): Promise<Answered> =>
  read(await service.request(path, { headers: bearer(name) }));

describe("a service with API keys", () => {
  it("answers no route but the open ones without a key, or with a key of nobody", async () => {
    await using service = await startService({ env: OF_EACH_SORT });
    const routes = routesOf(service);
    const described = await describedBy(service);
    expect(routes.length).toBeGreaterThan(20);
    for (const route of routes) {
      for (const headers of [{}, bearer("nobody")]) {
        const response = await call(service, route, headers);
        if (isOpen(route.path)) expect(response.status, route.path).not.toBe(401);
        else {
          expect(response.headers.get("www-authenticate"), route.path).toBe('Bearer realm="tidegate"');
          await readProblem(response, "unauthenticated");
        }
        expect(Object.hasOwn(described(route).responses, "401"), route.path).toBe(!isOpen(route.path));
      }
    }
    expect(routes.filter(({ path }) => isOpen(path)).length).toBeGreaterThanOrEqual(2);
  });

  it("lets each key use the routes of its scopes, and names what a key lacks for the others", async () => {
    await using service = await startService({ env: OF_EACH_SORT });
    const described = await describedBy(service);
    for (const route of routesOf(service).filter(({ path }) => !isOpen(path))) {
      const allowed = allowedAt(route.method, route.path);
      const { security, responses } = described(route);
      expect(Object.hasOwn(responses, "403"), route.path).toBe(allowed !== SORTS);
      for (const name of SORTS) {
        const response = await call(service, route, bearer(name));
        const what = `${route.method} ${route.path} with ${name}`;
        if (allowed.includes(name)) expect([401, 403], what).not.toContain(response.status);
        else {
          expect(response.status, what).toBe(403);
          const { detail, scope } = await readProblem(response, "forbidden");
          expect(detail).toBe(`The API key lacks the scope ${scope}`);
          expect(security, what).toEqual([{ apiKey: [scope] }]);
          expect(scope === "read" || scope === "admin" || /^[a-z-]+:[a-z]+$/.test(String(scope)), what).toBe(true);
        }
      }
    }
  });

  it("asks for a key before it says what there is, and then says it", async () => {
    await using service = await startService({ env: OF_EACH_SORT });
    for (const [path, method, code] of [
      ["/nowhere", "GET", "not_found"],
      ["/v1/sessoin/create", "POST", "not_found"],
      ["/v1/memory/explode", "POST", "not_found"],
      ["/v1/memory/create", "GET", "method_not_allowed"],
      ["/livez", "POST", "method_not_allowed"],
      ["/livez/../v1/dump", "POST", "method_not_allowed"],
      ["/docsx", "GET", "not_found"],
    ] as const) {
      await readProblem(await service.request(path, { method }), "unauthenticated");
      await readProblem(await service.request(path, { method, headers: bearer("memory:create") }), code);
    }
    expect((await service.request("/v1/dump", { method: "HEAD" })).status).toBe(401);
    expect((await service.request("/v1/dump", { method: "HEAD", headers: bearer("read") })).status).toBe(403);
    expect((await service.request("/livez", { method: "HEAD" })).status).toBe(200);
  });

  it.each(["Bearer", "bearer", "BEARER", "bEaReR"])("takes the scheme spelled %s", async (scheme) => {
    await using service = await startService({ env: OF_EACH_SORT });
    for (const space of [" ", "   "]) {
      const headers = { authorization: `${scheme}${space}${keyOf("admin")}` };
      expect((await service.request("/v1/check", { headers })).status).toBe(200);
    }
  });

  it.each([
    "",
    "Bearer",
    "Bearer ",
    "Bearer tg_",
    `Basic ${btoa(`user:${keyOf("admin")}`)}`,
    keyOf("admin"),
    `Bearer${keyOf("admin")}`,
    `Bearer ${keyOf("admin")} x`,
    `Bearer ${keyOf("admin")}, Bearer ${keyOf("admin")}`,
    `Bearer "${keyOf("admin")}"`,
    `Bearer ${keyOf("admin").slice(3)}`,
    `Bearer ${keyOf("admin").toUpperCase()}`,
    `Bearer ${keyOf("admin").slice(0, -1)}`,
    `Bearer tg_${"x".repeat(10_000)}`,
    `Token ${keyOf("admin")}`,
  ])("refuses Authorization: %s", async (authorization) => {
    await using service = await startService({ env: OF_EACH_SORT });
    const response = await service.request("/v1/check", { headers: { authorization } });
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="tidegate"');
    const { detail } = await readProblem(response, "unauthenticated");
    expect(detail).not.toContain("tg_");
  });

  it("takes no hash for a key", async () => {
    await using service = await startService({ env: OF_EACH_SORT });
    for (const [hash] of service.config.keys!) {
      for (const text of [hash, `tg_${hash}`]) {
        const headers = { authorization: `Bearer ${text}` };
        await readProblem(await service.request("/v1/check", { headers }), "unauthenticated");
      }
    }
  });

  it.each(["array", "lines"])("looks at the items of a batch as %s one by one", async (form) => {
    await using service = await startService({ env: OF_EACH_SORT });
    const item = (flow: string, type: string, data: object) => ({ flow, type, data });
    const items = [
      item("memory", "create", { id: "a", user: "u", content: "c" }),
      item("session", "create", { id: "s" }),
      item("memory", "update", { id: "a", content: "d" }),
      item("nowhere", "create", {}),
      item("memory", "create", { id: "b", content: 7 }),
      item("memory", "create", { id: "c", user: "u", content: "c" }),
    ];
    const texts = items.map((one) => JSON.stringify(one));
    const send = async (name: string) => {
      const type = form === "array" ? "application/json" : "application/x-ndjson";
      const body = form === "array" ? `[${texts.join(",")}]` : texts.join("\n");
      const headers = { "content-type": type, ...bearer(name) };
      const text = await (await service.request("/v1/operations", { method: "POST", headers, body })).text();
      const answers =
        form === "array"
          ? JSON.parse(text)
          : text
              .trim()
              .split("\n")
              .map((line) => JSON.parse(line));
      return (answers as { status: number; problem?: { code: string; scope?: string }; entity?: { id: string } }[]).map(
        ({ status, problem, entity }) => [status, problem?.scope ?? problem?.code ?? entity?.id],
      );
    };
    expect(await send("memory:create")).toEqual([
      [202, "a"],
      [403, "session:create"],
      [403, "memory:update"],
      [404, "not_found"],
      [422, "invalid_input"],
      [202, "c"],
    ]);
    expect((await send("memory:*")).map(([status]) => status)).toEqual([202, 403, 202, 404, 422, 202]);
    for (const name of ["operations:*", "admin"]) {
      expect((await send(name)).map(([status]) => status)).toEqual([202, 202, 202, 404, 422, 202]);
    }
    expect((await send("read")).map(([status]) => status)).toEqual([403, 403, 403, 404, 403, 403]);
  });

  it("tells every key of a tenant what became of its operations", async () => {
    await using service = await startService({ env: OF_EACH_SORT });
    const { body } = await postAs(service, "memory:create", "/v1/memory/create", { id: "a", user: "u", content: "c" });
    await service.tickToRest();
    for (const name of SORTS) {
      expect((await getAs(service, name, `/v1/operations/${body.id}`)).body.state).toBe("applied");
    }
  });

  it("shows the entity in an answer only to a key that may read", async () => {
    const env = {
      ENABLE_KAFKA: "false",
      API_KEYS: apiKeys({ writer: ["t", "session:*"], both: ["t", "session:*", "read"] }),
    };
    await using service = await startService({ env });
    const secret = await postAs(service, "both", "/v1/session/create", { id: "s", title: "secret" });
    expect(secret.body.values).toMatchObject({ title: "secret" });
    const blind = await postAs(service, "writer", "/v1/session/update", { id: "s", prompt: "p" });
    expect(blind.status).toBe(200);
    expect(blind.body).not.toHaveProperty("values");
    expect(blind.body).toMatchObject({ outcome: "applied", entity: { kind: "Session", id: "s" } });
  });
});

describe("a service without API keys", () => {
  it("looks at no key, and everything is of the tenant default", async () => {
    await using service = await startService();
    expect((await postAs(service, "nobody", "/v1/session/create", { id: "s" })).status).toBe(202);
    await service.tickToRest();
    expect((await service.get("/v1/sessions/s")).status).toBe(200);
    expect(await (await service.request("/v1/dump")).text()).toContain('"node":"default/Session/s"');
  });
});

const TWO_TENANTS = apiKeys({
  acme: ["acme", "operations:*", "read"],
  globex: ["globex", "operations:*", "read"],
  slash: ["acme/Session", "operations:*", "read"],
  operator: ["ops", "admin"],
});

describe.each(WAYS)("tenants on the path $path", ({ options }) => {
  const start = () => startService({ ...options, env: { ...options.env, API_KEYS: TWO_TENANTS } });

  it("never see each other's entities, lists, operations and idempotency keys", async () => {
    await using service = await start();
    const own = new Map<string, string>();
    for (const name of ["acme", "globex"]) {
      const key = { "idempotency-key": "first" };
      const { body } = await postAs(service, name, "/v1/session/create", { id: "s", title: name }, key);
      own.set(name, body.id);
      await postAs(service, name, "/v1/chat-messages/create", {
        id: `m-${name}`,
        session: "s",
        user: "u",
        content: name,
      });
    }
    expect(own.get("acme")).not.toBe(own.get("globex"));
    await service.tickToRest();
    for (const [name, other] of [
      ["acme", "globex"],
      ["globex", "acme"],
    ] as const) {
      expect((await getAs(service, name, "/v1/sessions/s")).body.title).toBe(name);
      const { items } = (await getAs(service, name, "/v1/sessions/s/messages")).body as unknown as { items: object[] };
      expect(items).toEqual([expect.objectContaining({ id: `m-${name}`, content: name })]);
      expectProblem(await getAs(service, name, `/v1/messages/m-${other}`), "not_found");
      expect((await getAs(service, name, `/v1/operations/${own.get(name)}`)).body.state).toBe("applied");
      expectProblem(await getAs(service, name, `/v1/operations/${own.get(other)}`), "not_found");
      expectProblem(await getAs(service, name, `/v1/operations/${own.get(other)}/events`), "not_found");
      expectProblem(await getAs(service, name, `/v1/sessions/s?after=${own.get(other)}`), "invalid_input");
      for (const path of ["/v1/operations", "/v1/sessions", "/v1/memories", "/v1/graph/Session/s"]) {
        const text = JSON.stringify((await getAs(service, name, path)).body);
        expect(text, path).not.toContain(other);
        expect(text, path).not.toContain(own.get(other));
        expect(text.includes(name) || text.includes(own.get(name)!) || path === "/v1/memories", path).toBe(true);
      }
      const ids = [own.get(name), own.get(other)];
      const { body } = await postAs(service, name, "/v1/operations/statuses", ids);
      expect(body).toEqual([expect.objectContaining({ id: own.get(name), state: "applied" }), null]);
    }
    for (const path of ["/v1/sessions/s", "/v1/sessions/s/messages", "/v1/sessions/globex%2FSession%2Fs"]) {
      for (const name of ["slash", "operator"]) expectProblem(await getAs(service, name, path), "not_found");
    }
    const dump = await (await service.request("/v1/dump", { headers: bearer("operator") })).text();
    for (const name of ["acme", "globex"])
      expect(dump).toContain(`{"fields":{"title":"${name}"},"labels":["Session"],"node":"${name}/Session/s"}`);
  });

  it("cannot change or delete each other's entities", async () => {
    await using service = await start();
    await postAs(service, "acme", "/v1/session/create", { id: "s", title: "acme" });
    await service.tickToRest();
    await postAs(service, "globex", "/v1/session/update", { id: "s", title: "globex" });
    await postAs(service, "globex", "/v1/session/delete", { id: "s" });
    await service.tickToRest();
    expect((await getAs(service, "acme", "/v1/sessions/s")).body.title).toBe("acme");
    expectProblem(await getAs(service, "globex", "/v1/sessions/s"), "not_found");
  });
});

describe("the tenant", () => {
  it("is the key's, whatever is sent beside it", async () => {
    await using service = await startService({ env: { ENABLE_KAFKA: "false", API_KEYS: TWO_TENANTS } });
    const names = fc.constantFrom("tenant", "Tenant", "tenantid", "source", "subject", "id", "user", "partitionkey");
    const values = fc.constantFrom("globex", "globex/Session", "../globex", "globex/Session/s");
    const members = fc.dictionary(names, values, { maxKeys: 4 });
    const headerNames = fc.constantFrom(
      ...["tenant", "x-tenant", "x-tenant-id", "tidegate-tenant", "ce-tenant", "x-forwarded-user", "cookie", "baggage"],
    );
    const headers = fc.dictionary(headerNames, values, { maxKeys: 4 });
    let accepted = 0;
    const send = async (path: string, data: unknown, extra: Record<string, string>, query: boolean) => {
      const url = query ? `${path}?tenant=globex&api_key=${keyOf("globex")}` : path;
      const { status, body } = await postAs(service, "acme", url, data, extra);
      const answers: readonly { status?: number; id?: string }[] = Array.isArray(body) ? body : [{ ...body, status }];
      for (const { status: answered, id } of answers) {
        expect([200, 202, 422]).toContain(answered);
        if (answered === 422) continue;
        accepted++;
        expect((await getAs(service, "acme", `/v1/operations/${id}`)).status).toBe(200);
        expectProblem(await getAs(service, "globex", `/v1/operations/${id}`), "not_found");
      }
    };
    const session = { title: "t" };
    const event = { specversion: "1.0", id: "e", source: "/s", type: "t" };
    await fc.assert(
      fc.asyncProperty(members, headers, fc.boolean(), async (given, extra, query) => {
        await send("/v1/session/create", session, extra, query);
        await send("/v1/session/create", { ...session, ...given }, extra, query);
        await send("/events", { ...event, ...given }, extra, query);
        await send("/v1/operations", [{ flow: "session", type: "create", data: session, ...given }], extra, query);
        await send(
          "/v1/operations",
          [{ flow: "session", type: "create", data: { ...session, ...given } }],
          extra,
          query,
        );
      }),
      { numRuns: 60 },
    );
    expect(accepted).toBeGreaterThanOrEqual(60);
    await service.tickToRest();
    const registers = await (await service.request("/v1/dump?registers=true", { headers: bearer("operator") })).text();
    const tenants = [...registers.matchAll(/"(?:entity|from|to)":"([^"/]+)\//g)].map(([, tenant]) => tenant);
    expect(tenants.length).toBeGreaterThanOrEqual(60);
    expect([...new Set(tenants)]).toEqual(["acme"]);
  });
});

it("the README shows what each scope allows", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  for (const { scope, allows } of SCOPES) expect(readme).toContain(`| \`${scope}\` | ${allows} |`);
});
