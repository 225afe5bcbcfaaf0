// What a produce request holds. Written by hand rather than as a schema: it runs for every record.
import { decodeBase64, utf8Length } from "./base64.ts";
import type { AppendRecord, Content, LogHeader } from "./log.ts";
import type { Format } from "./media-type.ts";
import { RestError } from "./rest-error.ts";

/** What a record is parsed against. */
export interface ProduceContext {
  readonly format: Format;
  /** The partition that the path names; records may not name one then. */
  readonly partition: number | null;
  readonly recordsMax: number;
  /** Timestamp of records that bring none. */
  readonly nowMs: number;
}

const MEMBERS = new Set(["key", "value", "partition", "timestamp", "headers"]);
const HEADERS_MAX = 256;

type Fields = Readonly<Record<string, unknown>>;

/** The records of a body. Throws RestError `invalid` for a body of another shape, `too_large` for too many records. */
export function parseProduce(body: unknown, context: ProduceContext): AppendRecord[] {
  const records = isFields(body) ? body.records : undefined;
  if (!Array.isArray(records) || records.length === 0) throw invalid("Invalid request format");
  if (records.length > context.recordsMax) {
    throw new RestError(
      "too_large",
      `The request has ${records.length} records, at most ${context.recordsMax} may be sent`,
    );
  }
  const part = context.format === "binary" ? binaryPart : jsonPart;
  return records.map((record: unknown) => parseRecord(record, context, part));
}

/** A key or a value, and how many bytes it has. */
interface Part {
  readonly content: Content | null;
  readonly bytes: number;
}

const NOTHING: Part = { content: null, bytes: 0 };

function parseRecord(record: unknown, context: ProduceContext, part: (json: unknown) => Part): AppendRecord {
  if (!isFields(record)) throw invalid("Invalid request format");
  for (const name in record) if (!MEMBERS.has(name)) throw invalid(`Invalid request format: unknown member ${name}`);
  const key = part(record.key);
  const value = part(record.value);
  const headers = record.headers === undefined ? NO_HEADERS : parseHeaders(record.headers);
  return {
    partition: partitionOf(record.partition, context.partition),
    key: key.content,
    value: value.content,
    headers: headers.list,
    timestampMs: timestampOf(record.timestamp, context.nowMs),
    bytes: key.bytes + value.bytes + headers.bytes,
  };
}

function binaryPart(json: unknown): Part {
  if (json === null || json === undefined) return NOTHING;
  const bytes = typeof json === "string" ? decodeBase64(json) : undefined;
  if (bytes === undefined) throw invalid("A key or value is not a base64 string");
  return { content: bytes, bytes: bytes.length };
}

function jsonPart(json: unknown): Part {
  if (json === null || json === undefined) return NOTHING;
  try {
    const content = JSON.stringify(json);
    return { content, bytes: utf8Length(content) };
  } catch {
    throw invalid("A key or value is nested too deeply");
  }
}

interface Headers {
  readonly list: readonly LogHeader[];
  readonly bytes: number;
}

const NO_HEADERS: Headers = { list: [], bytes: 0 };

function parseHeaders(json: unknown): Headers {
  if (json === null) return NO_HEADERS;
  if (!Array.isArray(json) || json.length > HEADERS_MAX) throw invalid("Headers are not a short array");
  let bytes = 0;
  const list = json.map((header: unknown): LogHeader => {
    if (!isFields(header) || typeof header.key !== "string") throw invalid("A header has no key");
    const key = header.key.toWellFormed();
    const value = binaryPart(header.value);
    bytes += utf8Length(key) + value.bytes;
    return { key, value: value.content };
  });
  return { list, bytes };
}

/** A number no partition has passes: it is a fault of its record, not of the request. */
function partitionOf(partition: unknown, ofPath: number | null): number | null {
  if (partition === null || partition === undefined) return ofPath;
  if (ofPath !== null) throw invalid("The path names the partition, so a record may not");
  if (!Number.isSafeInteger(partition)) throw invalid("A partition is not an integer");
  return partition as number;
}

function timestampOf(timestamp: unknown, nowMs: number): number {
  if (timestamp === null || timestamp === undefined) return nowMs;
  if (!Number.isSafeInteger(timestamp) || (timestamp as number) < 0)
    throw invalid("A timestamp is not in milliseconds");
  return timestamp as number;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string): RestError {
  return new RestError("invalid", message);
}
