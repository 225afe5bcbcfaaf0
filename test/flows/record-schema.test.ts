// The schemas of topics: every record of ours follows exactly one alternative, and no other record does.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { topicSchemas } from "../../src/app/schemas.ts";
import { encodeRecord } from "../../src/domain/operation.ts";
import { flows } from "../../src/flows/index.ts";
import { dataArbitraries } from "../property/arbitrary-data.ts";
import { changedMemory } from "../support/changed-flows.ts";
import { faultsBy } from "../support/described.ts";

const RUNS = 30;
const OPEN = new Set(["summarization.generate", "context-analysis.analyze"]);

interface Whole {
  readonly oneOf: readonly { readonly properties: { readonly type: { const: string } } }[];
  readonly definitions: { readonly [name: string]: unknown };
}

/** How many alternatives of a topic's schema a record follows. */
function followedIn(schema: unknown): (record: unknown) => number {
  const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/definitions/', '"#/components/schemas/')) as Whole;
  const alternatives = local.oneOf.map((each) => faultsBy({ components: { schemas: local.definitions } }, each));
  return (record) => alternatives.filter((faults) => faults(record).length === 0).length;
}

const followedByTopic = new Map(topicSchemas(flows).map(({ topic, schema }) => [topic, followedIn(schema)]));

describe("the schema of a topic", () => {
  it.each(dataArbitraries.filter(({ flow }) => flow !== "none"))(
    "$flow.$type: one alternative takes it",
    ({ flow: name, type, data }) => {
      const flow = flows.find((flow) => flow.name === name)!;
      const followed = followedByTopic.get(flow.topic)!;
      fc.assert(
        fc.property(data as fc.Arbitrary<{ readonly [name: string]: never }>, (data) => {
          const operation = { id: "i", flow: name, type, version: 1, tenant: "t", stamp: "s", partitionKey: "k", data };
          const record = JSON.parse(encodeRecord(operation, 0));
          expect(followed(record)).toBe(1);
          expect(followed({ ...record, dataschema: undefined })).toBe(1);
          expect(followed({ ...record, dataschema: `urn:tidegate:${name}.${type}:2` })).toBe(0);
          expect(followed({ ...record, type: `tidegate.${name}.other` })).toBe(0);
          // zod reads a schema that has both members and alternatives as open.
          if (!OPEN.has(`${name}.${type}`)) expect(followed({ ...record, data: { ...data, unheardOf: 1 } })).toBe(0);
        }),
        { numRuns: RUNS },
      );
    },
  );

  it("keeps earlier versions beside the newest, apart by dataschema", () => {
    const { flow } = changedMemory.find(({ change }) => change.endsWith("in a version of its own"))!;
    const followed = followedIn(topicSchemas([flow])[0]!.schema);
    const record = (version: number | undefined, data: object) => ({
      specversion: "1.0",
      id: "i",
      source: "/",
      type: "tidegate.memory.create",
      ...(version === undefined ? {} : { dataschema: `urn:tidegate:memory.create:${version}` }),
      data: { user: "u", content: "c", ...data },
    });
    expect(topicSchemas([flow])[0]!.kinds.slice(0, 2)).toEqual(["memory.create:2", "memory.create:1"]);
    expect(followed(record(1, {}))).toBe(1);
    expect(followed(record(2, { mood: "fine" }))).toBe(1);
    expect(followed(record(undefined, {}))).toBe(1);
    expect(followed(record(1, { mood: "fine" }))).toBe(0);
    expect(followed(record(2, {}))).toBe(0);
    expect(followed(record(undefined, { mood: "fine" }))).toBe(0);
  });

  it("every version of a type but the newest has its schema and its way to the next", () => {
    for (const flow of flows) {
      for (const { version, inputsBefore = {}, upcasts = {} } of Object.values(flow.types)) {
        const before = Array.from({ length: version - 1 }, (_, i) => String(i + 1));
        expect(Object.keys(inputsBefore)).toEqual(before);
        expect(Object.keys(upcasts)).toEqual(before);
      }
    }
  });
});
