// CloudEvents 1.0.2 in HTTP's binary mode: attributes are `ce-` headers, the body is the data, its Content-Type is
// `datacontenttype`.
import type { Context } from "hono";
import { base64 } from "../domain/base64.ts";
import { type AppError, asAppError } from "../domain/errors.ts";
import { decodeText, mediaType, parseJson, readBytes } from "./body.ts";
import { fault, fromCloudEvent, pointedAnew, REQUIRED } from "./cloud-event.ts";

const PREFIX = "ce-";

/** What is said by the body and its Content-Type, and by no header of its own. */
const NOT_BY_HEADER = new Set(["data", "data_base64", "datacontenttype"]);

/** Members of a submission that come in no `ce-` header. */
const NOT_PREFIXED = new Set(["data", "data_base64", "key", "after", "retryToken", "partitionkey"]);

/** Whether a request without a media type of CloudEvents' own carries an event: one of the required headers is there. */
export function isBinaryEvent(c: Context): boolean {
  return ["specversion", ...REQUIRED].some((name) => c.req.header(PREFIX + name) !== undefined);
}

/**
 * The flow's data of an event in binary mode. JSON becomes its value, text its string, anything else base64; an empty
 * body is no data. All attributes are texts, since a header does not say of what type it is. Throws AppError
 * `invalid_input` that points to headers, `malformed` or `payload_too_large`.
 */
export async function readBinaryEvent(c: Context, bytesMax: number): Promise<unknown> {
  const attributes = Object.fromEntries(attributesOf(c));
  try {
    // Before the body is read: the data of an event that is none does not matter.
    fromCloudEvent(attributes);
  } catch (error) {
    throw pointToHeaders(asAppError(error));
  }
  const contentType = c.req.header("content-type");
  const typed = contentType === undefined ? {} : { datacontenttype: contentType };
  return fromCloudEvent({ ...attributes, ...typed, ...dataOf(mediaType(c), await readBytes(c, bytesMax)) });
}

/** An error about an event's members, pointing to the headers that they came in. */
export function pointToHeaders(error: AppError): AppError {
  return pointedAnew(error, headerPointer);
}

function headerPointer(pointer: string): string {
  const [, member, extension] = pointer.split("/");
  if (member === undefined || NOT_PREFIXED.has(member)) return pointer;
  if (member === "datacontenttype") return "#/content-type";
  return `#/${PREFIX}${member === "extensions" ? (extension ?? member) : member}`;
}

function* attributesOf(c: Context): Generator<[name: string, value: unknown]> {
  for (const [header, raw] of c.req.raw.headers) {
    if (!header.startsWith(PREFIX)) continue;
    const name = header.slice(PREFIX.length);
    if (NOT_BY_HEADER.has(name)) throw fault(header, "The body and its Content-Type say this, no header does");
    const value = decodeValue(header, raw);
    yield [name, name === "about" ? entityNamed(value) : value];
  }
}

const QUOTED = /^"((?:[^"\\]|\\.)*)"$/;

/** Unquotes as HTTP quotes, then percent-decodes once, as the HTTP binding says. */
function decodeValue(header: string, raw: string): string {
  const unquoted = QUOTED.exec(raw)?.[1]?.replace(/\\(.)/g, "$1") ?? raw;
  if (!/^[\x20-\x7e]*$/.test(unquoted))
    throw fault(header, "The header holds more than printable ASCII; percent-encode its UTF-8");
  try {
    return decodeURIComponent(unquoted);
  } catch {
    throw fault(header, "The header is not the percent-encoding of UTF-8; a percent sign is %25");
  }
}

/** `Kind/id`: what an event is about has two parts, and a header is one text. */
function entityNamed(text: string): unknown {
  const [, kind, id] = /^([^/]*)\/(.*)$/s.exec(text) ?? [];
  return kind === undefined ? text : { kind, id };
}

const JSON_TYPE = /^(application|text)\/json$|\+json$/;
const TEXT_TYPE = /^text\/|^application\/xml$|\+xml$/;

function dataOf(type: string, bytes: Uint8Array): { data?: unknown; data_base64?: string } {
  if (bytes.byteLength === 0) return {};
  if (JSON_TYPE.test(type)) return { data: parseJson(decodeText(bytes), "The body") };
  const text = TEXT_TYPE.test(type) ? textOf(bytes) : undefined;
  return text === undefined ? { data_base64: base64(bytes) } : { data: text };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 as it stands; text in any other encoding is kept as bytes. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
