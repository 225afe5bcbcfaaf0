// The configuration: the switches' truth table, all problems at once, and `.env.example`.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientTypes } from "../src/app/intake.ts";
import { DIALECTS } from "../src/config/kafka-url.ts";
import { variables } from "../src/config/variables.ts";
import { type Config, ConfigError, parseConfig } from "../src/config.ts";
import { formatKeyEntry, tenantFaults } from "../src/domain/key-entry.ts";
import { flows } from "../src/flows/index.ts";
import { ENV_EXAMPLE, envExample } from "./support/env-example.ts";
import { apiKeys, hashOf, keyOf } from "./support/keys.ts";

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
      summarization: { variable: "KAFKA_SUMMARIZATION", followsGlobal: true },
      "context-analysis": { variable: "KAFKA_CONTEXT_ANALYSIS", followsGlobal: true },
      memory: { variable: "KAFKA_MEMORY_OPERATIONS", followsGlobal: true },
      session: { variable: "KAFKA_SESSION_OPERATIONS", followsGlobal: true },
      activity: { variable: "KAFKA_ACTIVITY_OPERATIONS", followsGlobal: true },
      action: { variable: "KAFKA_ACTION_OPERATIONS", followsGlobal: true },
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
      API_KEYS: "hunter2",
      ROLE: "boss",
      CONSUME: "memory,nothing,,session",
      SQLITE_SYNCHRONOUS: "off",
      ID_SECRET_PREVIOUS: "hunter2",
      ENABLE_KAFKA: "maybe",
      USE_KAFKA: "maybe",
      KAFKA_URL: "http://user:hunter2@kafka:8082?dialect=nakadi",
      KAFKA_TOPIC_PARTITIONS: "1.5",
      EVENT_TOPICS: "a=b c",
      PARTITION_BY: "memory",
      TICK_RECORDS: "many",
      LOG_LEVEL: "loud",
      OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318",
      CORS_ORIGINS: "app.example",
    });
    const names = problems.map((line) => line.split(" ")[0]);
    for (const name of [
      ...["PORT", "AUTH", "API_KEYS", "ROLE", "CONSUME", "SQLITE_SYNCHRONOUS", "ID_SECRET", "ID_SECRET_PREVIOUS"],
      ...["ENABLE_KAFKA", "USE_KAFKA", "KAFKA_URL", "KAFKA_TOPIC_PARTITIONS", "TICK_RECORDS", "LOG_LEVEL"],
      ...["OTEL_EXPORTER_OTLP_ENDPOINT", "EVENT_TOPICS", "PARTITION_BY", "CORS_ORIGINS"],
    ]) {
      expect(names).toContain(name);
    }
    expect(problems.join("\n")).toContain('CONSUME names "nothing", ""; flows are chat-messages, summarization');
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

  it("leaves the local model a turn within the 60 s of an attempt", () => {
    expect(parseConfig({ MODEL_TIMEOUT_MS: "45000" }, flows).MODEL_TIMEOUT_MS).toBe(45_000);
    expect(() => parseConfig({ MODEL_TIMEOUT_MS: "45001" }, flows)).toThrow(/MODEL_TIMEOUT_MS/);
  });

  it("reads CORS_ORIGINS as origins, or as any", () => {
    expect(parse({}).CORS_ORIGINS).toEqual([]);
    expect(parse({ CORS_ORIGINS: "*" }).CORS_ORIGINS).toEqual(["*"]);
    expect(parse({ CORS_ORIGINS: "https://a.example, http://localhost:3000" }).CORS_ORIGINS).toEqual([
      "https://a.example",
      "http://localhost:3000",
    ]);
    for (const CORS_ORIGINS of [
      ...["a.example", "https://a.example/", "https://a.example/path", "HTTPS://A.example", "file:///tmp", "null"],
      ...[",", "*, https://a.example", "https://*.example,", "https://a.example;https://b.example"],
    ]) {
      expect(problemsOf({ CORS_ORIGINS })).toEqual([
        expect.stringMatching(/^CORS_ORIGINS must be \* or origins such as/),
      ]);
    }
  });

  it("reads KAFKA_URL with its dialect", () => {
    expect(parse({ KAFKA_URL: "http://kafka:8082" }).kafka).toEqual({ url: "http://kafka:8082", dialect: "tidegate" });
    expect(parse({ KAFKA_URL: "https://kafka/rest/?dialect=tidegate#x" }).kafka).toEqual({
      url: "https://kafka/rest",
      dialect: "tidegate",
    });
    for (const dialect of ["nakadi", "", "Tidegate"]) {
      expect(problemsOf({ KAFKA_URL: `http://kafka:8082?dialect=${dialect}` })).toEqual([
        `KAFKA_URL has dialect "${dialect}"; this release speaks ${DIALECTS.join(", ")}`,
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

  it.each(["0.0.0.0", "::", "127.0.0.1"])("binds to %j with API_KEYS and a secret", (HOST) => {
    const ID_SECRET = "a secret that is long enough";
    const API_KEYS = apiKeys({ k: ["acme", "read"] });
    expect(problemsOf({ HOST, ID_SECRET, API_KEYS })).toEqual([]);
    expect(problemsOf({ HOST, ID_SECRET, API_KEYS, AUTH: "none" })).toEqual([
      "API_KEYS and AUTH=none contradict each other: unset one of them",
    ]);
  });

  it("reads the flows to consume", () => {
    expect(parse({ CONSUME: " memory , session,memory" }).consume).toEqual(["memory", "session"]);
    expect(problemsOf({ CONSUME: "Memory" })).toEqual([expect.stringContaining('"Memory"; flows are chat-messages')]);
    expect(problemsOf({ CONSUME: "," })).toHaveLength(1);
  });

  it("reads topics of events, in their order", () => {
    expect(parse({}).eventTopics).toEqual([]);
    expect(parse({ EVENT_TOPICS: " com.example.order.* = orders ,a=b=events,=old" }).eventTopics).toEqual([
      { pattern: "com.example.order.*", topic: "orders" },
      { pattern: "a=b", topic: "events" },
      { pattern: "", topic: "old" },
    ]);
    expect(problemsOf({ EVENT_TOPICS: `*=${"t".repeat(249)},a=a_B-9.z,b=...` })).toEqual([]);
  });

  it.each(["", ".", "..", "a b", "a/b", "ä", "t".repeat(250)])("refuses topic %j", (topic) => {
    expect(problemsOf({ EVENT_TOPICS: `x=${topic}` })).toEqual([
      `EVENT_TOPICS names topic ${JSON.stringify(topic)}; a topic has 1 to 249 letters, digits, dots, underscores and hyphens, and is not . or ..`,
    ]);
  });

  it("refuses a topic of another flow, a pattern that stands twice, and more than it can read", () => {
    expect(problemsOf({ EVENT_TOPICS: "a=memory-operations,a=x,oops" }).toSorted()).toEqual([
      'EVENT_TOPICS has "oops"; an entry is like com.example.order.*=order-events',
      'EVENT_TOPICS has pattern "a" twice; the first match wins',
      'EVENT_TOPICS names topic "memory-operations", which is that of memory: a topic serves one flow',
    ]);
    const many = (count: number): string => Array.from({ length: count }, (_, i) => `${i}=t${i}`).join(",");
    expect(problemsOf({ EVENT_TOPICS: many(100) })).toEqual([]);
    expect(problemsOf({ EVENT_TOPICS: many(101) })).toEqual(["EVENT_TOPICS has 101 entries, more than 100"]);
    expect(problemsOf({ EVENT_TOPICS: many(100), KAFKA_TOPIC_PARTITIONS: "10" })).toEqual([
      "EVENT_TOPICS and KAFKA_TOPIC_PARTITIONS make more than 1000 partitions to read",
    ]);
    const remote = { KAFKA_URL: "http://kafka:8082", KAFKA_TOPIC_PARTITIONS: "10" };
    expect(problemsOf({ EVENT_TOPICS: many(100), ...remote })).toEqual([]);
  });

  it("reads what flows are partitioned by", () => {
    expect(parse({}).partitionBy).toEqual(new Map());
    expect(parse({ PARTITION_BY: " memory = tenant,events=request" }).partitionBy).toEqual(
      new Map([
        ["memory", "tenant"],
        ["events", "request"],
      ]),
    );
    expect(problemsOf({ PARTITION_BY: "memory=colour,nothing=user,session=user,session=user,x" }).toSorted()).toEqual([
      'PARTITION_BY has "x"; an entry is like chat-messages=user',
      'PARTITION_BY has strategy "colour"; strategies are entity, session, user, tenant, random, request',
      'PARTITION_BY names "nothing"; flows are chat-messages, summarization, context-analysis, memory, session, activity, action, events',
      "PARTITION_BY names session twice",
    ]);
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

describe("API_KEYS", () => {
  const [HASH, OTHER] = [hashOf("one"), hashOf("two")];

  it("gives each key its tenant and scopes, however entries are separated", () => {
    const all = `${flows[0]!.name}:*+read`;
    for (const between of [",", " ", "\n", ", ", ",\n  "]) {
      const { keys } = parse({
        API_KEYS: `${HASH}:acme:memory:create${between}${OTHER}:a%2Fb%20%C3%A9%3A:${all}${between}`,
      });
      expect([...keys!]).toEqual([
        [HASH, { tenant: "acme", scopes: new Set(["memory:create"]) }],
        [OTHER, { tenant: "a/b é:", scopes: new Set([`${flows[0]!.name}:*`, "read"]) }],
      ]);
    }
    expect(parse({ API_KEYS: " " }).keys).toBeUndefined();
    expect(parse({}).keys).toBeUndefined();
    expect(parse({ API_KEYS: `${HASH}:t:read` })).not.toHaveProperty("API_KEYS");
  });

  it("takes every scope that is there", () => {
    const operations = flows.flatMap((flow) => [...clientTypes(flow), "*"].map((type) => `${flow.name}:${type}`));
    const scopes = ["read", "admin", "operations:*", ...operations];
    expect(parse({ API_KEYS: `${HASH}:t:${scopes.join("+")}` }).keys!.get(HASH)!.scopes).toEqual(new Set(scopes));
  });

  it("reads back what is written, whatever the tenant's name", () => {
    const tenants = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(tenants, (tenant) => {
        const entry = formatKeyEntry(HASH, { tenant, scopes: new Set(["memory:*", "read"]) });
        fc.pre(tenantFaults(tenant).length === 0);
        expect(entry).toMatch(/^[\w:%.~+*-]+$/);
        expect(parse({ API_KEYS: entry }).keys!.get(HASH)!.tenant).toBe(tenant);
      }),
    );
  });

  it.each([
    [",", "holds no entry"],
    ["secret", "entry 1 does not begin with a key's SHA-256 in base64url (43 characters)"],
    [`${"A".repeat(42)}B:t:read`, "entry 1 does not begin with"],
    [`${"0".repeat(64)}:t:read`, "entry 1 does not begin with"],
    [`${HASH}::read`, "entry 1 needs a tenant of 1 to 100 characters"],
    [`${HASH}:${"t".repeat(101)}:read`, "entry 1 needs a tenant"],
    [`${HASH}:%00:read`, "entry 1 needs a tenant"],
    [`${HASH}:%ff:read`, "entry 1 needs a tenant"],
    [
      `${HASH}:t`,
      "entry 1 needs scopes; scopes are read, admin, operations:*, <flow>:<type> and <flow>:*; flows are chat",
    ],
    [`${HASH}:t:`, "entry 1 needs scopes"],
    [`${HASH}:t:memroy:create+read+write`, 'entry 1 names "memroy:create", "write"; scopes are'],
    [`${HASH}:t:memory`, 'entry 1 names "memory"; scopes are'],
    [`${HASH}:t:memory:create:update`, "entry 1 needs scopes"],
    [`${HASH}:t:operations:create`, 'entry 1 names "operations:create"'],
    [`${HASH}:t:memory:discarded`, 'entry 1 names "memory:discarded"'],
    [`${HASH}:t:memory:toString`, "entry 1 needs scopes"],
    [`${HASH}:t:constructor`, 'entry 1 names "constructor"'],
    [`${HASH}:t:*`, "entry 1 needs scopes"],
    [`${OTHER}:t:read,${HASH}:t:read,${HASH}:u:read`, "entry 3 has the hash of an entry before it"],
  ])("refuses %j and says why", (API_KEYS, why) => {
    const problems = problemsOf({ API_KEYS });
    expect(problems.map((line) => line.slice(0, `API_KEYS ${why}`.length))).toContain(`API_KEYS ${why}`);
  });

  it("names every fault of every entry at once, and says no hash and no key, wherever it stands", () => {
    const key = keyOf("misplaced");
    const problems = problemsOf({ API_KEYS: `${key}:${HASH}:${HASH},${HASH}:${key}%ff:${key}+${HASH} ${key} ${HASH}` });
    for (const entry of [1, 2, 3, 4]) expect(problems.join("\n")).toContain(`API_KEYS entry ${entry} `);
    expect(problems.length).toBeGreaterThanOrEqual(8);
    for (const line of problems) {
      for (const secret of [key, HASH]) expect(line).not.toContain(secret.slice(0, 8));
    }
  });
});

describe("credentials for the proxy", () => {
  const SECURE = "https://kafka.example?dialect=karapace";
  it.each([
    [{ KAFKA_URL: SECURE, KAFKA_USERNAME: "u", KAFKA_PASSWORD: "hunter2" }],
    [{ KAFKA_URL: SECURE, KAFKA_TOKEN: "hunter2" }],
    [{ KAFKA_URL: SECURE, KAFKA_TLS_CERT: "c.pem", KAFKA_TLS_KEY: "k.pem", KAFKA_TLS_CA: "ca.pem" }],
    [{ KAFKA_URL: "http://127.0.0.1:8082", KAFKA_TOKEN: "hunter2" }],
    [{ KAFKA_URL: "http://[::1]:8082", KAFKA_TOKEN: "hunter2" }],
    [{ KAFKA_URL: SECURE, KAFKA_TOKEN: "hunter2", KAFKA_ORIGINS: "https://rest-1.example:8082" }],
  ])("are taken: %j", (env) => expect(problemsOf(env)).toEqual([]));

  it.each([
    [{ KAFKA_URL: SECURE, KAFKA_USERNAME: "hunter2" }, "KAFKA_USERNAME and KAFKA_PASSWORD must be set together"],
    [{ KAFKA_URL: SECURE, KAFKA_TLS_KEY: "k.pem" }, "KAFKA_TLS_CERT and KAFKA_TLS_KEY must be set together"],
    [
      { KAFKA_URL: SECURE, KAFKA_USERNAME: "u", KAFKA_PASSWORD: "hunter2", KAFKA_TOKEN: "hunter2" },
      "KAFKA_TOKEN and KAFKA_USERNAME contradict each other: unset one of them",
    ],
    [{ KAFKA_TOKEN: "hunter2" }, "KAFKA_TOKEN is for a proxy: set KAFKA_URL"],
    [
      { KAFKA_URL: "http://kafka.example", KAFKA_TOKEN: "hunter2" },
      "KAFKA_URL must be https beyond loopback when credentials are sent there",
    ],
    [
      { KAFKA_URL: "http://127.0.0.1.example.com", KAFKA_TOKEN: "hunter2" },
      "KAFKA_URL must be https beyond loopback when credentials are sent there",
    ],
    [
      { KAFKA_URL: SECURE, KAFKA_TOKEN: "hunter2", KAFKA_ORIGINS: "https://a.example,http://b.example" },
      "KAFKA_ORIGINS must be https beyond loopback when credentials are sent there",
    ],
    [{ KAFKA_URL: "http://127.0.0.1", KAFKA_TLS_CA: "ca.pem" }, "KAFKA_URL must be https for certificates to be used"],
    [{ KAFKA_URL: SECURE, KAFKA_TOKEN: "hunter2\u0000" }, "KAFKA_TOKEN must be visible ASCII characters"],
    [{ KAFKA_URL: SECURE, KAFKA_USERNAME: "a:b", KAFKA_PASSWORD: "hunter2" }, "KAFKA_USERNAME must hold no colon"],
  ])("are refused without being said: %j", (env, problem) => {
    expect(problemsOf(env)).toEqual([problem]);
    expect(problem).not.toContain("hunter2");
  });
});

describe(".env.example", () => {
  it("is what the configuration says (node test/support/env-example.ts --write)", () => {
    expect(readFileSync(ENV_EXAMPLE, "utf8")).toBe(envExample());
  });

  it("describes every variable and changes nothing when every line of it is taken", () => {
    const lines = envExample().split("\n");
    const entries = lines.flatMap((line) => /^#([A-Z0-9_]+)=(.*)$/.exec(line) ?? []).filter((_, i) => i % 3 !== 0);
    const env: Record<string, string> = {};
    for (let i = 0; i < entries.length; i += 2) env[entries[i]!] = entries[i + 1]!;
    expect(Object.keys(env)).toHaveLength(Object.keys(variables).length + flows.length);
    expect(parse(env)).toEqual(parse({}));
    for (const [i, line] of lines.entries()) if (/^#[A-Z]/.test(line)) expect(lines[i - 1]!.length).toBeGreaterThan(10);
  });
});
