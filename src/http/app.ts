// The HTTP side of the service: every route, one error handler, and a trace for every request.
import { type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { Hono } from "hono";
import { cors } from "hono/cors";
import { inSpan } from "../app/tracing.ts";
import { AppError, asAppError } from "../domain/errors.ts";
import { requireKeys } from "./auth.ts";
import { eventRoutes } from "./events.ts";
import { metricRoutes } from "./metrics.ts";
import { operationRoutes, unknownOperation } from "./operations.ts";
import { operatorRoutes } from "./operator.ts";
import { refuseForeignPages } from "./origin.ts";
import { documentRoutes } from "./pages/api.ts";
import { homeRoute } from "./pages/home.ts";
import { problemRoutes } from "./pages/problems.ts";
import { parkedRoutes } from "./parked.ts";
import { problemResponse } from "./problem.ts";
import { readRoutes } from "./reads.ts";
import { rememberingRouter } from "./remembering-router.ts";
import type { Service } from "./service.ts";

/** Creates the application. It answers a problem document to everything that is not 2xx. */
export function createApp(service: Service): Hono {
  const app = new Hono({ router: rememberingRouter() });
  app.fetch = refuseForeignPages(app.fetch, service);
  app.fetch = tracedFetch(app);
  if (service.corsOrigins.length > 0) app.use(crossOrigin(service.corsOrigins));
  requireKeys(app, service);
  eventRoutes(app, service);
  readRoutes(app, service);
  operatorRoutes(app, service);
  parkedRoutes(app, service);
  homeRoute(app, service);
  documentRoutes(app, service);
  problemRoutes(app);
  metricRoutes(app, service);
  operationRoutes(app, service);
  app.notFound(async (c) => {
    const unknown = await unknownOperation(c, service);
    if (unknown !== undefined) return unknown;
    const path = c.req.path.slice(0, 200);
    const allowed = methodsAt(app, c.req.path);
    if (allowed.length === 0) return problemResponse(c, new AppError("not_found", `There is nothing at ${path}`));
    c.header("Allow", allowed.join(", "));
    const detail = `${path} answers ${allowed.join(", ")}, not ${c.req.method}`;
    return problemResponse(c, new AppError("method_not_allowed", detail));
  });
  app.onError((error, c) => {
    const known = asAppError(error);
    if (known.code === "internal") service.log.requestFailed(known);
    const id = trace.getActiveSpan()?.spanContext().traceId;
    const extra = known.code === "internal" && id !== undefined ? { traceId: id } : {};
    return problemResponse(
      c,
      Object.keys(extra).length === 0 ? known : new AppError("internal", known.message, { extra }),
    );
  });
  return app;
}

const EXPOSED = ["Location", "Tidegate-Stamp", "Retry-After", "Preference-Applied"];
const PREFLIGHT_SECONDS = 600;

/** Lets pages of these origins call the service and read the headers its answers are about. */
function crossOrigin(origins: readonly string[]): ReturnType<typeof cors> {
  return cors({
    origin: origins.includes("*") ? "*" : [...origins],
    allowMethods: ["GET", "HEAD", "POST"],
    exposeHeaders: EXPOSED,
    maxAge: PREFLIGHT_SECONDS,
  });
}

/** Every request in a span. Around the router and not within it: a route with nothing before it is called at once. */
function tracedFetch(app: Hono): Hono["fetch"] {
  const { fetch } = app;
  return (request, ...rest) => {
    const traceparent = request.headers.get("traceparent");
    const tracestate = request.headers.get("tracestate");
    const parent = {
      ...(traceparent === null ? {} : { traceparent }),
      ...(tracestate === null ? {} : { tracestate }),
    };
    return inSpan(request.method, { kind: SpanKind.SERVER, parent }, async (span) => {
      const response = await fetch(request, ...rest);
      if (span.isRecording()) describe(span, app, request, response.status);
      return response;
    });
  };
}

/** Attributes of a request's span, by the semantic conventions for HTTP. */
function describe(span: Span, app: Hono, { method, url }: Request, status: number): void {
  const path = new URL(url).pathname;
  const route = routesAt(app, method === "HEAD" ? "GET" : method, path)[0] ?? "/*";
  span.setAttributes({
    "http.request.method": method,
    "url.path": path,
    "http.response.status_code": status,
    "http.route": route,
  });
  span.updateName(`${method} ${route}`);
  if (status < 500) return;
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute("error.type", String(status));
}

/** Routes that answer a method at a path. */
function routesAt(app: Hono, method: string, path: string): string[] {
  return app.router.match(method, path)[0].flatMap(([[, route]]) => (route.path === "/*" ? [] : [route.path]));
}

/** Methods that are answered at a path. */
function methodsAt(app: Hono, path: string): string[] {
  const has = (method: string): boolean => routesAt(app, method, path).length > 0;
  return [...(has("GET") ? ["GET", "HEAD"] : []), ...(has("POST") ? ["POST"] : [])];
}
