// What a flow is: data from which routes, topics, switches, schemas, docs and metrics derive.
import * as z from "zod";
import type { Json } from "../domain/json.ts";
import { entityKey, parseEntityKey } from "../domain/key.ts";
import type { Kind, Reference } from "../domain/model.ts";
import type { Operation } from "../domain/operation.ts";
import type { Query } from "../domain/query.ts";
import { stampMs } from "../domain/stamp.ts";
import { type Change, type EntityState, fieldValue } from "../domain/state.ts";
import type { Outside, Prepared } from "./outside.ts";
import { type Keyed, partitionKeys } from "./partition.ts";

/** Data of an operation after its schema has checked it. */
export type Data = { readonly [name: string]: Json };

/** One operation type of a flow. */
export interface OperationType<Input extends z.ZodType = z.ZodType> {
  /** Version of `input`; raised when a change of the schema needs old records to be migrated. */
  readonly version: number;
  /** What clients send and records carry. No defaults: they are applied when reading (core-proof #5). */
  readonly input: Input;
  /** From version n to n + 1: pure and total. A register moved to another name keeps its version (core-proof #38). */
  readonly upcasts?: { readonly [from: number]: (data: Data) => Data };
  /** Schemas of earlier versions, one for each upcast: the log may hold their records for ever. */
  readonly inputsBefore?: { readonly [version: number]: z.ZodType };
  /** The effect. A function of the operation alone: it never sees the database (core-proof #1). */
  changes(operation: Operation): readonly Change[];
  /** The kind it is about where that is not the flow's; null when it is about no entity. */
  readonly kind?: Kind | null;
  /** Made by the service itself: results of prepared work and operators' decisions. Not accepted over HTTP. */
  readonly internal?: true;
  /** Work with the outside world that it asks for. */
  readonly prepare?: Preparation;
  /** On the result of prepared work: it names the request's id in its field `request`. */
  readonly isResult?: true;
  /** The question it asks; it changes nothing then (core-proof #34). */
  readonly query?: (operation: Operation) => { readonly query: Query; readonly limit: number };
  /** What a person decided about a parked record: named by `record`, with the text of an edited one in `value`. */
  readonly verdict?: Verdict;
}

/** What can be decided about a parked record. */
export type Verdict = "replay" | "discard";

/**
 * Work that runs outside any transaction, at least once, with the operation id as idempotency key. Its result is an
 * operation of its own (core-proof #32).
 */
export interface Preparation {
  /** Type of the result, in the same flow. */
  readonly result: string;
  /** Does the work. Throws when it should be tried again; on the last attempt it answers what can be said of the failure. */
  run(operation: Operation, outside: Outside): Promise<Prepared>;
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
  /** Where operations go that the configuration sends nowhere else. */
  readonly topic: string;
  /** What the patterns of a configuration are held against; a flow without it has one topic. */
  readonly routeBy?: (data: Data) => string | undefined;
  readonly switch: Switch;
  readonly kind: Kind;
  /** Further kinds, of types that say so. */
  readonly furtherKinds?: readonly Kind[];
  readonly types: { readonly [type: string]: OperationType };
  /** The id of the entity that an operation is about; undefined when the service is to mint one. */
  readonly entityId?: (data: Data) => string | undefined;
  /** What keeps its order in the log where no strategy is configured; defaults to the entity's id. */
  readonly partitionBy?: (data: Data) => string | undefined;
  /** Values that are derived when reading, from the registers alone. */
  readonly derive?: (state: EntityState, kind: string) => { readonly [name: string]: Json };
}

/** A flow with everything filled in; `configureFlows` gives it the topics and keys of a configuration. */
export interface Flow extends FlowDefinition {
  /** Every topic of the flow, the default first. No other flow has one of them. */
  readonly topics: readonly string[];
  /** The topic of an operation. What is found in another topic of the flow has the same effect. */
  readonly topicOf: (operation: Pick<Operation, "type" | "data">) => string;
  /** The partition key of an operation. */
  readonly partitionKeyOf: (keyed: Keyed) => string;
  readonly entityId: (data: Data) => string | undefined;
  readonly partitionBy: (data: Data) => string | undefined;
  readonly derive: (state: EntityState, kind: string) => { readonly [name: string]: Json };
  readonly kinds: readonly Kind[];
}

/** A flow that remembers its name, its types and its kinds in its own type: clients know the data of its operations by it. */
export interface DefinedFlow<Name extends string, Types extends FlowDefinition["types"], OfKind extends Kind>
  extends Flow {
  readonly name: Name;
  readonly types: Types;
  readonly kinds: readonly OfKind[];
}

/** Types with their inputs, and which of them the service alone makes. */
type InputsOf<Types extends FlowDefinition["types"]> = {
  readonly [Type in keyof Types]: Types[Type] extends { readonly internal: true }
    ? OperationType<Types[Type]["input"]> & { readonly internal: true }
    : OperationType<Types[Type]["input"]>;
};

type FurtherKindOf<Definition> = Definition extends { readonly furtherKinds: readonly (infer Further extends Kind)[] }
  ? Further
  : never;

/** What a client may send as the data of an operation type. */
export type InputOf<Type extends OperationType> = z.input<Type["input"]>;

/**
 * Completes a flow's definition. Every flow also takes decisions about the parked records of its topic.
 *
 * @example
 * ```ts
 * const kind = { name: "Note", implicit: false, references: [refersTo("user", "WROTE", "in")], order: [] };
 * const fields = { user: id, text: z.string().max(10_000) };
 * const notes = defineFlow({
 *   name: "notes",
 *   topic: "note-operations",
 *   switch: { variable: "KAFKA_NOTES", followsGlobal: true },
 *   kind,
 *   types: { create: createType(kind, { user: "User" }, fields), delete: deleteType(kind) },
 * });
 * ```
 */
export function defineFlow<const Definition extends FlowDefinition>(
  definition: Definition,
): DefinedFlow<Definition["name"], InputsOf<Definition["types"]>, Definition["kind"] | FurtherKindOf<Definition>> {
  const entityId = definition.entityId ?? ((data: Data) => data.id as string | undefined);
  const { topic } = definition;
  const flow = { partitionBy: entityId, derive: () => ({}), ...definition, entityId };
  return {
    ...flow,
    topics: [topic],
    topicOf: () => topic,
    partitionKeyOf: partitionKeys(flow),
    kinds: [definition.kind, ...(definition.furtherKinds ?? [])],
    types: { ...definition.types, ...DECISIONS, canary: CANARY },
  } as unknown as DefinedFlow<
    Definition["name"],
    InputsOf<Definition["types"]>,
    Definition["kind"] | FurtherKindOf<Definition>
  >;
}

/** The kind that operations of a type are about; null when it is none. */
export function kindOfType(flow: Flow, type: OperationType): Kind | null {
  return type.kind === undefined ? flow.kind : type.kind;
}

/** The topic of an operation's record: a decision goes where the record lies that it is about. */
export function logTopic(flow: Flow, type: OperationType, operation: Pick<Operation, "type" | "data">): string {
  if (type.verdict === undefined) return flow.topicOf(operation);
  return (operation.data.record as string).split("/").slice(0, -2).join("/");
}

/** Data that names its entity: minted from the operation's id where the client gave none. */
export function withEntityId(flow: Flow, type: OperationType, data: Data, operationId: string): Data {
  if (kindOfType(flow, type) === null || flow.entityId(data) !== undefined) return data;
  return { ...data, id: operationId };
}

function decision(verdict: Verdict, shape: z.ZodRawShape): OperationType {
  const input = z.strictObject({ record: z.string().min(1).max(400), ...shape });
  return { version: 1, internal: true, kind: null, verdict, input, changes: () => [] };
}

/** Decisions are records in the log, so that a rebuild makes them again (core-proof #36). */
const DECISIONS = {
  replayed: decision("replay", {}),
  edited: decision("replay", { value: z.string().min(1) }),
  discarded: decision("discard", {}),
} as const;

/** Sent by the service to see that a flow is alive. */
const CANARY: OperationType = { version: 1, internal: true, kind: null, input: z.strictObject({}), changes: () => [] };

/** A field that belongs to an owner: hidden with it. */
export function ownedBy(field: string, relation: string): Reference {
  return { field, relation, direction: "in", owner: true };
}

/** A field that names somebody it does not belong to. */
export function refersTo(field: string, relation: string, direction: "in" | "out"): Reference {
  return { field, relation, direction, owner: false };
}

/** A field that points at what this entity is about; of several kinds. */
export function pointsAt(field: string, relation: string): Reference {
  return { field, relation, direction: "out", owner: false };
}

/** Id of an entity as a client gives it. */
export const id = z.string().min(1).max(200);

/** Data of a result: the entity's id, the request's operation id, and what was prepared. */
export function result<Shape extends z.ZodRawShape>(
  shape: Shape,
): Strict<{ id: typeof id; request: typeof id } & Shape> {
  return z.strictObject({ id, request: id, ...shape });
}

/** The type that asks a question; its answer is kept for a while. Without an entity, and never in the graph. */
export function queryType<Shape extends z.ZodRawShape>(
  kind: Kind,
  shape: Shape,
): OperationType<Strict<Shape & { limit: z.ZodOptional<z.ZodInt> }>> {
  return {
    version: 1,
    kind: null,
    input: z.strictObject({ ...shape, limit: z.int().min(1).max(QUERY_LIMIT_MAX).optional() }),
    changes: () => [],
    query: ({ tenant, data }) => ({
      query: toQuery(tenant, kind.name, data),
      limit: (data.limit as number | undefined) ?? QUERY_LIMIT_DEFAULT,
    }),
  };
}

/** A question in the data of an operation, or in the parameters of a read. */
export function toQuery(tenant: string, kind: string, { user, limit: _, ...asked }: Data): Query {
  return { ...asked, tenant, kind, ...(user === undefined ? {} : { user: entityKey(tenant, "User", user as string) }) };
}

const QUERY_LIMIT_DEFAULT = 50;
const QUERY_LIMIT_MAX = 500;

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

/** Schema of an object that has these members and no others. */
type Strict<Shape extends z.ZodRawShape> = z.ZodObject<Shape, z.core.$strict>;

/** Schema of an update: every field is optional. */
type Update<Shape extends z.ZodRawShape> = Strict<
  { id: typeof id } & { [Name in keyof Shape]: z.ZodOptional<Shape[Name]> }
>;

/** Makes every field of a create optional for an update, which must name at least one. */
export function updateOf<Shape extends z.ZodRawShape>(shape: Shape): Update<Shape> {
  return z
    .strictObject({ id, ...z.object(shape).partial().shape })
    .refine((data) => Object.keys(data).length > 1, { error: "An update must name at least one field" })
    .meta({ minProperties: 2 }) as unknown as Update<Shape>;
}

/** The create type of a flow: `id` optional, minted by the service when absent. */
export function createType<Shape extends z.ZodRawShape>(
  kind: Kind,
  targets: Targets,
  shape: Shape,
): OperationType<Strict<{ id: z.ZodOptional<typeof id> } & Shape>> {
  return {
    version: 1,
    input: z.strictObject({ id: id.optional(), ...shape }),
    changes: changesOf("create", kind, targets),
  };
}

/** The update type of a flow. */
export function updateType<Shape extends z.ZodRawShape>(
  kind: Kind,
  targets: Targets,
  shape: Shape,
): OperationType<Update<Shape>> {
  return { version: 1, input: updateOf(shape), changes: changesOf("update", kind, targets) };
}

/** The delete type of a flow. */
export function deleteType(kind: Kind): OperationType<Strict<{ id: typeof id }>> {
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
  const { id, kind } = parseEntityKey(key);
  const { references } = flow.kinds.find(({ name }) => name === kind)!;
  const shown: { [name: string]: Json } = { id };
  for (const [name, [value]] of Object.entries(state.fields)) {
    if (value === null) continue;
    const reference = references.find(({ field }) => field === name);
    shown[name] = reference === undefined ? value : referred(reference.relation, value);
  }
  return { ...shown, ...flow.derive(state, kind) };
}

function referred(relation: string, value: Json): Json {
  if (typeof value !== "string") return value;
  const { kind, id } = parseEntityKey(value);
  return relation === "ABOUT" || relation === "OF" ? { kind, id } : id;
}

/** The time of a register's version, for values that count as given when the operation was made. */
export function registerTime(state: EntityState, field: string): string | null {
  const register = state.fields[field];
  return register === undefined || fieldValue(state, field) === null
    ? null
    : new Date(stampMs(register[1])).toISOString();
}
