// Content negotiation of the v2 dialect: which formats a request may bring and may ask for.
import { RestError } from "./rest-error.ts";

/** Everything that is not records. */
export const META = "application/vnd.kafka.v2+json";
/** Records with base64 keys and values. */
export const BINARY = "application/vnd.kafka.binary.v2+json";
/** Records with JSON keys and values. */
export const JSON_RECORDS = "application/vnd.kafka.json.v2+json";

/** How keys and values of a produce request are written. */
export type Format = "binary" | "json";

/** The format of a produce request. Throws RestError `unsupported_media_type`. */
export function produceFormat(contentType: string | undefined): Format {
  const type = essence(contentType ?? "");
  if (type === BINARY) return "binary";
  if (type === JSON_RECORDS) return "json";
  throw new RestError("unsupported_media_type", "HTTP 415 Unsupported Media Type");
}

/** Throws RestError `unsupported_media_type` unless a body without records is JSON. */
export function checkJson(contentType: string | undefined): void {
  const known = ["application/json", META, BINARY, JSON_RECORDS];
  if (known.includes(essence(contentType ?? ""))) return;
  throw new RestError("unsupported_media_type", "HTTP 415 Unsupported Media Type");
}

/** Throws RestError `not_acceptable` when the client does not take any of `offered`; no header takes everything. */
export function checkAccept(accept: string | undefined, offered: readonly string[]): void {
  if (accept === undefined || accept.trim() === "") return;
  const taken = accept
    .split(",")
    .filter((range) => !/;\s*q=0(\.0*)?\s*(;|$)/i.test(range))
    .map(essence);
  if (taken.some((type) => type === "*/*" || type === "application/*" || offered.includes(type))) return;
  throw new RestError("not_acceptable", `The answer has format ${offered[0]}, which Accept does not name`);
}

/** The media type without its parameters. */
function essence(type: string): string {
  return type.split(";", 1)[0]!.trim().toLowerCase();
}
