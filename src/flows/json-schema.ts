// Zod schemas as JSON Schema, for the documents that describe the service.
import * as z from "zod";

export type JsonSchema = { readonly [name: string]: unknown };

/** Schemas that a document keeps in its components, by name. */
export type Components = { [name: string]: JsonSchema };

/** What a document's schemas are written in. */
export type Dialect = "draft-2020-12" | "draft-07";

/** Where references to components begin. */
export const COMPONENTS = "#/components/schemas/";

/** A reference to a component. */
export function refTo(name: string): JsonSchema {
  return { $ref: `${COMPONENTS}${name}` };
}

/**
 * What a schema takes, as JSON Schema. Definitions within it (a JSON value is one: it is recursive) move to the
 * components, where equal ones share a name, because a `$ref` in a document starts at the document's root.
 */
export function toJsonSchema(
  schema: z.ZodType,
  components: Components,
  dialect: Dialect = "draft-2020-12",
): JsonSchema {
  const {
    $schema: _,
    $defs,
    definitions,
    ...rest
  } = z.toJSONSchema(schema, {
    target: dialect,
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      // The format says it; the expression that checks it helps no reader.
      if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
    },
  });
  const moved = new Map<string, string>();
  let whole: Whole = { rest, held: { ...$defs, ...(definitions as Whole["held"]) } };
  for (const [local, definition] of Object.entries(whole.held)) {
    const own = new RegExp(`"#/(\\$defs|definitions)/${local}"`, "g");
    const name = nameOf(JSON.stringify(definition).replace(own, '"#"'), components);
    moved.set(local, name);
    whole = JSON.parse(JSON.stringify(whole).replace(own, JSON.stringify(`${COMPONENTS}${name}`))) as Whole;
    components[name] = whole.held[local]!;
  }
  // Once more: a definition may refer to one that moved after it.
  for (const [local, name] of moved) components[name] = whole.held[local]!;
  return whole.rest;
}

/** A schema and the definitions it refers to. */
interface Whole {
  readonly rest: JsonSchema;
  readonly held: { readonly [local: string]: JsonSchema };
}

/** The name of an equal component, else a new one. The first of all is the value of JSON itself. */
function nameOf(definition: string, components: Components): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? "JsonValue" : `JsonValue${number}`;
    const known = components[name];
    if (known === undefined) return name;
    if (JSON.stringify(known).replaceAll(`"${COMPONENTS}${name}"`, '"#"') === definition) return name;
  }
}
