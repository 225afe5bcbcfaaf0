// Operations: one at a time, many in a body, and what became of them.
import type { Context, Hono } from "hono";
import type { Submission } from "../app/intake.ts";
import { AppError } from "../domain/errors.ts";
import { answerResponse } from "./answer.ts";
import { readBatch } from "./batch.ts";
import { readJson, requireMediaType } from "./body.ts";
import { type Service, TENANT } from "./service.ts";

const STATUSES_MAX = 1_000;

export function operationRoutes(app: Hono, service: Service): void {
  app.post("/v1/operations/statuses", async (c) => {
    requireMediaType(c, "application/json");
    const ids = await readJson(c, service.limits.bodyBytesMax);
    if (!Array.isArray(ids) || ids.length > STATUSES_MAX || !ids.every(isText)) {
      const detail = `Send an array of at most ${STATUSES_MAX} operation ids`;
      throw new AppError("invalid_input", detail, { faults: [{ pointer: "#", detail }] });
    }
    return c.json(await service.reads.statuses(ids, TENANT));
  });
  if (service.accepts) {
    app.post("/v1/operations", (c) => readBatch(c, service, (submissions) => service.accept(submissions, TENANT)));
    for (const flow of service.flows) {
      for (const type of Object.keys(flow.types)) {
        app.post(`/v1/${flow.name}/${type}`, (c) => takeOne(c, service, flow.name, type));
      }
    }
  }
  app.get("/v1/operations/:id", async (c) => {
    const id = c.req.param("id");
    const [status] = await service.reads.statuses([id], TENANT);
    if (status === null || status === undefined) {
      throw new AppError("not_found", `This service gave out no operation ${JSON.stringify(id)}`);
    }
    return c.json(status);
  });
}

async function takeOne(c: Context, service: Service, flow: string, type: string): Promise<Response> {
  requireMediaType(c, "application/json");
  const data = await readJson(c, service.limits.bodyBytesMax);
  const [answer] = await service.accept([{ flow, type, data, ...headersOf(c) }], TENANT);
  return answerResponse(c, answer!);
}

/** What is wrong with a request that no operation route took: the flow or the type it names is not there. */
export async function unknownOperation(c: Context, service: Service): Promise<Response | undefined> {
  const [, flow, type] = /^\/v1\/([^/]+)\/([^/]+)$/.exec(c.req.path) ?? [];
  if (!service.accepts || c.req.method !== "POST" || flow === undefined || type === undefined) return undefined;
  const [answer] = await service.accept([{ flow, type, data: undefined }], TENANT);
  return answerResponse(c, answer!);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.isWellFormed();
}

/** What headers say about an operation. */
export function headersOf(c: Context): Pick<Submission, "key" | "after" | "retryToken"> {
  return {
    key: c.req.header("idempotency-key"),
    after: c.req.header("tidegate-after"),
    retryToken: c.req.header("tidegate-retry"),
  };
}
