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
    app.post("/v1/:flow/:type", async (c) => {
      requireMediaType(c, "application/json");
      const data = await readJson(c, service.limits.bodyBytesMax);
      const [answer] = await service.accept([{ ...c.req.param(), data, ...headersOf(c) }], TENANT);
      return answerResponse(c, answer!);
    });
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
