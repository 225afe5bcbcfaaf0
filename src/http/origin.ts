// Pages of other origins: a browser sends what needs no preflight without asking, so a service that is everybody's looks
// at whose page sends it.
import type { Hono } from "hono";
import { AppError } from "../domain/errors.ts";
import { bareProblemResponse } from "./problem.ts";
import type { Service } from "./service.ts";

/**
 * Refuses requests that change something and come from a page of an origin that may not call the service. Where keys are
 * asked for there is nothing to refuse: a browser adds none by itself.
 */
export function refuseForeignPages(fetch: Hono["fetch"], { keyring, corsOrigins }: Service): Hono["fetch"] {
  if (keyring !== undefined || corsOrigins.includes("*")) return fetch;
  return (request, ...rest) => {
    const origin = changes(request) ? request.headers.get("origin") : null;
    if (origin === null || isOwn(request, origin) || corsOrigins.includes(origin)) return fetch(request, ...rest);
    const detail = `Pages of ${origin.slice(0, 200)} may not send anything to this service`;
    return bareProblemResponse(new AppError("origin_not_allowed", detail));
  };
}

function changes({ method }: Request): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
}

/** Whether a page of the service itself sends it. By the host alone: behind a proxy that ends TLS the schemes differ. */
function isOwn({ headers, url }: Request, origin: string): boolean {
  if (headers.get("sec-fetch-site") === "same-origin") return true;
  return URL.parse(origin)?.host === new URL(url).host;
}
