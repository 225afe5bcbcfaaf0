// What a list of flows must not be: names that Kafka, addresses or Neo4j cannot take, or that would take another's place.
import type { Flow } from "./define.ts";

const NAME = /^[a-z][a-z0-9-]*$/;
const TYPE = /^[a-z][A-Za-z0-9-]*$/;
/** As Kafka has it. */
const TOPIC = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;
/** Kinds become labels and addresses, relations types of relationships. */
const KIND = /^[A-Z][A-Za-z0-9]*$/;
const RELATION = /^[A-Z][A-Z0-9_]*$/;

/** What stands at `/v1/` beside the flows. */
const TAKEN: ReadonlySet<string> = new Set(["operations", "parked", "tick", "check", "dump", "graph"]);

/** Everything that is wrong with the list, each as a sentence's end; none where a service can be composed of it. */
export function flowProblems(flows: readonly Flow[]): string[] {
  return [...flows.flatMap(problemsOf), ...sharedNames(flows)];
}

function problemsOf({ name, topics, types, kinds }: Flow): string[] {
  const of = `flow ${JSON.stringify(name)}`;
  const must = (what: string, found: string, form: RegExp): string[] =>
    form.test(found) ? [] : [`${of} has the ${what} ${JSON.stringify(found)}, which must be like ${form.source}`];
  return [
    ...must("name", name, NAME),
    ...(TAKEN.has(name) ? [`${of} has a name that the service uses at /v1/${name}`] : []),
    ...(Object.values(types).every(({ internal }) => internal) ? [`${of} has no type that clients may send`] : []),
    ...Object.keys(types).flatMap((type) => must("type", type, TYPE)),
    ...topics.flatMap((topic) => must("topic", topic, TOPIC)),
    ...kinds.flatMap((kind) => [
      ...must("kind", kind.name, KIND),
      ...kind.references.flatMap(({ relation }) => must("relation", relation, RELATION)),
    ]),
  ];
}

/** Two flows must share neither a name nor a topic nor a kind nor a switch: one would take the other's. */
function sharedNames(flows: readonly Flow[]): string[] {
  const all = [
    flows.map(({ name }) => `flow "${name}"`),
    flows.flatMap((flow) => flow.topics.map((topic) => `topic "${topic}"`)),
    flows.flatMap((flow) => flow.kinds.map(({ name }) => `kind "${name}"`)),
    flows.map((flow) => `switch "${flow.switch.variable}"`),
  ];
  return all.flatMap((names) => {
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    return twice === undefined ? [] : [`two of them have the ${twice}`];
  });
}
