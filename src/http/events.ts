// `POST /events`: CloudEvents in structured, binary and batch mode, or plain JSON. All become operations of the flow
// `events`.
import type { Context, Hono } from "hono";
import type { Submission } from "../app/intake.ts";
import { asAppError } from "../domain/errors.ts";
import { readArray } from "./batch.ts";
import { isBinaryEvent, pointToHeaders, readBinaryEvent } from "./binary-event.ts";
import { mediaType, readJson, requireMediaType } from "./body.ts";
import { fromCloudEvent, isCloudEvent } from "./cloud-event.ts";
import { answerOne } from "./operations.ts";
import type { Service } from "./service.ts";
import { submit } from "./submit.ts";

const STRUCTURED = "application/cloudevents+json";
const BATCH = "application/cloudevents-batch+json";

export function eventRoutes(app: Hono, service: Service): void {
  if (!service.accepts) return;
  app.post("/events", async (c: Context) => {
    const type = mediaType(c);
    if (type === BATCH) {
      const takeAll = (submissions: readonly Submission[]) => submit(c, service, submissions);
      return readArray(c, service, takeAll, fromBatch);
    }
    // The media type decides on the mode; only where it is not CloudEvents' own do the headers.
    const binary = !type.startsWith("application/cloudevents") && isBinaryEvent(c);
    const data = binary ? await readBinaryEvent(c, service.limits.bodyBytesMax) : await readBody(c, service);
    return answerOne(c, service, submissionOf(data), binary ? pointToHeaders : undefined);
  });
}

async function readBody(c: Context, { limits }: Service): Promise<unknown> {
  const type = requireMediaType(c, STRUCTURED, BATCH, "application/json");
  const body = await readJson(c, limits.bodyBytesMax);
  return type === STRUCTURED || isCloudEvent(body) ? fromCloudEvent(body) : body;
}

function fromBatch(item: unknown) {
  try {
    return submissionOf(fromCloudEvent(item));
  } catch (error) {
    return asAppError(error);
  }
}

function submissionOf(data: unknown): Submission {
  return { flow: "events", type: "record", data };
}
