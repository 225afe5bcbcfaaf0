// `POST /events`: a CloudEvent in structured form, or plain JSON. Both become operations of the flow `events`.
import type { Context, Hono } from "hono";
import type { Submission } from "../app/intake.ts";
import { AppError } from "../domain/errors.ts";
import { pointerPart } from "../domain/json.ts";
import { EXTENSION_NAME } from "../flows/events.ts";
import { answerResponse } from "./answer.ts";
import { readJson, requireMediaType } from "./body.ts";
import { headersOf } from "./operations.ts";
import { type Service, TENANT } from "./service.ts";

const STRUCTURED = "application/cloudevents+json";

/** CloudEvents 1.0.2 attributes that the flow knows by name; `about` is ours, everything else is an extension. */
const ATTRIBUTES = new Set([
  "id",
  "source",
  "type",
  "subject",
  "time",
  "dataschema",
  "datacontenttype",
  "data",
  "about",
]);

export function eventRoutes(app: Hono, service: Service): void {
  if (!service.accepts) return;
  app.post("/events", async (c: Context) => {
    if (c.req.header("ce-specversion") !== undefined) {
      throw new AppError("unsupported_media_type", `CloudEvents in binary mode are not taken; send ${STRUCTURED}`);
    }
    const type = requireMediaType(c, STRUCTURED, "application/json");
    const body = await readJson(c, service.limits.bodyBytesMax);
    const data = type === STRUCTURED || isCloudEvent(body) ? fromCloudEvent(body) : body;
    const submission: Submission = { flow: "events", type: "record", data, ...headersOf(c) };
    const [answer] = await service.accept([submission], TENANT);
    return answerResponse(c, answer!);
  });
}

function isCloudEvent(body: unknown): body is { specversion: unknown } {
  return typeof body === "object" && body !== null && "specversion" in body;
}

/**
 * The flow's data of a structured CloudEvent; its extension attributes are kept together. A null attribute is an absent
 * one, as the JSON format says; null data is data.
 */
export function fromCloudEvent(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const { specversion, ...members } = body as Record<string, unknown>;
  if (specversion !== "1.0") throw fault("specversion", `The service takes CloudEvents 1.0${otherThan(specversion)}`);
  for (const name of ["id", "source", "type"]) {
    if (members[name] === undefined || members[name] === null)
      throw fault(name, "A CloudEvent must have this attribute");
  }
  const data: Record<string, unknown> = {};
  const extensions: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(members)) {
    if (value === null && name !== "data") continue;
    if (ATTRIBUTES.has(name)) data[name] = value;
    else extensions[name] = extension(name, value);
  }
  return Object.keys(extensions).length === 0 ? data : { ...data, extensions };
}

function extension(name: string, value: unknown): unknown {
  if (name === "data_base64") throw fault(name, "Binary data is not taken; send JSON in data");
  if (!EXTENSION_NAME.test(name))
    throw fault(name, "An extension attribute is named by 1 to 20 letters a-z and digits");
  if (typeof value === "object") throw fault(name, "An extension attribute is a text, a number, true or false");
  return value;
}

function otherThan(given: unknown): string {
  return given === undefined || typeof given === "object" ? "" : `, not ${JSON.stringify(given).slice(0, 100)}`;
}

function fault(name: string, detail: string): AppError {
  const pointer = `#/${pointerPart(name)}`;
  return new AppError("invalid_input", `${pointer}: ${detail}`, { faults: [{ pointer, detail }] });
}
