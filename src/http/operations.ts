// Operations: one at a time, many in a body, and what became of them.
import type { Context, Hono } from "hono";
import { clientTypes, type Submission } from "../app/intake.ts";
import { AppError } from "../domain/errors.ts";
import { answerResponse } from "./answer.ts";
import { EVENT_BATCH, readBatch, type Take } from "./batch.ts";
import { mediaType, readJson, requireMediaType } from "./body.ts";
import { readEvents } from "./event-batch.ts";
import { streamRoutes } from "./event-stream.ts";
import { pageOf } from "./page.ts";
import { acceptWait, batchWait, preferredResponse, readPrefer } from "./prefer.ts";
import { principalOf, tenantOf } from "./principal.ts";
import type { Service } from "./service.ts";
import { shownStatus } from "./shown.ts";
import { submit } from "./submit.ts";

const STATUSES_MAX = 1_000;

/** Outcomes that the ledger holds. */
export const OUTCOMES = ["applied", "superseded", "discarded"] as const;

export function operationRoutes(app: Hono, service: Service): void {
  app.post("/v1/operations/statuses", async (c) => {
    requireMediaType(c, "application/json");
    const ids = await readJson(c, service.limits.bodyBytesMax);
    if (!Array.isArray(ids) || ids.length > STATUSES_MAX || !ids.every(isText)) {
      const detail = `Send an array of at most ${STATUSES_MAX} operation ids`;
      throw new AppError("invalid_input", detail, { faults: [{ pointer: "#", detail }] });
    }
    const principal = principalOf(c, service);
    const found = await service.reads.statuses(ids, principal.tenant);
    return c.json(found.map((status) => shownStatus(status, principal)));
  });
  if (service.accepts) {
    app.post("/v1/operations", (c) => {
      const wait = batchWait(c, service);
      const take: Take = (submissions) => submit(c, service, submissions, wait());
      return mediaType(c) === EVENT_BATCH ? readEvents(c, service, take) : readBatch(c, service, take);
    });
    for (const flow of service.flows) {
      for (const type of clientTypes(flow)) {
        app.post(`/v1/${flow.name}/${type}`, (c) => takeOne(c, service, flow.name, type));
      }
    }
  }
  app.get("/v1/operations", async (c) => {
    const flows = service.flows.map(({ name }) => name);
    const filter = { ...oneOf(c, "flow", flows), ...oneOf(c, "outcome", OUTCOMES) };
    const { cursor, limit } = pageOf(c);
    return c.json(await service.reads.operations(filter, cursor, limit, tenantOf(c, service)));
  });
  streamRoutes(app, service);
  app.get("/v1/operations/:id", async (c) => {
    const id = c.req.param("id");
    const [status] = await service.reads.statuses([id], tenantOf(c, service));
    if (status === null || status === undefined) {
      throw new AppError("not_found", `This service gave out no operation ${JSON.stringify(id)}`);
    }
    return c.json(shownStatus(status, principalOf(c, service)));
  });
}

async function takeOne(c: Context, service: Service, flow: string, type: string): Promise<Response> {
  requireMediaType(c, "application/json");
  const data = await readJson(c, service.limits.bodyBytesMax);
  return answerOne(c, service, { flow, type, data });
}

/** Takes one operation, with what the headers say of it, and answers it as the request prefers. */
export async function answerOne(
  c: Context,
  service: Service,
  submission: Submission,
  refused = (problem: AppError): AppError => problem,
): Promise<Response> {
  const header = c.req.header("prefer");
  const prefer = readPrefer(header);
  const sinceMs = service.clock.nowMs();
  const [answer] = await submit(c, service, [{ ...submission, ...headersOf(c) }], acceptWait(prefer));
  if ("problem" in answer!) return answerResponse(c, { problem: refused(answer.problem) });
  if (header === undefined) return answerResponse(c, answer!);
  return preferredResponse(c, service, principalOf(c, service), answer!, prefer, sinceMs);
}

/** A parameter that has to be one of these, as a member; none where it is not given. Throws AppError `invalid_input`. */
function oneOf(c: Context, name: string, known: readonly string[]): { [name: string]: string } {
  const given = c.req.query(name);
  if (given === undefined) return {};
  if (known.includes(given)) return { [name]: given };
  const detail = `${name} is one of ${known.join(", ")}`;
  throw new AppError("invalid_input", detail, { faults: [{ pointer: `#/${name}`, detail }] });
}

/** What is wrong with a request that no operation route took: the flow or the type it names is not there. */
export async function unknownOperation(c: Context, service: Service): Promise<Response | undefined> {
  const [, flow, type] = /^\/v1\/([^/]+)\/([^/]+)$/.exec(c.req.path) ?? [];
  if (!service.accepts || c.req.method !== "POST" || flow === undefined || type === undefined) return undefined;
  const [answer] = await submit(c, service, [{ flow, type, data: undefined }]);
  return answerResponse(c, answer!);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.isWellFormed();
}

/** What headers say about an operation. */
function headersOf(c: Context): Pick<Submission, "key" | "after" | "retryToken" | "partitionkey"> {
  return {
    key: c.req.header("idempotency-key"),
    after: c.req.header("tidegate-after"),
    retryToken: c.req.header("tidegate-retry"),
    partitionkey: c.req.header("tidegate-partition-key"),
  };
}
