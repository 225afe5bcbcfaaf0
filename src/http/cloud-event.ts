// CloudEvents 1.0.2 in the JSON format as data of the flow `events`.
import { AppError } from "../domain/errors.ts";
import { pointerPart } from "../domain/json.ts";
import { EXTENSION_NAME } from "../flows/events.ts";

/** Attributes that every CloudEvent has, `specversion` apart. */
export const REQUIRED = ["id", "source", "type"] as const;

/** Attributes that the flow knows by name; `about` is ours, everything else is an extension. */
const KNOWN = new Set([
  ...REQUIRED,
  "subject",
  "time",
  "dataschema",
  "datacontenttype",
  "data",
  "data_base64",
  "about",
]);

/** Whether a body says of itself that it is a CloudEvent. */
export function isCloudEvent(body: unknown): body is { specversion: unknown } {
  return typeof body === "object" && body !== null && "specversion" in body;
}

/**
 * The flow's data of a structured CloudEvent; its extension attributes are kept together. A null attribute is an absent
 * one, as the JSON format says; null data is data. Throws AppError `invalid_input`.
 */
export function fromCloudEvent(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const { specversion, ...members } = body as Record<string, unknown>;
  if (specversion !== "1.0") throw fault("specversion", `The service takes CloudEvents 1.0${otherThan(specversion)}`);
  for (const name of REQUIRED) {
    if (members[name] === undefined || members[name] === null)
      throw fault(name, "A CloudEvent must have this attribute");
  }
  const data: Record<string, unknown> = {};
  const extensions: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(members)) {
    if (value === null && name !== "data") continue;
    if (KNOWN.has(name)) data[name] = value;
    else extensions[name] = extension(name, value);
  }
  return Object.keys(extensions).length === 0 ? data : { ...data, extensions };
}

function extension(name: string, value: unknown): unknown {
  if (!EXTENSION_NAME.test(name))
    throw fault(name, "An extension attribute is named by 1 to 20 letters a-z and digits");
  if (typeof value === "object") throw fault(name, "An extension attribute is a text, a number, true or false");
  return value;
}

function otherThan(given: unknown): string {
  return given === undefined || typeof given === "object" ? "" : `, not ${JSON.stringify(given).slice(0, 100)}`;
}

/** An attribute that cannot be taken. */
export function fault(name: string, detail: string): AppError {
  const pointer = `#/${pointerPart(name)}`;
  return new AppError("invalid_input", `${pointer}: ${detail}`, { faults: [{ pointer, detail }] });
}

/** An error about an event's data, pointing to the members that they came in: extensions stand beside everything else. */
export function pointToMembers(error: AppError): AppError {
  return pointedAnew(error, (pointer) => pointer.replace(/^#\/extensions\//, "#/"));
}

/** A fault of an event with other pointers. */
export function pointedAnew(error: AppError, pointerOf: (pointer: string) => string): AppError {
  if (error.code !== "invalid_input" || error.faults.length === 0) return error;
  const faults = error.faults.map(({ pointer, detail }) => ({ pointer: pointerOf(pointer), detail }));
  return new AppError("invalid_input", `${faults[0]!.pointer}: ${faults[0]!.detail}`, { faults });
}
