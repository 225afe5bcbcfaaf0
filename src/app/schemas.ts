// Schemas of topics in a registry: one for the values of each topic, with an alternative for every type and version of
// operation that its records carry.
import type { Flow } from "../flows/define.ts";
import { COMPONENTS, type Components, type JsonSchema } from "../flows/json-schema.ts";
import { allRecordKinds, recordSchema } from "../flows/record-schema.ts";
import type { SchemaRegistry, Standing } from "../ports/schema-registry.ts";

/** What the values of a topic look like. */
export interface TopicSchema {
  readonly topic: string;
  /** Its name in a registry. */
  readonly subject: string;
  /** `<flow>.<type>:<version>` of its alternatives. */
  readonly kinds: readonly string[];
  readonly schema: JsonSchema;
}

/** A topic's schema against what the registry holds. */
export interface SubjectReport extends TopicSchema {
  readonly standing: Standing;
}

/** The schemas of every topic of these flows, as JSON Schema draft-07, which every registry understands. */
export function topicSchemas(flows: readonly Flow[]): TopicSchema[] {
  return flows.flatMap((flow) => flow.topics.map((topic) => ofTopic(topic, flow)));
}

function ofTopic(topic: string, flow: Flow): TopicSchema {
  const held = allRecordKinds(flow);
  const components: Components = {};
  const oneOf = held.map((kind) => recordSchema(kind, components));
  const whole = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: topic,
    description: `Records of the flow ${flow.name}: structured CloudEvents 1.0 values.`,
    oneOf,
    definitions: components,
  };
  const schema = JSON.parse(JSON.stringify(whole).replaceAll(`"${COMPONENTS}`, '"#/definitions/')) as JsonSchema;
  const kinds = held.map(({ name, version }) => `${name}:${version}`);
  return { topic, subject: `${topic}-value`, kinds, schema };
}

/**
 * Compares the schemas of every topic with the registry's and changes nothing. Throws AppError `registry_unavailable`
 * when it cannot be asked.
 */
export async function checkSchemas(flows: readonly Flow[], registry: SchemaRegistry): Promise<SubjectReport[]> {
  const reports: SubjectReport[] = [];
  for (const own of topicSchemas(flows)) {
    reports.push({ ...own, standing: await registry.standing(own.subject, JSON.stringify(own.schema)) });
  }
  return reports;
}

/**
 * Registers what is missing and compatible; leaves the rest alone. Answers how everything stands afterwards. Doing it
 * twice, or in several processes together, is doing it once. Throws as `checkSchemas` does.
 */
export async function pushSchemas(flows: readonly Flow[], registry: SchemaRegistry): Promise<SubjectReport[]> {
  const reports: SubjectReport[] = [];
  for (const own of topicSchemas(flows)) {
    reports.push({ ...own, standing: await registry.register(own.subject, JSON.stringify(own.schema)) });
  }
  return reports;
}

/** Whether a consumer that knows the registry's schemas can be sure of our records. */
export function isAtOdds({ standing }: SubjectReport): boolean {
  return standing.status === "incompatible" || standing.status === "refused";
}
