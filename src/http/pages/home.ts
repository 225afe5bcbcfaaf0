// What a browser finds at the service's address: whether it is well, what it takes, and where to read on.
import type { Hono } from "hono";
import { html } from "hono/html";
import { clientTypes } from "../../app/intake.ts";
import type { Flow } from "../../flows/define.ts";
import type { Service } from "../service.ts";
import { isPageWanted, pageResponse } from "./layout.ts";

/** Where to read on, and what is there. */
const PLACES = [
  ["/docs", "the API, to read and to try"],
  ["/problems", "what every error means, and what to do about it"],
  ["/openapi.json", "the API as OpenAPI"],
  ["/asyncapi.json", "the records in Kafka as AsyncAPI"],
  ["/health", "the health of all parts"],
  ["/metrics", "metrics for Prometheus"],
  ["/v1/check", "the accounting: what was accepted and what became of it"],
] as const;

export function homeRoute(app: Hono, { name, version, flows, health }: Service): void {
  app.get("/", async (c) => {
    const { ready, reasons } = await health.readiness();
    if (!isPageWanted(c)) return c.json({ name, version, ready, reasons, places: PLACES.map(([path]) => path) });
    const places = PLACES.map(([path, what]) => html`<li><a href="${path}"><code>${path}</code></a>: ${what}</li>\n`);
    return pageResponse(c, {
      title: "Service",
      body: html`<h1>Tidegate ${version}</h1>
<p>${ready ? "Ready." : `Not ready: ${reasons.join("; ")}.`}</p>
<ul>
${places}</ul>
<h2>Flows</h2>
${tableOf(flows)}`,
    });
  });
}

function tableOf(flows: readonly Flow[]) {
  const rows = flows.map(
    (flow) => html`<tr>
<td>${flow.name}</td><td><code>${clientTypes(flow).join(" ")}</code></td><td><code>${flow.topics.join(" ")}</code></td>
</tr>
`,
  );
  return html`<p>An operation is sent to <code>/v1/{flow}/{type}</code>, many at once to <code>/v1/operations</code>.</p>
<div class="scroll"><table>
<thead><tr><th scope="col">Flow</th><th scope="col">Types</th><th scope="col">Topics</th></tr></thead>
<tbody>
${rows}</tbody>
</table></div>`;
}
