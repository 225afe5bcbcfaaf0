// What a start does with a schema registry: compares, registers when told to, and stops where others could not read us.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type FakeRegistry, fakeRegistry } from "../support/fake-registry.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { runTidegate } from "../support/tidegate-process.ts";

/** What a start with this registry says. */
async function started(registry: Pick<FakeRegistry, "url">, env: { readonly [name: string]: string } = {}) {
  using folder = tempFolder();
  await using service = await startServiceProcess(folder.root, { SCHEMA_REGISTRY_URL: registry.url, ...env });
  expect((await service.get("/readyz")).status).toBe(200);
  return service.output();
}

describe("a start with a schema registry", () => {
  it("compares, and says what is not registered", async () => {
    await using registry = await fakeRegistry();
    expect(await started(registry)).toContain("Schemas are not registered");
    expect(registry.subjects.size).toBe(0);
  });

  it("registers what is missing when told to, and has nothing to say the next time", async () => {
    await using registry = await fakeRegistry();
    expect(await started(registry, { SCHEMA_REGISTRY_PUSH: "true" })).not.toContain("Schemas");
    expect(registry.subjects.size).toBe(8);
    expect(await started(registry)).not.toContain("chemas");
  });

  it("goes on without one that does not answer", async () => {
    await using registry = await fakeRegistry();
    registry.answer = (response) => void response.socket!.destroy();
    expect(await started(registry)).toContain("The schemas were not compared");
  });

  it("ends in one line where the registry does not allow our schemas", async () => {
    await using registry = await fakeRegistry();
    const schema = JSON.stringify({ oneOf: [{ properties: { type: { const: "somebody.else" } } }] });
    registry.subjects.set("events-value", [{ id: 1, schema }]);
    using folder = tempFolder();
    const errors = folder.path("errors.txt");
    const env = { PORT: "0", DATA_DIR: folder.path("data"), SCHEMA_REGISTRY_URL: registry.url };
    const { code } = await runTidegate(["start"], { env, cwd: folder.root, errors, boundMs: 20_000 });
    expect(code).toBe(1);
    expect(readFileSync(errors, "utf8")).toMatch(
      /^tidegate: .*the registry's newest schema does not allow this release's schema of events-value.*"tidegate schemas check"\n$/,
    );
  });
});
