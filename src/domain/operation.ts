// The operation and its record: a structured CloudEvents 1.0.2 JSON value with the traceparent/tracestate and
// partitionkey extensions and our own `tenant` and `stamp`.
import { canonical, type Json } from "./json.ts";

/** One thing a client asks for. `id` and `stamp` are fixed together before the first attempt and never change. */
export interface Operation {
  readonly id: string;
  readonly flow: string;
  readonly type: string;
  /** Version of the schema that `data` follows. */
  readonly version: number;
  readonly tenant: string;
  readonly stamp: string;
  /** Chooses the partition: operations with one key keep their order in the log. */
  readonly partitionKey: string;
  readonly data: { readonly [name: string]: Json };
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** CloudEvents type of our records: `tidegate.<flow>.<type>`. */
const TYPE_PREFIX = "tidegate.";
const SCHEMA_PREFIX = "urn:tidegate:";

/** Traceparent of W3C Trace Context, version 00. */
export const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A decoded record, not yet an operation: flow, type and data are still to be checked against the flows. */
export interface DecodedRecord {
  readonly id: string;
  readonly flow: string;
  readonly type: string;
  readonly version: number;
  readonly tenant: string | undefined;
  readonly stamp: string | undefined;
  readonly timeMs: number | undefined;
  readonly partitionKey: string;
  readonly data: { [name: string]: Json };
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

/**
 * The record's text of an operation. `time` is the stamp's, so encoding the same operation twice gives one text. Written
 * piece by piece: stamps and names of ours need no escaping, and this runs for every operation.
 */
export function encodeRecord(operation: Operation, timeMs: number): string {
  const { id, flow, type, version, tenant, stamp, partitionKey, data, traceparent, tracestate } = operation;
  const trace =
    (traceparent === undefined ? "" : `,"traceparent":${JSON.stringify(traceparent)}`) +
    (tracestate === undefined ? "" : `,"tracestate":${JSON.stringify(tracestate)}`);
  // A foreign record may have none, and an attribute is never empty.
  const key = partitionKey === "" ? "" : `"partitionkey":${JSON.stringify(partitionKey)},`;
  return (
    `{"specversion":"1.0","id":${JSON.stringify(id)},"source":"/tidegate","type":"${TYPE_PREFIX}${flow}.${type}",` +
    `"time":"${isoTime(timeMs)}","datacontenttype":"application/json",` +
    `"dataschema":"${SCHEMA_PREFIX}${flow}.${type}:${version}",${key}` +
    `"tenant":${JSON.stringify(tenant)},"stamp":"${stamp}"${trace},"data":${JSON.stringify(data)}}`
  );
}

let lastMs = Number.NaN;
let lastIso = "";

/** Operations of one millisecond share their text. */
function isoTime(ms: number): string {
  if (ms !== lastMs) {
    lastIso = new Date(ms).toISOString();
    lastMs = ms;
  }
  return lastIso;
}

/** Reads a record's text, or says in words why it is none. Never throws. By hand: it runs for every record. */
export function decodeRecord(value: string): { record: DecodedRecord } | { fault: string } {
  let event: Record<string, unknown>;
  try {
    event = JSON.parse(value);
  } catch {
    return { fault: "The value is not JSON" };
  }
  const fault = isObject(event) ? faultOf(event) : "it is not an object";
  if (fault !== null) return { fault: `Not a CloudEvents 1.0 record: ${fault}` };
  const text = (name: string): string | undefined => event[name] as string | undefined;
  const [flow, type] = splitType(text("type")!);
  const time = text("time");
  const schema = text("dataschema");
  return {
    record: {
      id: text("id")!,
      flow,
      type,
      version: schema === undefined ? 1 : versionOfSchema(schema),
      tenant: text("tenant"),
      stamp: text("stamp"),
      timeMs: time === undefined ? undefined : Date.parse(time),
      partitionKey: text("partitionkey") ?? "",
      data: event.data as { [name: string]: Json },
      traceparent: text("traceparent"),
      tracestate: text("tracestate"),
    },
  };
}

const REQUIRED = ["id", "source", "type"];
const OPTIONAL = ["dataschema", "partitionkey", "tenant", "stamp", "traceparent", "tracestate", "time"];
const ATTRIBUTE_CHARACTERS_MAX = 8_192;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** What keeps a record from being a CloudEvent of the attributes we read; null when nothing does. */
function faultOf(event: Record<string, unknown>): string | null {
  if (event.specversion !== "1.0") return "specversion is not 1.0";
  for (const name of REQUIRED) if (!isAttribute(event[name])) return `${name} is missing or no short text`;
  for (const name of OPTIONAL) {
    if (event[name] !== undefined && !isAttribute(event[name])) return `${name} is no short text`;
  }
  const { time, data } = event;
  if (time !== undefined && !(RFC_3339.test(time as string) && Number.isFinite(Date.parse(time as string))))
    return "time is no time";
  return isObject(data) ? null : "data is not an object";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAttribute(value: unknown): boolean {
  return typeof value === "string" && value !== "" && value.length <= ATTRIBUTE_CHARACTERS_MAX;
}

/** The version a schema's name ends with; -1, which nobody knows, when it ends with none. */
function versionOfSchema(schema: string): number {
  const version = Number(schema.slice(schema.lastIndexOf(":") + 1));
  return Number.isSafeInteger(version) ? version : -1;
}

function splitType(type: string): [flow: string, type: string] {
  if (!type.startsWith(TYPE_PREFIX)) return ["", ""];
  const dot = type.lastIndexOf(".");
  return [type.slice(TYPE_PREFIX.length, dot), type.slice(dot + 1)];
}

/** What the hash of an operation covers: everything that decides its effect but id and stamp. */
export function hashText(operation: Pick<Operation, "flow" | "type" | "data">): string {
  return `${operation.flow}.${operation.type}:${canonical(operation.data)}`;
}
