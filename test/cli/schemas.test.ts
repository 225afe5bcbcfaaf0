import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { configureFlows, topicsOf } from "../../src/flows/configure.ts";
import { flows } from "../../src/flows/index.ts";
import { type FakeRegistry, fakeRegistry, KARAPACE } from "../support/fake-registry.ts";
import { runCommand } from "../support/run-command.ts";

const TOPICS = topicsOf(flows);
/** More than any release of ours: nothing of ours may follow it. */
const FOREIGN = JSON.stringify({ oneOf: [{ properties: { type: { const: "somebody.else" } } }] });

describe("tidegate schemas", () => {
  let registry: FakeRegistry;
  beforeEach(async () => {
    registry = await fakeRegistry(KARAPACE);
    vi.stubEnv("SCHEMA_REGISTRY_URL", registry.url);
    vi.stubEnv("KAFKA_URL", "");
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await registry[Symbol.asyncDispose]();
  });

  test("check looks, push registers every topic once, and check is content", async () => {
    const before = await runCommand("schemas", "check");
    expect(before.code).toBe(0);
    expect(before.out).toContain('8 of 8 are not registered: run "tidegate schemas push"');
    expect(registry.subjects.size).toBe(0);
    const pushed = await runCommand("schemas", "push");
    expect([pushed.code, pushed.out]).toEqual([0, expect.stringContaining("Every schema is registered")]);
    expect([...registry.subjects.keys()]).toEqual(TOPICS.map((topic) => `${topic}-value`));
    expect((await runCommand("schemas", "push")).code).toBe(0);
    expect([...registry.subjects.values()].map((held) => held.length)).toEqual(TOPICS.map(() => 1));
    expect((await runCommand("schemas", "check")).out).toContain("memory-operations-value          id 4, version 1");
  });

  test("what the newest schema does not allow is not pushed, and says why", async () => {
    registry.subjects.set("memory-operations-value", [{ id: 99, schema: FOREIGN }]);
    for (const action of ["check", "push"]) {
      const { code, out } = await runCommand("schemas", action);
      expect(code).toBe(1);
      expect(out).toContain("memory-operations-value          INCOMPATIBLE with the newest one");
      expect(out).toContain("memory-operations-value: a type was removed");
      expect(out).toContain("1 of 8 cannot be registered");
    }
    expect(registry.subjects.get("memory-operations-value")).toHaveLength(1);
    expect(registry.subjects.size).toBe(8);
  });

  test("topics of events have their schemas too, each its own", async () => {
    vi.stubEnv("EVENT_TOPICS", "order.*=orders,*.audit=audits");
    const { out } = await runCommand("schemas", "push", "--json");
    const subjects = JSON.parse(out).subjects as { subject: string; kinds: string[] }[];
    expect(subjects.slice(-3).map(({ subject }) => subject)).toEqual(["events-value", "orders-value", "audits-value"]);
    expect(subjects.at(-1)!.kinds).toContain("events.record:1");
    const one = await runCommand("schemas", "check", "--topic", "orders", "--json");
    expect(JSON.parse(one.out)).toMatchObject({ registry: registry.url, subjects: [{ status: "registered" }] });
    expect(topicsOf(configureFlows(flows, { eventTopics: [], partitionBy: new Map() }))).toEqual(TOPICS);
  });

  test("show needs no registry, and prints one schema or all", async () => {
    vi.stubEnv("SCHEMA_REGISTRY_URL", "");
    expect((await runCommand("schemas", "show")).out).toContain("events-value                     events.record:1,");
    const one = JSON.parse((await runCommand("schemas", "show", "--topic", "events")).out);
    expect(one).toMatchObject({ $schema: "http://json-schema.org/draft-07/schema#", title: "events" });
    const all = JSON.parse((await runCommand("schemas", "show", "--json")).out);
    expect(Object.keys(all)).toEqual(TOPICS.map((topic) => `${topic}-value`));
    expect(all["events-value"]).toEqual(one);
    expect(registry.requests).toEqual([]);
  });

  test.each<[string, string[], number, RegExp]>([
    ["no action", ["look"], 2, /Say check, push or show, not "look"/],
    ["a topic that is none", ["check", "--topic", "nope"], 2, /No flow has the topic "nope"; there are chat-message/],
    [
      "an address that is no registry's",
      ["check", "--url", "URL/elsewhere"],
      1,
      /answered 404.*below which \/subjects lies/,
    ],
    [
      "an address of nobody",
      ["push", "--url", "http://127.0.0.1:9"],
      1,
      /Cannot ask the schema registry .*see that it runs/,
    ],
    [
      "a password in the address",
      ["check", "--url", "http://u:hidden@127.0.0.1:9"],
      1,
      /must hold no user and password/,
    ],
  ])("one clear line for %s", async (_, args, code, line) => {
    const given = args.map((arg) => arg.replace("URL", registry.url));
    const found = await runCommand("schemas", ...given);
    expect(found).toMatchObject({ code, out: "", err: expect.stringMatching(line) });
    expect(found.err).toMatch(/^tidegate: .+\n$/);
    expect(found.err).not.toContain("hidden");
  });

  test("without any registry it asks which", async () => {
    vi.stubEnv("SCHEMA_REGISTRY_URL", "");
    const { code, err } = await runCommand("schemas", "check");
    expect([code, err]).toEqual([2, expect.stringContaining("Set SCHEMA_REGISTRY_URL, or give --url")]);
  });
});

describe("tidegate doctor", () => {
  test("says how the registry stands to our schemas", async () => {
    await using registry = await fakeRegistry();
    vi.stubEnv("SCHEMA_REGISTRY_URL", registry.url);
    const found = async () => {
      const { findings } = JSON.parse((await runCommand("doctor", "--json")).out);
      return findings.find(({ name }: { name: string }) => name === "schemas");
    };
    expect(await found()).toMatchObject({ verdict: "warn", found: expect.stringContaining("8 are not registered") });
    await runCommand("schemas", "push");
    expect(await found()).toMatchObject({ verdict: "ok", found: expect.stringContaining("all 8 are registered") });
    registry.subjects.set("events-value", [{ id: 99, schema: FOREIGN }]);
    expect(await found()).toMatchObject({ verdict: "fail", found: expect.stringContaining("events-value") });
    registry.answer = (response) => void response.socket!.destroy();
    expect(await found()).toMatchObject({ verdict: "warn", found: expect.stringContaining("Cannot ask") });
    vi.stubEnv("SCHEMA_REGISTRY_URL", "");
    expect(await found()).toBeUndefined();
    vi.unstubAllEnvs();
  });
});
