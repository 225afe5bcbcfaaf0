// Values that follow a schema of a document: the smallest that will do, with one text wherever a text is free.
import type { Described } from "./described.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly minimum?: number;
  readonly minItems?: number;
  readonly items?: Schema;
  readonly minProperties?: number;
  readonly properties?: { readonly [name: string]: Schema };
  readonly required?: readonly string[];
}

export function sampleOf(document: Described, schema: unknown, text: string): unknown {
  const { $ref, anyOf, oneOf, ...rest } = schema as Schema;
  if ($ref !== undefined) return sampleOf(document, document.components.schemas[$ref.split("/").at(-1)!], text);
  const [first] = anyOf ?? oneOf ?? [];
  if (first !== undefined) {
    const also = { ...rest, required: [...(rest.required ?? []), ...(first.required ?? [])] };
    return sampleOf(document, rest.properties === undefined ? first : also, text);
  }
  if (rest.const !== undefined) return rest.const;
  if (rest.enum !== undefined) return rest.enum[0];
  const type = typeof rest.type === "string" ? rest.type : rest.type?.[0];
  if (type === "object") return objectOf(document, rest, text);
  if (type === "array") return Array.from({ length: rest.minItems ?? 0 }, () => sampleOf(document, rest.items, text));
  if (type === "integer" || type === "number") return Math.max(rest.minimum ?? 1, 1);
  if (type === "boolean") return true;
  return rest.format === "date-time" ? "2026-01-01T00:00:00.000Z" : text;
}

/** Members that are required, and others in their order until there are enough; at least one. */
function objectOf(document: Described, { properties = {}, required = [], minProperties = 1 }: Schema, text: string) {
  const others = Object.keys(properties).filter((name) => !required.includes(name));
  const names = [...required, ...others.slice(0, Math.max(0, minProperties - required.length))];
  return Object.fromEntries(names.map((name) => [name, sampleOf(document, properties[name], text)]));
}
