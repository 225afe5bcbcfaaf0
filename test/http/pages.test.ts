// Pages: the API page from our own files, a page for every problem, and what other origins may do.
import { describe, expect, it } from "vitest";
import { ERRORS, type ErrorCode } from "../../src/domain/errors.ts";
import { flows } from "../../src/flows/index.ts";
import { createApp } from "../../src/http/app.ts";
import { explain } from "../../src/http/pages/problem-texts.ts";
import { PROBLEMS } from "../../src/http/problem.ts";
import { nodeAssets } from "../../src/runtime/assets-node.ts";
import { type DatabaseFaults, failingDatabase } from "../support/failing-database.ts";
import { readProblem } from "../support/problem.ts";
import { startService } from "../support/service.ts";

const codes = Object.keys(ERRORS) as ErrorCode[];
interface Home {
  readonly places: readonly string[];
}

const HTML = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
const JSON_ONLY = { accept: "application/json" };

/** A page's text, held to what every page of ours must be: nothing inline, nothing from elsewhere. */
async function readPage(response: Response): Promise<string> {
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/html; charset=UTF-8");
  const policy = response.headers.get("content-security-policy")!;
  expect(policy).toMatch(/^default-src 'none'; style-src 'self'; /);
  expect(policy).not.toContain("unsafe");
  expect(policy).toContain("frame-ancestors 'none'");
  const text = await response.text();
  expect(text).toMatch(/^<!doctype html>/);
  expect(text).not.toMatch(/<script(?![^>]* src="\/docs\/assets\/)|<style|\bstyle=|\son\w+=/);
  for (const [, address] of text.matchAll(/(?:src|href)="([^"]*)"/g)) expect(address).toMatch(/^(\/([^/]|$)|data:,$)/);
  return text;
}

describe("GET /docs", () => {
  it("loads the API page from our own files", async () => {
    await using service = await startService();
    const app = createApp({ ...service.composed.service, asset: nodeAssets() });
    const response = await app.request("/docs");
    expect(response.headers.get("content-security-policy")).toContain("script-src 'self'; connect-src 'self'");
    const page = await readPage(response);
    const assets = [...page.matchAll(/(?:src|href)="(\/docs\/assets\/[^"]+)"/g)].map(([, address]) => address!);
    expect(assets).toEqual([
      "/docs/assets/pages.css",
      "/docs/assets/swagger-ui.css",
      "/docs/assets/swagger-ui-bundle.js",
      "/docs/assets/start.js",
    ]);
    for (const address of assets) {
      const asset = await app.request(address);
      expect(asset.status, address).toBe(200);
      expect(asset.headers.get("content-type")).toMatch(address.endsWith(".css") ? /^text\/css/ : /^text\/javascript/);
      expect(asset.headers.get("x-content-type-options")).toBe("nosniff");
      expect((await asset.text()).length).toBeGreaterThan(200);
    }
    const start = await (await app.request("/docs/assets/start.js")).text();
    expect(start).toContain('url: "/openapi.json"');
    expect(page).toContain(`id="${/dom_id: "#(\w+)"/.exec(start)![1]}"`);
  });

  it("is a list of routes where there are no files, and runs no script", async () => {
    await using service = await startService();
    const response = await service.request("/docs");
    expect(response.headers.get("content-security-policy")).not.toContain("script-src");
    const page = await readPage(response);
    for (const part of ["/v1/chat-messages/create", "/v1/sessions/{id}/messages", "/livez"])
      expect(page).toContain(part);
    await readProblem(await service.request("/docs/assets/swagger-ui.css"), "not_found");
  });

  it.each(["package.json", "..%2Fpackage.json", "swagger-ui.js", "__proto__", "toString", ""])(
    "gives out no file %j",
    async (name) => {
      await using service = await startService();
      const app = createApp({ ...service.composed.service, asset: nodeAssets() });
      await readProblem(await app.request(`/docs/assets/${name}`), "not_found");
      expect(await nodeAssets()(decodeURIComponent(name))).toBeUndefined();
    },
  );
});

describe("GET /problems", () => {
  it("lists every code with its page", async () => {
    await using service = await startService();
    const page = await readPage(await service.request("/problems", { headers: HTML }));
    for (const code of codes) expect(page).toContain(`<a href="/problems/${code}"><code>${code}</code></a>`);
    const response = await service.request("/problems", { headers: JSON_ONLY });
    expect(response.headers.get("vary")).toContain("Accept");
    const { items } = (await response.json()) as { items: { code: string }[] };
    expect(items.map(({ code }) => code)).toEqual(codes);
  });

  it.each(codes)("/%s explains the code to people and to programs", async (code) => {
    await using service = await startService();
    const page = await readPage(await service.request(`/problems/${code}`, { headers: HTML }));
    const explanation = explain(code);
    const { status, title } = PROBLEMS[code];
    for (const part of [title, explanation.cause, explanation.remedy]) expect(page).toContain(escapeHtml(part));
    expect(page).toContain(`status ${status}`);
    const answer = await service.request(`/problems/${code}`, { headers: JSON_ONLY });
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(explanation)));
    expect(explanation.example).toMatchObject({ code, status, title, type: `/problems/${code}` });
    expect(explanation.cause.length).toBeGreaterThan(40);
    expect(explanation.remedy.length).toBeGreaterThan(40);
  });

  it("says nothing twice", () => {
    for (const member of ["cause", "remedy"] as const)
      expect(new Set(codes.map((code) => explain(code)[member])).size).toBe(codes.length);
  });

  it.each(["nothing", "__proto__", "toString", "<script>", "%ED%A0%80"])("/%s is 404", async (name) => {
    await using service = await startService();
    await readProblem(await service.request(`/problems/${name}`, { headers: HTML }), "not_found");
  });

  it.each([
    [undefined, "text/html"],
    ["*/*", "text/html"],
    ["application/json;q=0.5, text/html;q=0.4", "application/json"],
    ["image/png", "text/html"],
  ])("takes Accept %j as %s", async (accept, type) => {
    await using service = await startService();
    const response = await service.request("/problems", { headers: accept === undefined ? {} : { accept } });
    expect(response.headers.get("content-type")).toContain(type);
  });
});

describe("GET /", () => {
  it("says that the service is ready, what it takes and where to read on", async () => {
    await using service = await startService();
    const page = await readPage(await service.request("/", { headers: HTML }));
    expect(page).toContain("<p>Ready.</p>");
    for (const { name, topic } of flows) {
      expect(page).toContain(`<td>${name}</td>`);
      expect(page).toContain(topic);
    }
    const { places, ...rest } = (await (await service.request("/", { headers: JSON_ONLY })).json()) as Home;
    expect(rest).toEqual({ name: "tidegate", version: "0.0.0-test", ready: true, reasons: [] });
    for (const place of places) {
      expect(page).toContain(`<a href="${place}">`);
      expect((await service.request(place)).status, place).toBe(200);
    }
  });

  it("says why it is not ready, and is there all the same", async () => {
    let faults: DatabaseFaults | undefined;
    await using service = await startService({
      database: (inner) => {
        const failing = failingDatabase(inner);
        faults = failing.faults;
        return failing;
      },
    });
    faults!.down = true;
    const page = await readPage(await service.request("/", { headers: HTML }));
    expect(page).toMatch(/<p>Not ready: .*connection refused/);
  });
});

describe("other origins", () => {
  const APP = "https://app.example";
  const preflight = {
    method: "OPTIONS",
    headers: { origin: APP, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
  };

  it("may do nothing by default", async () => {
    await using service = await startService();
    const answer = await service.request("/livez", { headers: { origin: APP } });
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    await readProblem(await service.request("/v1/session/create", preflight), "method_not_allowed");
  });

  it.each(["*", APP, `https://other.example, ${APP}`])("may call when CORS_ORIGINS is %s", async (CORS_ORIGINS) => {
    await using service = await startService({ env: { CORS_ORIGINS } });
    const asked = await service.request("/v1/session/create", preflight);
    expect(asked.status).toBe(204);
    expect(asked.headers.get("access-control-allow-methods")).toBe("GET,HEAD,POST");
    expect(asked.headers.get("access-control-allow-headers")).toBe("content-type");
    const taken = await service.post("/v1/session/create", { id: "s" }, { origin: APP });
    const refused = await service.post("/v1/session/create", { id: 1 }, { origin: APP });
    const unknown = await service.request("/nowhere", { headers: { origin: APP } });
    expect([taken.status, refused.status, unknown.status]).toEqual([202, 422, 404]);
    for (const { headers } of [asked, taken, refused, unknown]) {
      expect(headers.get("access-control-allow-origin")).toBe(CORS_ORIGINS === "*" ? "*" : APP);
      expect(headers.get("access-control-expose-headers")).toBe(
        "Location,Tidegate-Stamp,Retry-After,Preference-Applied",
      );
      expect(headers.get("access-control-allow-credentials")).toBeNull();
    }
  });

  it("may not call when others are named", async () => {
    await using service = await startService({ env: { CORS_ORIGINS: "https://other.example" } });
    const { headers } = await service.request("/livez", { headers: { origin: APP } });
    expect(headers.get("access-control-allow-origin")).toBeNull();
    expect(headers.get("vary")).toContain("Origin");
  });
});

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("'", "&#39;")
    .replaceAll('"', "&quot;");
}
