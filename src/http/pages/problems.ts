// Pages about problems: the address in a problem's `type` leads here. HTML for people, JSON for programs.
import type { Hono } from "hono";
import { html } from "hono/html";
import { AppError, ERRORS, type ErrorCode } from "../../domain/errors.ts";
import { isPageWanted, pageResponse } from "./layout.ts";
import { type Explanation, explain } from "./problem-texts.ts";

const codes = Object.keys(ERRORS) as ErrorCode[];

export function problemRoutes(app: Hono): void {
  app.get("/problems", (c) => {
    const explanations = codes.map(explain);
    if (!isPageWanted(c)) {
      return c.json({
        items: explanations.map(({ type, code, title, status, retryable }) => ({
          type,
          code,
          title,
          status,
          retryable,
        })),
      });
    }
    return pageResponse(c, { title: "Problems", body: indexOf(explanations) });
  });
  app.get("/problems/:code", (c) => {
    const name = c.req.param("code");
    const code = codes.find((known) => known === name);
    if (code === undefined)
      throw new AppError("not_found", `There is no problem ${JSON.stringify(name.slice(0, 100))}`);
    const explanation = explain(code);
    if (!isPageWanted(c)) return c.json(explanation);
    return pageResponse(c, { title: explanation.title, body: explanationOf(explanation) });
  });
}

function indexOf(explanations: readonly Explanation[]) {
  const rows = explanations.map(
    ({ type, code, title, status, retryable }) => html`<tr>
<td><a href="${type}"><code>${code}</code></a></td><td>${status}</td><td>${title}</td><td>${retryable ? "yes" : "no"}</td>
</tr>
`,
  );
  return html`<h1>Problems</h1>
<p>Every answer that is not 2xx is a problem document (RFC 9457) with one of these codes. A code is stable: programs may branch on it.</p>
<div class="scroll"><table>
<thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Title</th><th scope="col">May succeed later</th></tr></thead>
<tbody>
${rows}</tbody>
</table></div>`;
}

function explanationOf({ code, title, status, retryable, cause, remedy, example }: Explanation) {
  return html`<h1>${title}</h1>
<p class="quiet"><code>${code}</code>, status ${status}, ${retryable ? "the same request may succeed later" : "the same request will not succeed later"}</p>
<h2>Cause</h2>
<p>${cause}</p>
<h2>What you can do</h2>
<p>${remedy}</p>
<h2>Example</h2>
<pre><code>${JSON.stringify(example, null, 2)}</code></pre>
<p><a href="/problems">All problems</a></p>`;
}
