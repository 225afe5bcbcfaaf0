// The schemas that the OpenAPI document keeps by name. They are held against real answers by the tests.
import { type Components, type JsonSchema, refTo, toJsonSchema } from "../../flows/json-schema.ts";
import { acceptedItem, answerShapes } from "./answers.ts";
import { reportShapes } from "./reports.ts";

/** Lists that are answered in pages, by the component of their items. */
const PAGES = { EntityPage: "Entity", OperationPage: "OperationStatus", ParkedPage: "ParkedRecord" } as const;

/** Puts the schemas of answers into a document's components. */
export function addAnswers(components: Components): void {
  const shapes = Object.entries({ ...answerShapes, ...reportShapes });
  for (const [name, shape] of shapes) components[name] = toJsonSchema(shape, components);
  const accepted = toJsonSchema(acceptedItem, components);
  components.BatchAnswer = { anyOf: [accepted, object({ status: { type: "integer" }, problem: refTo("Problem") })] };
  components.Statuses = { type: "array", items: { anyOf: [refTo("OperationStatus"), { type: "null" }] } };
  for (const [name, item] of Object.entries(PAGES)) {
    components[name] = object({
      items: { type: "array", items: refTo(item) },
      next: {
        type: ["string", "null"],
        description: "The cursor of the next page; null on the last. A page may be short and still have a next one.",
      },
    });
  }
}

function object(properties: { readonly [name: string]: JsonSchema }): JsonSchema {
  return { type: "object", properties, required: Object.keys(properties) };
}
