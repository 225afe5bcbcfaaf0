// Apicurio itself: the adapter's contract, and the schemas of every topic.
import { expect, test } from "vitest";
import { confluentRegistry } from "../../src/adapters/schema-registry/confluent.ts";
import { checkSchemas, pushSchemas } from "../../src/app/schemas.ts";
import type { Flow } from "../../src/flows/define.ts";
import { flows } from "../../src/flows/index.ts";
import { registryContract } from "../contract/schema-registry.ts";
import { readStack } from "../stack/read-stack.ts";
import { changedMemory } from "../support/changed-flows.ts";

const { registry: url } = readStack();

if (url === undefined) {
  process.stderr.write("\n!!! skipped: the schema registry's tests: it needs Java 21 or later !!!\n\n");
  test.skip("Apicurio: Java 21 or later is missing");
} else {
  const run = Date.now().toString(36);
  let serial = 0;
  const registry = confluentRegistry({ url, fetch });
  registryContract("confluent before Apicurio", async () => ({
    registry,
    subject: `contract-${run}-${serial++}`,
    async [Symbol.asyncDispose]() {},
  }));

  /** The flows under topics of this run: what an earlier run has left does not count. */
  const own = (list: readonly Flow[]): Flow[] =>
    list.map((flow) => ({ ...flow, topics: flow.topics.map((topic) => `${topic}-${run}`) }));

  const statuses = async (list: readonly Flow[]) =>
    new Set((await checkSchemas(own(list), registry)).map(({ standing }) => standing.status));

  test("takes the schemas of every topic, and all of them stand", async () => {
    expect(await statuses(flows)).toEqual(new Set(["new"]));
    const pushed = await pushSchemas(own(flows), registry);
    expect(pushed.map(({ standing }) => standing.status)).toEqual(flows.map(() => "registered"));
    expect(await statuses(flows)).toEqual(new Set(["registered"]));
  });

  test.each(changedMemory)("$change: $standing", async ({ flow, standing }) => {
    await pushSchemas(own(flows), registry);
    expect(await statuses([flow])).toEqual(new Set([standing]));
  });
}
