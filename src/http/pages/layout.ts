// What every page of ours has around it.
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { html } from "hono/html";

type Html = ReturnType<typeof html>;

export interface Page {
  readonly title: string;
  readonly body: Html | readonly Html[];
  /** Addresses of scripts; a page without one may run none. */
  readonly scripts?: readonly string[];
  /** Addresses of stylesheets beside the common one. */
  readonly styles?: readonly string[];
  /** Takes the whole width of a screen, and has styles of its own. */
  readonly wide?: boolean;
}

const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Whether who asks wants a page for people; programs get JSON at the same address. */
export function isPageWanted(c: Context): boolean {
  c.header("Vary", "Accept", { append: true });
  const supports = ["text/html", "application/json"];
  return accepts(c, { header: "Accept", supports, default: "text/html" }) === "text/html";
}

/** Answers a page. It loads from this service alone, and nothing within it is run or styled inline. */
export function pageResponse(c: Context, page: Page): Response | Promise<Response> {
  const { title, body, scripts = [], styles = [], wide = false } = page;
  const runs = scripts.length > 0 ? "; script-src 'self'; connect-src 'self'" : "";
  c.header("Content-Security-Policy", `${POLICY}${runs}`);
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Referrer-Policy", "no-referrer");
  return c.html(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Tidegate</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/pages.css">
${styles.map((href) => html`<link rel="stylesheet" href="${href}">`)}
${scripts.map((src) => html`<script src="${src}" defer></script>`)}
</head>
<body class="${wide ? "wide" : ""}">
<header><strong><a href="/">Tidegate</a></strong><nav><a href="/docs">API</a><a href="/problems">Problems</a><a href="/openapi.json">OpenAPI</a><a href="/asyncapi.json">AsyncAPI</a></nav></header>
<main class="${wide ? "" : "prose"}">
${body}
</main>
</body>
</html>
`);
}
