// What a flow is: data from which routes, topics, switches, schemas, docs and metrics derive.
import * as z from "zod";
import type { Json } from "../domain/json.ts";
import { entityKey, parseEntityKey } from "../domain/key.ts";
import type { Kind, Reference } from "../domain/model.ts";
import type { Operation } from "../domain/operation.ts";
import { stampMs } from "../domain/stamp.ts";
import { type Change, type EntityState, fieldValue } from "../domain/state.ts";

/** Data of an operation after its schema has checked it. */
export type Data = { readonly [name: string]: Json };

/** One operation type of a flow. */
export interface OperationType {
  /** Version of `input`; raised when a change of the schema needs old records to be migrated. */
  readonly version: number;
  /** What clients send and records carry. No defaults: they are applied when reading (core-proof #5). */
  readonly input: z.ZodType;
  /** From version n to n + 1: pure and total. A register moved to another name keeps its version (core-proof #38). */
  readonly upcasts?: { readonly [from: number]: (data: Data) => Data };
  /** The effect. A function of the operation alone: it never sees the database (core-proof #1). */
  changes(operation: Operation): readonly Change[];
}

/** How a flow's Kafka is switched. */
export interface Switch {
  /** The environment variable of this flow. */
  readonly variable: string;
  /** True: unset follows ENABLE_KAFKA, whose default is on. False: the variable alone decides, and unset is off. */
  readonly followsGlobal: boolean;
}

export interface FlowDefinition {
  readonly name: string;
  readonly topic: string;
  readonly switch: Switch;
  readonly kind: Kind;
  readonly types: { readonly [type: string]: OperationType };
  /** The id of the entity that an operation is about; undefined when the service is to mint one. */
  readonly entityId?: (data: Data) => string | undefined;
  /** What keeps its order in the log; defaults to the entity's id. */
  readonly partitionBy?: (data: Data) => string | undefined;
  /** Values that are derived when reading, from the registers alone. */
  readonly derive?: (state: EntityState) => { readonly [name: string]: Json };
}

/** A flow with everything filled in. */
export interface Flow extends FlowDefinition {
  readonly entityId: (data: Data) => string | undefined;
  readonly partitionBy: (data: Data) => string | undefined;
  readonly derive: (state: EntityState) => { readonly [name: string]: Json };
}

/** Completes a flow's definition. */
export function defineFlow(definition: FlowDefinition): Flow {
  const entityId = definition.entityId ?? ((data: Data) => data.id as string | undefined);
  return { partitionBy: entityId, derive: () => ({}), ...definition, entityId };
}

/** A field that belongs to an owner: hidden with it. */
export function ownedBy(field: string, relation: string): Reference {
  return { field, relation, direction: "in", owner: true };
}

/** A field that names somebody it does not belong to. */
export function refersTo(field: string, relation: string, direction: "in" | "out"): Reference {
  return { field, relation, direction, owner: false };
}

/** Id of an entity as a client gives it. */
export const id = z.string().min(1).max(200);

/** The usual forms are turned by hand: this runs for every message, and a Date costs ten times as much. */
function toUtc(text: string): string {
  if (text.length === 24 && text.endsWith("Z")) return text;
  if (text.length === 20 && text.endsWith("Z")) return `${text.slice(0, 19)}.000Z`;
  return new Date(text).toISOString();
}

const TIME_CHARACTERS = "0000-00-00T00:00:00.000Z".length;

/** A point in time with offset, kept as UTC with milliseconds. */
export const time = z.iso
  .datetime({ offset: true })
  .transform(toUtc)
  .pipe(z.string().max(TIME_CHARACTERS, { error: "In UTC the time lies outside the years 0 to 9999" }));

/** Free members of the client's own: one value, whole (core-proof #9). */
export const metadata = z.record(z.string().max(200), z.json());

/** Makes every field of a create optional for an update, which must name at least one. */
export function updateOf<Shape extends z.ZodRawShape>(shape: Shape): z.ZodType {
  return z
    .strictObject({ id, ...z.object(shape).partial().shape })
    .refine((data) => Object.keys(data).length > 1, { error: "An update must name at least one field" });
}

/** The create type of a flow: `id` optional, minted by the service when absent. */
export function createType(kind: Kind, targets: Targets, shape: z.ZodRawShape): OperationType {
  return {
    version: 1,
    input: z.strictObject({ id: id.optional(), ...shape }),
    changes: changesOf("create", kind, targets),
  };
}

/** The update type of a flow. */
export function updateType(kind: Kind, targets: Targets, shape: z.ZodRawShape): OperationType {
  return { version: 1, input: updateOf(shape), changes: changesOf("update", kind, targets) };
}

/** The delete type of a flow. */
export function deleteType(kind: Kind): OperationType {
  return {
    version: 1,
    input: z.strictObject({ id }),
    changes: (operation) => [
      { type: "delete", key: entityKey(operation.tenant, kind.name, operation.data.id as string) },
    ],
  };
}

/** Which kind each reference field of a flow names. */
export type Targets = { readonly [field: string]: string };

function changesOf(type: "create" | "update", kind: Kind, targets: Targets): (operation: Operation) => Change[] {
  return ({ tenant, data }) => {
    const fields: Record<string, Json> = {};
    for (const name of Object.keys(data)) {
      if (name === "id") continue;
      const value = data[name]!;
      const target = targets[name];
      fields[name] = target !== undefined && typeof value === "string" ? entityKey(tenant, target, value) : value;
    }
    return [{ type, key: entityKey(tenant, kind.name, data.id as string), fields }];
  };
}

/**
 * An entity as clients see it: id, values that are not null, references by id (with their kind where it can vary), and
 * what the flow derives. Versions and flags stay inside.
 */
export function present(flow: Flow, key: string, state: EntityState): { [name: string]: Json } {
  const shown: { [name: string]: Json } = { id: parseEntityKey(key).id };
  for (const [name, [value]] of Object.entries(state.fields)) {
    if (value === null) continue;
    shown[name] = flow.kind.references.some((reference) => reference.field === name)
      ? referred(flow, name, value)
      : value;
  }
  return { ...shown, ...flow.derive(state) };
}

function referred(flow: Flow, field: string, value: Json): Json {
  if (typeof value !== "string") return value;
  const { kind, id } = parseEntityKey(value);
  return flow.kind.references.find((reference) => reference.field === field)?.relation === "ABOUT" ? { kind, id } : id;
}

/** The time of a register's version, for values that count as given when the operation was made. */
export function registerTime(state: EntityState, field: string): string | null {
  const register = state.fields[field];
  return register === undefined || fieldValue(state, field) === null
    ? null
    : new Date(stampMs(register[1])).toISOString();
}
