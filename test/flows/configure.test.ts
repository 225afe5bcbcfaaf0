// Topics and partition keys of a configuration, as functions of the operation alone.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configureFlows, type Routing, topicsOf } from "../../src/flows/configure.ts";
import type { Data, Flow } from "../../src/flows/define.ts";
import { flows } from "../../src/flows/index.ts";
import { PARTITION_KEY_CHARACTERS_MAX, STRATEGIES, type Strategy } from "../../src/flows/partition.ts";

const NO_ROUTING: Routing = { eventTopics: [], partitionBy: new Map() };

function flowOf(name: string, routing: Partial<Routing>): Flow {
  return configureFlows(flows, { ...NO_ROUTING, ...routing }).find((flow) => flow.name === name)!;
}

function topicOf(type: string, ...eventTopics: Routing["eventTopics"]): string {
  return flowOf("events", { eventTopics }).topicOf({ type: "record", data: { type } });
}

describe("the topic of an event", () => {
  it.each([
    ["com.example.order.*", "com.example.order.placed", true],
    ["com.example.order.*", "com.example.order.", true],
    ["com.example.order.*", "com.example.order", false],
    ["com.example.order.*", "com_example_order_x", false],
    ["*.placed", "com.example.order.placed", true],
    ["*.placed", "com.example.order.placed.late", false],
    ["com.*.placed", "com.placed", false],
    ["a*a", "a", false],
    ["a*ab*b", "aab", false],
    ["a*ab*b", "aabb", true],
    ["*", "any\nthing", true],
    ["**", "x", true],
    ["ping", "ping", true],
    ["ping", "Ping", false],
    ["a=b*", "a=b.c", true],
    ["", "x", false],
  ])("pattern %j, type %j: %s", (pattern, type, matches) => {
    expect(topicOf(type, { pattern, topic: "t" })).toBe(matches ? "t" : "events");
  });

  it("matches what the same regular expression matches", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 8 });
    const patterns = fc.string({ unit: fc.constantFrom("a", "b", ".", "*"), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(patterns, letters, (pattern, type) => {
        const expected = new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`).test(type);
        expect(topicOf(type, { pattern, topic: "t" }) === "t").toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is found at once whatever pattern and type are", () => {
    const began = performance.now();
    expect(topicOf("a".repeat(1_000), { pattern: `${"*a".repeat(500)}*b`, topic: "t" })).toBe("events");
    expect(performance.now() - began).toBeLessThan(500);
  });

  it("is the first match's, and the default where nothing matches", () => {
    const routes = [
      { pattern: "com.example.audit", topic: "events" },
      { pattern: "com.example.*", topic: "examples" },
      { pattern: "*", topic: "rest" },
      { pattern: "", topic: "retired" },
    ];
    expect(["com.example.audit", "com.example.x", "org"].map((type) => topicOf(type, ...routes))).toEqual([
      "events",
      "examples",
      "rest",
    ]);
    expect(flowOf("events", { eventTopics: routes }).topics).toEqual(["events", "examples", "rest", "retired"]);
    // A foreign operation of the flow may carry anything.
    expect(flowOf("events", { eventTopics: routes }).topicOf({ type: "record", data: { type: 5 } })).toBe("events");
  });

  it("is no matter of any other flow", () => {
    const eventTopics = [{ pattern: "*", topic: "t" }];
    const configured = configureFlows(flows, { ...NO_ROUTING, eventTopics });
    for (const [i, flow] of flows.entries()) {
      expect(configured[i]!.topic).toBe(flow.topic);
      if (flow.name === "events") continue;
      expect(configured[i]!.topics).toEqual([flow.topic]);
      expect(configured[i]!.topicOf({ type: "create", data: { type: "x" } })).toBe(flow.topic);
    }
    expect(topicsOf(configured)).toEqual([...flows.map(({ topic }) => topic), "t"]);
  });

  it("is one for each flow where nothing is configured", () => {
    for (const flow of [...flows, ...configureFlows(flows, NO_ROUTING)]) expect(flow.topics).toEqual([flow.topic]);
    expect(topicsOf(flows)).toHaveLength(flows.length);
  });
});

const MESSAGE = { id: "m", session: "s", user: "u" };
const EVENT = { id: "e", source: "/x", type: "t", subject: "sub" };

describe("the partition key", () => {
  const keyOf = (flow: string, strategy: Strategy | undefined, data: Data, requested?: string): string =>
    flowOf(flow, { partitionBy: new Map(strategy === undefined ? [] : [[flow, strategy]]) }).partitionKeyOf({
      data,
      id: "op",
      tenant: "ten",
      requested,
    });

  it.each<[flow: string, strategy: Strategy | undefined, data: Data, requested: string | undefined, key: string]>([
    ["chat-messages", undefined, MESSAGE, "r", "s"],
    ["chat-messages", undefined, { id: "m" }, undefined, "m"],
    ["chat-messages", undefined, { id: "m", session: "" }, undefined, "m"],
    ["chat-messages", undefined, { id: "", session: "" }, undefined, "op"],
    ["chat-messages", "entity", MESSAGE, "r", "m"],
    ["chat-messages", "session", MESSAGE, "r", "s"],
    ["chat-messages", "user", MESSAGE, "r", "u"],
    ["chat-messages", "user", { id: "m" }, "r", "m"],
    ["chat-messages", "tenant", MESSAGE, "r", "ten"],
    ["chat-messages", "random", MESSAGE, "r", "op"],
    ["chat-messages", "request", MESSAGE, "r", "r"],
    ["chat-messages", "request", MESSAGE, undefined, "s"],
    ["session", "session", { id: "s", user: "u" }, undefined, "s"],
    ["session", "user", { id: "s", user: null }, undefined, "s"],
    ["activity", "session", { id: "a", session: null }, undefined, "a"],
    ["summarization", undefined, { id: "x", user: "u" }, undefined, "u"],
    ["summarization", "session", { id: "x", user: "u" }, undefined, "x"],
    ["context-analysis", undefined, { id: "x", thought: "t" }, undefined, "t"],
    ["action", undefined, { id: "x", activity: null }, undefined, "x"],
    ["memory", "user", { user: "u", text: "t" }, undefined, "u"],
    ["memory", undefined, { text: "t" }, undefined, "op"],
    ["events", undefined, EVENT, undefined, "sub"],
    ["events", "entity", EVENT, undefined, "%2Fx/e"],
    ["events", "session", { ...EVENT, about: { kind: "Session", id: "s" } }, undefined, "s"],
    ["events", "session", { ...EVENT, about: { kind: "User", id: "u" } }, undefined, "%2Fx/e"],
    ["events", "user", { ...EVENT, about: { kind: "User", id: "u" } }, undefined, "u"],
    ["events", "request", { ...EVENT, extensions: { partitionkey: "p" } }, undefined, "p"],
    ["events", "request", { ...EVENT, extensions: { partitionkey: "p" } }, "r", "r"],
    ["events", "request", { ...EVENT, extensions: { partitionkey: "" } }, undefined, "sub"],
    ["events", "request", { ...EVENT, extensions: { partitionkey: 7 } }, undefined, "sub"],
    ["events", undefined, { ...EVENT, extensions: { partitionkey: "p" } }, undefined, "sub"],
  ])("of %s by %s, %j, asked for %s: %s", (flow, strategy, data, requested, key) => {
    expect(keyOf(flow, strategy, data, requested)).toBe(key);
  });

  it("is never empty, never long, and the same every time", () => {
    const texts = fc.oneof(fc.string({ unit: "binary" }), fc.string({ minLength: 1_001 }));
    const fields = fc.dictionary(fc.constantFrom("id", "session", "user", "subject", "source"), texts);
    const data = fc
      .record({ extensions: fc.record({ partitionkey: texts }) })
      .chain((more) =>
        fields.map((given) => ({ ...given, ...more, id: given.id || "i", subject: given.subject || "s" })),
      );
    fc.assert(
      fc.property(
        fc.constantFrom(...flows.map(({ name }) => name)),
        fc.constantFrom(undefined, ...STRATEGIES),
        data,
        (flow, strategy, value) => {
          // What is not well-formed is refused before it gets here.
          fc.pre(Object.values(value).every((text) => typeof text !== "string" || text.isWellFormed()));
          const key = keyOf(flow, strategy, value);
          expect(key).not.toBe("");
          expect(key.length).toBeLessThanOrEqual(PARTITION_KEY_CHARACTERS_MAX);
          expect(keyOf(flow, strategy, value)).toBe(key);
        },
      ),
    );
  });
});
