// The configuration: the switches' truth table, all problems at once, and `.env.example`.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Config, ConfigError, parseConfig, variables } from "../src/config.ts";
import { flows } from "../src/flows/index.ts";
import { ENV_EXAMPLE, envExample } from "./support/env-example.ts";

const parse = (env: Readonly<Record<string, string | undefined>>): Config => parseConfig(env, flows);

/** The problems of an environment, none when it is good. */
function problemsOf(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  try {
    parse(env);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
}

const ON = ["true", "1", "on"];
const OFF = ["false", "0", "off"];
const UNSET = [undefined, "", "  "];

describe("a flow's Kafka switch", () => {
  /** The table of the design: ENABLE_KAFKA, the flow's own variable, and whether Kafka is on. */
  const table: [general: typeof UNSET, own: typeof UNSET, follower: boolean, alone: boolean][] = [
    [[...UNSET, ...ON], UNSET, true, false],
    [[...UNSET, ...ON], ON, true, true],
    [[...UNSET, ...ON], OFF, false, false],
    [OFF, UNSET, false, false],
    [OFF, ON, true, true],
    [OFF, OFF, false, false],
  ];

  it.each(flows)("of $name follows the truth table in every cell", ({ name, switch: { variable, followsGlobal } }) => {
    let cells = 0;
    for (const [generals, owns, follower, alone] of table) {
      for (const ENABLE_KAFKA of generals) {
        for (const own of owns) {
          const { flowsOn } = parse({ ENABLE_KAFKA, [variable]: own });
          const expected = followsGlobal ? follower : alone;
          expect(flowsOn.has(name), `ENABLE_KAFKA=${ENABLE_KAFKA} ${variable}=${own}`).toBe(expected);
          cells++;
        }
      }
    }
    expect(cells).toBe(81);
  });

  it.each(flows)("of $name switches no other flow", ({ name, switch: { variable } }) => {
    const others = (env: Record<string, string>) => [...parse(env).flowsOn].filter((other) => other !== name);
    for (const ENABLE_KAFKA of ["true", "false"])
      for (const own of ["true", "false"])
        expect(others({ ENABLE_KAFKA, [variable]: own })).toEqual(others({ ENABLE_KAFKA }));
  });

  it("has the variable that the seeds gave it", () => {
    expect(Object.fromEntries(flows.map((flow) => [flow.name, flow.switch]))).toEqual({
      "chat-messages": { variable: "KAFKA_CHAT_MESSAGES", followsGlobal: true },
      memory: { variable: "KAFKA_MEMORY_OPERATIONS", followsGlobal: true },
      session: { variable: "KAFKA_SESSION_OPERATIONS", followsGlobal: true },
      activity: { variable: "KAFKA_ACTIVITY_OPERATIONS", followsGlobal: true },
      events: { variable: "USE_KAFKA", followsGlobal: false },
    });
  });

  it.each(["yes", "TRUE", " true", "2", "null"])("refuses %j, general or own", (value) => {
    for (const name of ["ENABLE_KAFKA", ...flows.map((flow) => flow.switch.variable)]) {
      expect(problemsOf({ [name]: value })).toEqual([
        `${name} must be true, false, 1, 0, on or off; it is ${JSON.stringify(value)}`,
      ]);
    }
  });
});

describe("parseConfig()", () => {
  it("gives every default to an empty environment", () => {
    expect(parse({})).toMatchObject({
      HOST: "127.0.0.1",
      PORT: 8787,
      ROLE: "all",
      DATA_DIR: "./data",
      KAFKA_PRODUCE_DEADLINE_MS: 2_000,
      KAFKA_TOPIC_PARTITIONS: 3,
      LOG_LEVEL: "info",
      kafka: undefined,
      consume: flows.map(({ name }) => name),
    });
    expect(parse(Object.fromEntries(Object.keys(variables).map((name) => [name, " "])))).toEqual(parse({}));
    expect(Object.isFrozen(parse({}))).toBe(true);
  });

  it("reports all problems at once, each with its variable's name, and says no secret", () => {
    const problems = problemsOf({
      HOST: "0.0.0.0",
      PORT: "70000",
      AUTH: "basic",
      ROLE: "boss",
      CONSUME: "memory,nothing,,session",
      SQLITE_SYNCHRONOUS: "off",
      ID_SECRET_PREVIOUS: "hunter2",
      ENABLE_KAFKA: "maybe",
      USE_KAFKA: "maybe",
      KAFKA_URL: "http://user:hunter2@kafka:8082?dialect=nakadi",
      KAFKA_TOPIC_PARTITIONS: "1.5",
      TICK_RECORDS: "many",
      LOG_LEVEL: "loud",
      OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318",
    });
    const names = problems.map((line) => line.split(" ")[0]);
    for (const name of [
      ...["HOST", "PORT", "AUTH", "ROLE", "CONSUME", "SQLITE_SYNCHRONOUS", "ID_SECRET", "ID_SECRET_PREVIOUS"],
      ...["ENABLE_KAFKA", "USE_KAFKA", "KAFKA_URL", "KAFKA_TOPIC_PARTITIONS", "TICK_RECORDS", "LOG_LEVEL"],
      "OTEL_EXPORTER_OTLP_ENDPOINT",
    ]) {
      expect(names).toContain(name);
    }
    expect(problems.join("\n")).toContain('CONSUME names "nothing", ""; flows are chat-messages, memory');
    expect(problems.join("\n")).toContain("KAFKA_TOPIC_PARTITIONS must be a whole number from 1 to 100");
    expect(problems.join("\n")).not.toContain("hunter2");
    for (const line of problems) expect(line).not.toContain("\n");
  });

  it("says in its message what the problems are", () => {
    expect(() => parse({ PORT: "x" })).toThrow(
      'The configuration has a problem: PORT must be a whole number from 0 to 65535; it is "x"',
    );
    expect(() => parse({ PORT: "x", ROLE: "y" })).toThrow("The configuration has 2 problems:");
  });

  it.each(Object.entries(variables).filter(([, schema]) => typeof schema.parse(undefined) === "number"))(
    "holds %s to whole numbers within its bounds",
    (name) => {
      for (const value of ["-1", "1.5", "1e99", "x", "1,000", "NaN", "Infinity", "1 2"]) {
        expect(problemsOf({ [name]: value })).toEqual([
          expect.stringMatching(new RegExp(`^${name} must be a whole number from \\d+ to \\d+; it is "`)),
        ]);
      }
    },
  );

  it("reads KAFKA_URL with its dialect", () => {
    expect(parse({ KAFKA_URL: "http://kafka:8082" }).kafka).toEqual({ url: "http://kafka:8082", dialect: "tidegate" });
    expect(parse({ KAFKA_URL: "https://kafka/rest/?dialect=tidegate#x" }).kafka).toEqual({
      url: "https://kafka/rest",
      dialect: "tidegate",
    });
    for (const dialect of ["nakadi", "", "Tidegate"]) {
      expect(problemsOf({ KAFKA_URL: `http://kafka:8082?dialect=${dialect}` })).toEqual([
        `KAFKA_URL has dialect "${dialect}"; this release speaks tidegate`,
      ]);
    }
    for (const url of ["kafka:9092", "ftp://kafka", "kafka", "//kafka"])
      expect(problemsOf({ KAFKA_URL: url })).toEqual([expect.stringContaining("KAFKA_URL must be an http(s) URL")]);
  });

  it.each(["127.0.0.1", "127.1.2.3", "localhost", "::1"])("binds to %s without asking", (HOST) => {
    expect(problemsOf({ HOST })).toEqual([]);
  });

  it.each(["0.0.0.0", "::", "192.168.1.1", "example.org", "127.0.0.1.example.org", "127.0.0.1 "])(
    "binds to %j only with AUTH=none and a secret",
    (HOST) => {
      const secret = "a secret that is long enough";
      expect(problemsOf({ HOST })).toEqual([
        expect.stringMatching(/^HOST is .* AUTH=none/),
        expect.stringMatching(/^ID_SECRET must be set/),
      ]);
      expect(problemsOf({ HOST, ID_SECRET: secret })).toEqual([expect.stringContaining("AUTH=none")]);
      expect(problemsOf({ HOST, AUTH: "none" })).toEqual([expect.stringContaining("ID_SECRET")]);
      expect(problemsOf({ HOST, AUTH: "none", ID_SECRET: secret })).toEqual([]);
      expect(problemsOf({ HOST, AUTH: "none", ID_SECRET: "short" })).toEqual([
        "ID_SECRET must have at least 16 characters",
      ]);
    },
  );

  it("reads the flows to consume", () => {
    expect(parse({ CONSUME: " memory , session,memory" }).consume).toEqual(["memory", "session"]);
    expect(problemsOf({ CONSUME: "Memory" })).toEqual([expect.stringContaining('"Memory"; flows are chat-messages')]);
    expect(problemsOf({ CONSUME: "," })).toHaveLength(1);
  });

  it("throws nothing but ConfigError, whatever the environment", () => {
    const names = fc.constantFrom(
      ...Object.keys(variables),
      ...flows.map((flow) => flow.switch.variable),
      ...["__proto__", "constructor", "PATH"],
    );
    const values = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.webUrl({ withQueryParameters: true }),
      fc.integer().map(String),
      fc.constantFrom(
        "true",
        "0",
        "none",
        "http://",
        "http://[",
        "http://a:b@c?dialect=%",
        "\0",
        "\ud800",
        ",",
        undefined,
      ),
    );
    fc.assert(
      fc.property(fc.dictionary(names, values), (env) => {
        problemsOf(env as Record<string, string | undefined>);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe(".env.example", () => {
  it("is what the configuration says (node test/support/env-example.ts --write)", () => {
    expect(readFileSync(ENV_EXAMPLE, "utf8")).toBe(envExample());
  });

  it("describes every variable and changes nothing when every line of it is taken", () => {
    const lines = envExample().split("\n");
    const entries = lines.flatMap((line) => /^#([A-Z_]+)=(.*)$/.exec(line) ?? []).filter((_, i) => i % 3 !== 0);
    const env: Record<string, string> = {};
    for (let i = 0; i < entries.length; i += 2) env[entries[i]!] = entries[i + 1]!;
    expect(Object.keys(env)).toHaveLength(Object.keys(variables).length + flows.length);
    expect(parse(env)).toEqual(parse({}));
    for (const [i, line] of lines.entries()) if (/^#[A-Z]/.test(line)) expect(lines[i - 1]!.length).toBeGreaterThan(10);
  });
});
