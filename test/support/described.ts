// Holds values to the schemas of a document, so that what is described is what is done.
import * as z from "zod";

/** A document with schemas in its components. */
export interface Described {
  readonly components: { readonly schemas: { readonly [name: string]: unknown } };
}

/**
 * What keeps a value from following a schema of a document, one line per fault. With `closed` a member that the schema
 * does not name is a fault too.
 */
export function faultsOf(document: Described, schema: unknown, value: unknown, options = {}): string[] {
  return faultsBy(document, schema, options)(value);
}

/** `faultsOf` for many values of one schema. */
export function faultsBy(document: Described, schema: unknown, { closed = false } = {}): (value: unknown) => string[] {
  const $defs = closed ? closeObjects(document.components.schemas) : document.components.schemas;
  const whole = { ...(closed ? (closeObjects(schema) as object) : (schema as object)), $defs };
  const local = JSON.parse(JSON.stringify(spellOut(whole)).replaceAll('"#/components/schemas/', '"#/$defs/'));
  const parser = z.fromJSONSchema(local);
  return (value) =>
    (parser.safeParse(value).error?.issues ?? []).map(({ path, message }) => `#/${path.join("/")}: ${message}`);
}

/** The schema with alternatives that only say what is required as objects, which is how zod understands them. */
function spellOut(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(spellOut);
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, spellOut(value)]));
  if (!Array.isArray(inner.required) || inner.type !== undefined || inner.properties !== undefined) return inner;
  const properties = Object.fromEntries(inner.required.map((name) => [name, {}]));
  return { ...inner, type: "object", properties, additionalProperties: true };
}

/** The schema with every object that lists its members taking no others. */
function closeObjects(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(closeObjects);
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closeObjects(value)]));
  return inner.type === "object" && inner.properties !== undefined ? { additionalProperties: false, ...inner } : inner;
}
