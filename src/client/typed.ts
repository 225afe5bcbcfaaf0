// Names and data of operations and entities, from the type of a list of flows. Types alone: nothing of it is there when it runs.
import type { Json } from "../domain/json.ts";
import type { Flow, InputOf, OperationType } from "../flows/define.ts";
import type { Flows as ProductFlows } from "../flows/index.ts";

/** A list of flows, as `typeof flows` gives it. */
export type FlowList = readonly Pick<Flow, "name" | "types" | "kinds">[];

/** Name of a flow. */
export type FlowName<Flows extends FlowList> = Flows[number]["name"];

type TypesOf<Flows extends FlowList, Name> = Extract<Flows[number], { readonly name: Name }>["types"];

/** Name of a type that clients may send. */
export type TypeName<Flows extends FlowList, Name extends FlowName<Flows>> = string &
  {
    [Type in keyof TypesOf<Flows, Name>]: TypesOf<Flows, Name>[Type] extends { readonly internal: true } ? never : Type;
  }[keyof TypesOf<Flows, Name>];

/** Data of an operation. */
export type DataOf<Flows extends FlowList, Name extends FlowName<Flows>, Type extends TypeName<Flows, Name>> = TypesOf<
  Flows,
  Name
>[Type] extends OperationType
  ? InputOf<TypesOf<Flows, Name>[Type]>
  : never;

/** An operation among many. */
export type Item<Flows extends FlowList = ProductFlows> = {
  [Name in FlowName<Flows>]: {
    [Type in TypeName<Flows, Name>]: {
      readonly flow: Name;
      readonly type: Type;
      readonly data: DataOf<Flows, Name, Type>;
      /** Idempotency key; the client makes one where there is none. */
      readonly key?: string | undefined;
      /** A stamp that the operation comes after. */
      readonly after?: string | undefined;
      /** Counts where the flow is partitioned by request. */
      readonly partitionkey?: string | undefined;
    };
  }[TypeName<Flows, Name>];
}[FlowName<Flows>];

/** Name of a kind of entity. */
export type KindName<Flows extends FlowList> = Flows[number]["kinds"][number]["name"];

type FlowOfKind<Flow, Kind> = Flow extends { readonly kinds: readonly (infer Known)[] }
  ? Extract<Known, { readonly name: Kind }> extends never
    ? never
    : Flow
  : never;

type CreatedBy<Flow> = Flow extends { readonly types: { readonly create: infer Type extends OperationType } }
  ? { readonly [Field in keyof InputOf<Type>]?: Exclude<InputOf<Type>[Field], null | undefined> }
  : unknown;

/** An entity as it is read: what was created and is not null, and what derives from it. */
export type EntityOf<Flows extends FlowList, Kind> = { readonly id: string } & CreatedBy<
  FlowOfKind<Flows[number], Kind>
> & { readonly [field: string]: Json | undefined };
