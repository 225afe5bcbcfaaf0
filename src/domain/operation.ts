// The operation and its record: a structured CloudEvents 1.0.2 JSON value with the traceparent/tracestate and
// partitionkey extensions and our own `tenant` and `stamp`.
import * as z from "zod";
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

const text = z.string().min(1).max(1024);

/** What a record must have to be looked at further. `stamp` may be missing in records of foreign producers. */
const recordSchema = z.object({
  specversion: z.literal("1.0"),
  id: text,
  source: text,
  type: text,
  time: z.iso.datetime({ offset: true }).optional(),
  dataschema: z.string().optional(),
  partitionkey: z.string().optional(),
  tenant: text.optional(),
  stamp: z.string().optional(),
  traceparent: z.string().optional(),
  tracestate: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
});

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

/** The record's text of an operation. `time` is the stamp's, so encoding the same operation twice gives one text. */
export function encodeRecord(operation: Operation, timeMs: number): string {
  return JSON.stringify({
    specversion: "1.0",
    id: operation.id,
    source: "/tidegate",
    type: `${TYPE_PREFIX}${operation.flow}.${operation.type}`,
    time: new Date(timeMs).toISOString(),
    datacontenttype: "application/json",
    dataschema: `${SCHEMA_PREFIX}${operation.flow}.${operation.type}:${operation.version}`,
    partitionkey: operation.partitionKey,
    tenant: operation.tenant,
    stamp: operation.stamp,
    traceparent: operation.traceparent,
    tracestate: operation.tracestate,
    data: operation.data,
  });
}

/** Reads a record's text, or says in words why it is none. Never throws. */
export function decodeRecord(value: string): { record: DecodedRecord } | { fault: string } {
  let json: unknown;
  try {
    json = JSON.parse(value);
  } catch {
    return { fault: "The value is not JSON" };
  }
  const parsed = recordSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return { fault: `Not a CloudEvents 1.0 record: ${issue.path.join(".") || "value"}: ${issue.message}` };
  }
  const event = parsed.data;
  const [flow, type] = splitType(event.type);
  const version =
    event.dataschema === undefined ? 1 : Number(event.dataschema.slice(event.dataschema.lastIndexOf(":") + 1));
  return {
    record: {
      id: event.id,
      flow,
      type,
      version: Number.isSafeInteger(version) ? version : -1,
      tenant: event.tenant,
      stamp: event.stamp,
      timeMs: event.time === undefined ? undefined : Date.parse(event.time),
      partitionKey: event.partitionkey ?? "",
      data: event.data as { [name: string]: Json },
      traceparent: event.traceparent,
      tracestate: event.tracestate,
    },
  };
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
