// The HTTP side of the service: every route, one error handler, and a trace for every request.
import { context, propagation, SpanKind, trace } from "@opentelemetry/api";
import { Hono } from "hono";
import { inSpan } from "../app/tracing.ts";
import { AppError, asAppError } from "../domain/errors.ts";
import { eventRoutes } from "./events.ts";
import { operationRoutes } from "./operations.ts";
import { operatorRoutes } from "./operator.ts";
import { problemResponse } from "./problem.ts";
import { readRoutes } from "./reads.ts";
import type { Service } from "./service.ts";

/** Creates the application. It answers a problem document to everything that is not 2xx. */
export function createApp(service: Service): Hono {
  const app = new Hono();
  app.use((c, next) => {
    const parent = propagation.extract(context.active(), c.req.raw.headers, {
      get: (headers, name) => headers.get(name) ?? undefined,
      keys: (headers) => [...headers.keys()],
    });
    const attributes = { "http.request.method": c.req.method, "url.path": c.req.path };
    return context.with(parent, () =>
      inSpan(c.req.method, { kind: SpanKind.SERVER, attributes }, async (span) => {
        await next();
        if (span.isRecording()) {
          span.setAttribute("http.response.status_code", c.res.status);
          span.updateName(`${c.req.method} ${c.req.routePath}`);
        }
      }),
    );
  });
  eventRoutes(app, service);
  readRoutes(app, service);
  operatorRoutes(app, service);
  operationRoutes(app, service);
  app.notFound((c) => problemResponse(c, unknownRoute(app, c.req.method, c.req.path)));
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

/** 405 where another method would have been answered, 404 elsewhere. */
function unknownRoute(app: Hono, method: string, path: string): AppError {
  const others = ["GET", "POST"].filter(
    (other) => other !== method && app.router.match(other, path)[0].some(([[, route]]) => route.path !== "/*"),
  );
  if (others.length === 0) return new AppError("not_found", `There is nothing at ${path.slice(0, 200)}`);
  return new AppError("method_not_allowed", `${path.slice(0, 200)} answers ${others.join(", ")}, not ${method}`);
}
