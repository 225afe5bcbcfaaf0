// What every adapter of a schema registry has to keep, as src/ports/schema-registry.ts says it.
import { describe, expect, it } from "vitest";
import type { SchemaRegistry, Standing } from "../../src/ports/schema-registry.ts";

/** A registry at level BACKWARD, and a subject of its own for each test. */
export interface RegistryUnderTest extends AsyncDisposable {
  readonly registry: SchemaRegistry;
  readonly subject: string;
}

type Make = () => Promise<RegistryUnderTest>;

const alternative = (type: string, members: object = {}) => ({
  type: "object",
  properties: { type: { const: type }, ...members },
  required: ["type"],
});

const schemaOf = (...oneOf: readonly object[]): string =>
  JSON.stringify({ $schema: "http://json-schema.org/draft-07/schema#", oneOf });

const ONE = schemaOf(alternative("a"));
const TWO = schemaOf(alternative("a"), alternative("b"));

/** Holds a registry to its contract. `make` is called once per test. */
export function registryContract(name: string, make: Make): void {
  describe(`${name} as a schema registry`, () => {
    it("knows nothing of a new subject, and a look does not make it", async () => {
      await using bundle = await make();
      for (let look = 0; look < 2; look++) expect(await standing(bundle, ONE)).toEqual({ status: "new" });
    });

    it("registers a schema once, and finds it again", async () => {
      await using bundle = await make();
      const { registry, subject } = bundle;
      const registered = await registry.register(subject, ONE);
      expect(registered).toEqual({ status: "registered", id: expect.any(Number), version: 1 });
      expect(await registry.register(subject, ONE)).toEqual(registered);
      expect(await standing(bundle, ONE)).toEqual(registered);
    });

    it("lets a schema grow by an alternative, and finds the older one still", async () => {
      await using bundle = await make();
      const { registry, subject } = bundle;
      const first = await registry.register(subject, ONE);
      expect(await standing(bundle, TWO)).toEqual({ status: "compatible" });
      expect(await registry.register(subject, TWO)).toMatchObject({ status: "registered", version: 2 });
      expect(await standing(bundle, ONE)).toEqual(first);
    });

    it("lets no alternative go, neither in a look nor when registering", async () => {
      await using bundle = await make();
      const { registry, subject } = bundle;
      await registry.register(subject, TWO);
      const incompatible = { status: "incompatible", reasons: expect.any(Array) };
      expect(await standing(bundle, ONE)).toEqual(incompatible);
      expect(await registry.register(subject, ONE)).toEqual(incompatible);
      expect(await standing(bundle, TWO)).toMatchObject({ status: "registered", version: 1 });
    });

    it("registers one schema for many who do it at once", async () => {
      await using bundle = await make();
      const { registry, subject } = bundle;
      const all = await Promise.all(Array.from({ length: 4 }, () => registry.register(subject, ONE)));
      expect(new Set(all.map((each) => JSON.stringify(each))).size).toBe(1);
      expect(all[0]).toMatchObject({ status: "registered", version: 1 });
    });

    it("says of what is no schema that it is refused", async () => {
      await using bundle = await make();
      const { registry, subject } = bundle;
      expect(await registry.register(subject, "{")).toEqual({ status: "refused", reasons: expect.any(Array) });
      expect(await standing(bundle, ONE)).toEqual({ status: "new" });
    });

    it("takes subjects with any characters that a topic may have", async () => {
      await using bundle = await make();
      const subject = `${bundle.subject}.Orders_1-x-value`;
      expect(await bundle.registry.register(subject, ONE)).toMatchObject({ status: "registered" });
      expect(await bundle.registry.standing(subject, ONE)).toMatchObject({ status: "registered" });
    });
  });
}

function standing({ registry, subject }: RegistryUnderTest, schema: string): Promise<Standing> {
  return registry.standing(subject, schema);
}
