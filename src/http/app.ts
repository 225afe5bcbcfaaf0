// The HTTP side of the service: every route, one error handler, and a trace for every request.
import { type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { type Context, Hono } from "hono";
import { inSpan } from "../app/tracing.ts";
import { AppError, asAppError } from "../domain/errors.ts";
import { eventRoutes } from "./events.ts";
import { operationRoutes, unknownOperation } from "./operations.ts";
import { operatorRoutes } from "./operator.ts";
import { problemResponse } from "./problem.ts";
import { readRoutes } from "./reads.ts";
import type { Service } from "./service.ts";

/** Creates the application. It answers a problem document to everything that is not 2xx. */
export function createApp(service: Service): Hono {
  const app = new Hono();
  app.use((c, next) => {
    const traceparent = c.req.header("traceparent");
    const tracestate = c.req.header("tracestate");
    const parent = {
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(tracestate === undefined ? {} : { tracestate }),
    };
    return inSpan(c.req.method, { kind: SpanKind.SERVER, parent }, async (span) => {
      await next();
      if (span.isRecording()) describe(span, c);
    });
  });
  eventRoutes(app, service);
  readRoutes(app, service);
  operatorRoutes(app, service);
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

/** Attributes of a request's span, by the semantic conventions for HTTP. */
function describe(span: Span, c: Context): void {
  span.setAttributes({
    "http.request.method": c.req.method,
    "url.path": c.req.path,
    "http.response.status_code": c.res.status,
    "http.route": c.req.routePath,
  });
  span.updateName(`${c.req.method} ${c.req.routePath}`);
  if (c.res.status < 500) return;
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute("error.type", String(c.res.status));
}

/** Methods that are answered at a path. */
function methodsAt(app: Hono, path: string): string[] {
  const has = (method: string): boolean => app.router.match(method, path)[0].some(([[, route]]) => route.path !== "/*");
  return [...(has("GET") ? ["GET", "HEAD"] : []), ...(has("POST") ? ["POST"] : [])];
}
