// The documents, the page that shows one of them, and what the pages load.
import type { Hono } from "hono";
import { html } from "hono/html";
import { AppError } from "../../domain/errors.ts";
import type { openApiDocument } from "../openapi/document.ts";
import type { Service } from "../service.ts";
import { pageResponse } from "./layout.ts";
import { STYLESHEET } from "./stylesheet.ts";

const ASSETS = "/docs/assets";
const ASSET_SECONDS = 3_600;

/** Starts the API page. An asset of its own, because the page's policy lets nothing inline run. */
const START = `const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
`;

const OWN: { readonly [name: string]: { readonly body: string; readonly type: string } } = {
  "pages.css": { body: STYLESHEET, type: "text/css; charset=utf-8" },
  "start.js": { body: START, type: "text/javascript; charset=utf-8" },
};

export function documentRoutes(app: Hono, service: Service): void {
  // Loaded and made when somebody first asks: most processes are never asked.
  const openApi = once(async () => (await import("../openapi/document.ts")).openApiDocument(service));
  const openApiText = once(async () => JSON.stringify(await openApi()));
  const asyncApiText = once(async () => JSON.stringify((await import("../asyncapi.ts")).asyncApiDocument(service)));
  app.get("/openapi.json", async (c) => c.body(await openApiText(), 200, { "Content-Type": "application/json" }));
  app.get("/asyncapi.json", async (c) => c.body(await asyncApiText(), 200, { "Content-Type": "application/json" }));
  app.get("/docs", async (c) => {
    const list = listOf((await openApi()).paths);
    if (service.asset === undefined) return pageResponse(c, { title: "API", body: [TITLE, list] });
    return pageResponse(c, {
      title: "API",
      body: html`${TITLE}<div id="api"></div><noscript><div class="prose">${list}</div></noscript>`,
      styles: [`${ASSETS}/swagger-ui.css`],
      scripts: [`${ASSETS}/swagger-ui-bundle.js`, `${ASSETS}/start.js`],
      wide: true,
    });
  });
  app.get(`${ASSETS}/:name`, async (c) => {
    const name = c.req.param("name");
    const found = Object.hasOwn(OWN, name) ? OWN[name] : await service.asset?.(name);
    if (found === undefined) throw new AppError("not_found", `There is no asset ${JSON.stringify(name.slice(0, 100))}`);
    return c.body(found.body as string, 200, {
      "Content-Type": found.type,
      "Cache-Control": `public, max-age=${ASSET_SECONDS}`,
      "X-Content-Type-Options": "nosniff",
    });
  });
}

const TITLE = html`<h1>API</h1>`;

/** The routes as a plain table, for browsers without scripts and platforms without assets. */
function listOf(paths: ReturnType<typeof openApiDocument>["paths"]) {
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, { summary }]) =>
        html`<tr><td>${method.toUpperCase()}</td><td><code>${path}</code></td><td>${summary}</td></tr>\n`,
    ),
  );
  return html`<p>Schemas, headers and answers are in <a href="/openapi.json">/openapi.json</a>.</p>
<div class="scroll"><table>
<thead><tr><th scope="col">Method</th><th scope="col">Path</th><th scope="col">What it does</th></tr></thead>
<tbody>
${rows}</tbody>
</table></div>`;
}

/** Makes a value when it is first asked for, and keeps it. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
