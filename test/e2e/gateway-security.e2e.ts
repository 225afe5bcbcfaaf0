// The gateway on a Kafka that asks who it is: SASL over TLS, and what it may not do.
import { Admin } from "@platformatic/kafka";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { createGateway } from "../../src/gateway/app.ts";
import { kafkaLog } from "../../src/gateway/kafka/kafka-log.ts";
import { type KafkaOptions, parseBrokers, SASL_MECHANISMS } from "../../src/gateway/kafka/options.ts";
import { type SecuredKafka, startSecuredKafka } from "../support/secured-kafka.ts";

const READY = { timeout: 90_000, interval: 500 };
const ALLOW = 3;
const TOPIC = 2;
const LITERAL = 3;
const [READ, WRITE, DESCRIBE] = [3, 4, 8];

let kafka: SecuredKafka;
let admin: Admin;

beforeAll(async () => {
  kafka = await startSecuredKafka();
  admin = new Admin({ clientId: "e2e", bootstrapBrokers: [kafka.open], retries: 0, requestTimeout: 10_000 });
  await vi.waitFor(() => admin.listTopics(), READY);
  await admin.createTopics({ topics: ["allowed", "readable"], partitions: 1, replicas: 1 });
  const may = (resourceName: string, operation: number) => ({
    resourceType: TOPIC,
    resourceName,
    resourcePatternType: LITERAL,
    principal: `User:${kafka.username}`,
    host: "*",
    operation,
    permissionType: ALLOW,
  });
  const creations = [READ, WRITE, DESCRIBE].map((operation) => may("allowed", operation));
  await admin.createAcls({
    creations: [...creations, may("readable", READ)] as Parameters<Admin["createAcls"]>[0]["creations"],
  });
}, 180_000);

afterAll(async () => {
  await admin?.close();
  await kafka?.[Symbol.asyncDispose]();
});

function gateway(options: Partial<KafkaOptions>) {
  const { username, password, certificate } = kafka;
  const log = kafkaLog({
    brokers: parseBrokers(kafka.bootstrap)!,
    sasl: { mechanism: "SCRAM-SHA-256", username, password },
    tls: { ca: certificate },
    connectMs: 10_000,
    controlMs: 10_000,
    ...options,
  });
  onTestFinished(() => log.close());
  const app = createGateway(log);
  return async (path: string, body?: unknown) => {
    const headers = { "content-type": "application/vnd.kafka.binary.v2+json" };
    const response = await app.request(
      path,
      body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers },
    );
    return { status: response.status, body: await response.json() };
  };
}

const RECORDS = { records: [{ value: btoa("v") }] };
const from = (topic: string) => ({ partitions: [{ topic, partition: 0, offset: 0 }] });

describe("a Kafka that asks who the gateway is", () => {
  it.each(SASL_MECHANISMS)("lets it in by %s over TLS", async (mechanism) => {
    const call = gateway({ sasl: { mechanism, username: kafka.username, password: kafka.password } });
    expect(await call("/topics/allowed", RECORDS)).toMatchObject({
      status: 200,
      body: { offsets: [{ partition: 0 }] },
    });
    const { body } = await call("/partitions/records", { ...from("allowed"), timeout: 2_000 });
    expect(body.partitions[0].records.length).toBeGreaterThan(0);
    expect((await call("/health")).status).toBe(200);
  });

  it.each([
    [
      "a wrong password",
      { sasl: { mechanism: "PLAIN" as const, username: "gateway", password: "wrong" } },
      403,
      /refused the gateway's SASL/,
    ],
    [
      "a stranger by SCRAM",
      { sasl: { mechanism: "SCRAM-SHA-512" as const, username: "nobody", password: "x" } },
      403,
      /refused the gateway's SASL/,
    ],
    ["an authority that it does not know", { tls: {} }, 503, /self-signed/],
    ["no TLS", { tls: undefined }, 503, /Cannot reach Kafka/],
  ])("keeps it out with %s, and the answer says why in one line", async (_, options, status, message) => {
    const call = gateway(options);
    const answer = await call("/topics/allowed", RECORDS);
    expect(answer).toMatchObject({ status, body: { message: expect.stringMatching(message) } });
    expect(answer.body.message).not.toContain(kafka.password);
    expect((await call("/health")).status).toBe(503);
  });

  it("refuses what the gateway may not do for good, record by record", async () => {
    const call = gateway({});
    const produced = await call("/topics/readable", RECORDS);
    expect(produced).toMatchObject({ status: 200, body: { offsets: [{ error_code: 40301 }] } });
    expect((await call("/partitions/records", from("readable"))).body.partitions[0].records).toEqual([]);
    expect(await call("/admin/topics", { topic_name: "new" })).toMatchObject({
      status: 403,
      body: { error_code: 40301 },
    });
  });
});
