// The memory flow as later releases may have it, and what a registry at level BACKWARD has to think of it.
import * as z from "zod";
import type { Flow, OperationType } from "../../src/flows/define.ts";
import { flows } from "../../src/flows/index.ts";

const memory = flows.find(({ name }) => name === "memory")!;
const create = memory.types.create!;
const input = create.input as z.ZodObject;

const withTypes = (types: { readonly [name: string]: OperationType }): Flow => ({ ...memory, types });
const withCreate = (changed: Partial<OperationType>): Flow =>
  withTypes({ ...memory.types, create: { ...create, ...changed } });

const { query: _, ...withoutQuery } = memory.types;

export const changedMemory: readonly {
  readonly change: string;
  readonly flow: Flow;
  readonly standing: "compatible" | "incompatible";
}[] = [
  { change: "a type more", flow: withTypes({ ...memory.types, forget: memory.types.delete! }), standing: "compatible" },
  { change: "a type less", flow: withTypes(withoutQuery), standing: "incompatible" },
  {
    change: "an optional field more",
    flow: withCreate({ input: input.extend({ mood: z.string().optional() }) }),
    standing: "compatible",
  },
  {
    change: "a required field more",
    flow: withCreate({ input: input.extend({ mood: z.string() }) }),
    standing: "incompatible",
  },
  {
    change: "a required field more, in a version of its own",
    flow: withCreate({ version: 2, inputsBefore: { 1: input }, input: input.extend({ mood: z.string() }) }),
    standing: "compatible",
  },
  {
    change: "a new version that forgets the one before",
    flow: withCreate({ version: 2, input: input.extend({ mood: z.string() }) }),
    standing: "incompatible",
  },
];
