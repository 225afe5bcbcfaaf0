// The adapter of Confluent's API, held to the contract before servers that answer as two registries were seen to; the real
// one is in test/e2e/schema-registry.e2e.ts.
import { confluentRegistry } from "../../src/adapters/schema-registry/confluent.ts";
import { APICURIO, fakeRegistry, KARAPACE, type RegistryManner } from "../support/fake-registry.ts";
import { type RegistryUnderTest, registryContract } from "./schema-registry.ts";

async function speaking(manner: RegistryManner): Promise<RegistryUnderTest> {
  const fake = await fakeRegistry(manner);
  return {
    registry: confluentRegistry({ url: fake.url, fetch }),
    subject: "contract",
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
}

registryContract("confluent before Apicurio's answers", () => speaking(APICURIO));
registryContract("confluent before Karapace's answers", () => speaking(KARAPACE));
