// The whole house on the real parts: one scenario of real conversations, over all flows, from HTTP through our gateway and
// a real Kafka into a real Neo4j, by every path, ends in the graph that the embedded service makes of it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flows } from "../../src/flows/index.ts";
import { effectsHold, logHolds, pathsAgree } from "../show/flows-checks.ts";
import { type Accepted, readFound, sendScenario } from "../show/flows-client.ts";
import { buildScenario } from "../show/flows-scenario.ts";
import { startWebhook, type Webhook } from "../show/flows-webhook.ts";
import { readLog } from "../show/gateway-log.ts";
import { createStage, type Part, type Stage, waitForRest } from "../show/stage.ts";
import { readStack } from "../stack/read-stack.ts";
import { CHITCHAT_EXCERPT } from "../support/chitchat.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { type Env, freePort } from "../support/tidegate-process.ts";
import { emptyKafka } from "./empty-kafka.ts";
import { emptyGraph } from "./neo4j-database.ts";
import { queryNeo4j } from "./neo4j-query.ts";

const { kafka, neo4j } = readStack();
const CONVERSATIONS = 41;
const ROUTE_MS = 300_000;
const steps = buildScenario(CHITCHAT_EXCERPT, CONVERSATIONS);
const root = mkdtempSync(join(tmpdir(), "tidegate-house-"));
const EVERY_FLOW = flows.map(({ name }) => name);
const ON = { ENABLE_KAFKA: "true", USE_KAFKA: "true" };

const over = (url: string): Env => ({ NEO4J_URL: url, NEO4J_USER: neo4j.user, NEO4J_PASSWORD: neo4j.password });

/** Plays the scenario on a service; everything that has to hold by every path is held here. */
async function play(
  name: string,
  env: Env,
  meanwhile: (accepted: readonly Accepted[]) => Promise<void> = async () => {},
) {
  await using webhook = await startWebhook();
  const stage = createStage({ file: CHITCHAT_EXCERPT, root, small: false }, name);
  const outside = { WEBHOOKS: webhook.configuration, WEBHOOK_ALLOW_INSECURE: "true" };
  // A service that outlived a failed test would work on in the graphs of those after it.
  await using service = await stage.service({ ...env, ...outside });
  return await follow(stage, service, webhook, meanwhile).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}\nThe service said last:\n${service.lastLines()}`, { cause: error });
  });
}

async function follow(
  stage: Stage,
  service: Part,
  webhook: Webhook,
  meanwhile: (accepted: readonly Accepted[]) => Promise<void>,
) {
  const accepted = await sendScenario(service.url, steps, stage.path("accepted.jsonl"));
  await meanwhile(accepted);
  const checked = await waitForRest(service);
  expect(await stage.check(service.url)).toMatchObject({ closes: true });
  const [plain, registers] = [
    await stage.dump("--url", service.url),
    await stage.dump("--url", service.url, "--registers"),
  ];
  const found = await readFound(service.url, accepted);
  expect(await service.process.stop()).toBe(0);
  expect(pathsAgree(checked, accepted)).toBe(true);
  for (const [what, holds] of Object.entries(effectsHold(accepted, webhook)))
    expect([what, holds]).toEqual([what, true]);
  return { stage, accepted, sha256: plain.sha256, registers: registers.sha256, found, calls: webhook.received.length };
}

const pathsOf = (accepted: readonly Accepted[]) => [...new Set(accepted.map(({ path }) => path))];

describe("the whole house on the real parts", () => {
  let embedded: Awaited<ReturnType<typeof play>>;
  let gateway: Part;
  const gatewayStage = createStage({ file: CHITCHAT_EXCERPT, root, small: false }, "gateway");
  const kafkaUrl = (url: string): string => `${url}?dialect=tidegate`;

  beforeAll(async () => {
    embedded = await play("embedded", ON);
    const port = await freePort();
    gateway = await gatewayStage.start(["gateway", "--port", String(port), "--kafka", kafka], {}, port, "/health");
  }, ROUTE_MS);
  afterAll(async () => {
    await gateway?.process.stop();
    await emptyGraph();
    rmSync(root, { recursive: true, force: true });
  });

  /** What the log holds, and that each record carries a trace. */
  const expectLog = async (accepted: readonly Accepted[], flowsOn: readonly string[]): Promise<void> => {
    const log = await readLog(gateway.url);
    for (const [what, holds] of Object.entries(logHolds(accepted, flowsOn, log)))
      expect([what, holds]).toEqual([what, true]);
  };

  const same = (route: { sha256: string; found: readonly string[] }): void =>
    expect({ sha256: route.sha256, found: route.found }).toEqual({ sha256: embedded.sha256, found: embedded.found });

  it.each([
    { name: "bolt", url: neo4j.bolt },
    { name: "query-api", url: neo4j.http },
  ])(
    "by kafka into Neo4j over $name, and rebuilt from Kafka alone",
    async ({ name, url }) => {
      await Promise.all([emptyKafka(kafka), emptyGraph()]);
      const env = { ...ON, KAFKA_URL: kafkaUrl(gateway.url), ...over(url) };
      const route = await play(`kafka-${name}`, env);
      expect(pathsOf(route.accepted)).toEqual(["kafka"]);
      same(route);
      await expectLog(route.accepted, EVERY_FLOW);
      const { values } = await queryNeo4j(neo4j, "MATCH (:Session)-[:CONTAINS]->(m:Message) RETURN count(m) > 100");
      expect(values).toEqual([[true]]);

      await emptyGraph();
      const { code, out } = await route.stage.command(["rebuild", "--into", url], env);
      expect([code, out]).toEqual([0, expect.stringContaining('"obstacles":[]')]);
      await using again = await route.stage.service({ ...env, ROLE: "api" });
      expect((await route.stage.dump("--url", again.url, "--registers")).sha256).toBe(route.registers);
    },
    ROUTE_MS,
  );

  it(
    "directly",
    async () => {
      await Promise.all([emptyKafka(kafka), emptyGraph()]);
      const route = await play("direct", {
        ENABLE_KAFKA: "false",
        KAFKA_URL: kafkaUrl(gateway.url),
        ...over(neo4j.bolt),
      });
      expect(pathsOf(route.accepted)).toEqual(["direct"]);
      same(route);
      await expectLog(route.accepted, []);
    },
    ROUTE_MS,
  );

  it(
    "by fallback, and by the relay into Kafka once the way there is open",
    async () => {
      await Promise.all([emptyKafka(kafka), emptyGraph()]);
      await using proxy = await startTcpProxy(new URL(gateway.url).host);
      await proxy.refuse();
      const KAFKA_URL = kafkaUrl(`http://127.0.0.1:${proxy.port}`);
      const route = await play(
        "fallback",
        { ...ON, KAFKA_BREAKER_OPEN_MS: "500", KAFKA_URL, ...over(neo4j.bolt) },
        () => proxy.accept(),
      );
      expect(pathsOf(route.accepted)).toEqual(["fallback"]);
      same(route);
      await expectLog(route.accepted, EVERY_FLOW);
    },
    ROUTE_MS,
  );
});
