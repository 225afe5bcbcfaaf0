// The JSON Schema of records: the envelope of domain/operation.ts around the data of an operation type.
import type * as z from "zod";
import type { Flow, OperationType } from "./define.ts";
import { type Components, type JsonSchema, toJsonSchema } from "./json-schema.ts";

/** What a record of one type and version carries. */
export interface RecordKind {
  /** `<flow>.<type>` */
  readonly name: string;
  readonly flow: Flow;
  readonly type: OperationType;
  readonly version: number;
  readonly input: z.ZodType;
}

/** Every type of a flow in its newest version, those that the service makes itself included. */
export function recordKinds(flow: Flow): RecordKind[] {
  return Object.entries(flow.types).map(([name, type]) => ({
    name: `${flow.name}.${name}`,
    flow,
    type,
    version: type.version,
    input: type.input,
  }));
}

/** Every type of a flow in every version that its log may hold, the newest first. */
export function allRecordKinds(flow: Flow): RecordKind[] {
  return recordKinds(flow).flatMap((newest) => {
    const before = Object.entries(newest.type.inputsBefore ?? {}).map(([version, input]) => ({
      ...newest,
      version: Number(version),
      input,
    }));
    return [newest, ...before.toReversed()];
  });
}

/**
 * The schema of a kind of record. It leaves out what cannot be said in a schema: that an id is ours, say. A record
 * without a `dataschema` is of version 1.
 */
export function recordSchema({ name, version, input }: RecordKind, components: Components): JsonSchema {
  const text = { type: "string", minLength: 1 };
  const properties = {
    specversion: { const: "1.0" },
    id: { ...text, description: "The operation's id." },
    source: text,
    type: { const: `tidegate.${name}` },
    time: { type: "string", format: "date-time" },
    datacontenttype: { const: "application/json" },
    dataschema: { const: `urn:tidegate:${name}:${version}` },
    partitionkey: text,
    tenant: text,
    stamp: { ...text, description: "Orders the operation among all others." },
    traceparent: text,
    tracestate: text,
    data: toJsonSchema(input, components, "draft-07"),
  };
  const required = ["specversion", "id", "source", "type", ...(version > 1 ? ["dataschema"] : []), "data"];
  return { type: "object", properties, required };
}
