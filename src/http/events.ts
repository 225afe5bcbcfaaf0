// `POST /events`: CloudEvents in structured, binary and batch mode, or plain JSON. All become operations of the flow
// `events`.
import type { Context, Hono } from "hono";
import type { AppError } from "../domain/errors.ts";
import { EVENT_BATCH } from "./batch.ts";
import { isBinaryEvent, pointToHeaders, readBinaryEvent } from "./binary-event.ts";
import { mediaType, readJson, requireMediaType } from "./body.ts";
import { fromCloudEvent, isCloudEvent, pointToMembers } from "./cloud-event.ts";
import { readEvents } from "./event-batch.ts";
import { answerOne } from "./operations.ts";
import type { Service } from "./service.ts";
import { submit } from "./submit.ts";

const STRUCTURED = "application/cloudevents+json";

export function eventRoutes(app: Hono, service: Service): void {
  if (!service.accepts) return;
  app.post("/events", async (c: Context) => {
    const type = mediaType(c);
    if (type === EVENT_BATCH) return readEvents(c, service, (submissions) => submit(c, service, submissions));
    const record = (data: unknown, pointing?: (error: AppError) => AppError): Promise<Response> =>
      answerOne(c, service, { flow: "events", type: "record", data }, pointing);
    // The media type decides on the mode; only where it is not CloudEvents' own do the headers.
    const binary = !type.startsWith("application/cloudevents") && isBinaryEvent(c);
    if (binary) return record(await readBinaryEvent(c, service.limits.bodyBytesMax), pointToHeaders);
    const given = requireMediaType(c, STRUCTURED, EVENT_BATCH, "application/json");
    const body = await readJson(c, service.limits.bodyBytesMax);
    if (given !== STRUCTURED && !isCloudEvent(body)) return record(body);
    return record(fromCloudEvent(body), pointToMembers);
  });
}
