// The routes of the flows' operations, described from the flows themselves.
import { clientTypes } from "../../app/intake.ts";
import { type Flow, kindOfType, type OperationType } from "../../flows/define.ts";
import { type Components, refTo, toJsonSchema } from "../../flows/json-schema.ts";
import { OPERATION_ANSWERS, OPERATION_HEADERS, OPERATION_PROBLEMS, type RouteDescription } from "./describe.ts";

/** Describes `POST /v1/{flow}/{type}` for every type that clients may send; its schema joins the components. */
export function operationDescriptions(flows: readonly Flow[], components: Components): RouteDescription[] {
  return flows.flatMap((flow) =>
    clientTypes(flow).map((name) => describeType(flow, name, flow.types[name]!, components)),
  );
}

function describeType(flow: Flow, name: string, type: OperationType, components: Components): RouteDescription {
  const schema = toJsonSchema(type.input, components);
  const component = `${flow.name}.${name}`;
  components[component] = schema;
  // What must name an entity may name one that is not there.
  const namesEntity = Array.isArray(schema.required) && schema.required.includes("id");
  return {
    method: "POST",
    path: `/v1/${flow.name}/${name}`,
    tag: flow.name,
    summary: `${name} ${(kindOfType(flow, type) ?? flow.kind).name}`,
    ...(type.query === undefined ? {} : { description: "Changes nothing; what it finds is its result." }),
    operationId: component,
    parameters: OPERATION_HEADERS,
    body: { "application/json": refTo(component) },
    answers: OPERATION_ANSWERS,
    problems: [...(namesEntity ? (["not_found"] as const) : []), ...OPERATION_PROBLEMS],
    accepting: true,
  };
}
