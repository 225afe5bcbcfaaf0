// The real parts do their work, and each of them can be stopped, frozen and started on its own.
import { Admin } from "@platformatic/kafka";
import { expect, onTestFinished, test } from "vitest";
import { readStack } from "../stack/read-stack.ts";
import { pausePart, restartPart, resumePart } from "../stack/stack.ts";
import { queryNeo4j } from "./neo4j-query.ts";

const ASK_MS = 3_000;
const stack = readStack();

function admin(): Admin {
  const admin = new Admin({
    clientId: "e2e",
    bootstrapBrokers: [stack.kafka],
    retries: 0,
    connectTimeout: ASK_MS,
    requestTimeout: ASK_MS,
  });
  onTestFinished(() => admin.close());
  return admin;
}

test("Kafka tells about itself", async () => {
  const { brokers } = await admin().metadata({ topics: [] });
  const [host, port] = stack.kafka.split(":");
  expect([...brokers.values()].map(({ host, port }) => ({ host, port }))).toEqual([{ host, port: Number(port) }]);
});

test("Neo4j answers a query, and keeps strangers out", async () => {
  const { status, values } = await queryNeo4j(stack.neo4j, "RETURN 1 + $more", { more: 2 });
  expect({ status, values }).toEqual({ status: 202, values: [[3]] });
  expect((await queryNeo4j({ ...stack.neo4j, password: "wrong" }, "RETURN 1")).status).toBe(401);
});

test("a topic outlives Kafka being killed, and a frozen Kafka is silent until it wakes", async () => {
  const topic = `stack-${Date.now()}`;
  await admin().createTopics({ topics: [topic], partitions: 1, replicas: 1 });
  onTestFinished(() => admin().deleteTopics({ topics: [topic] }));
  await restartPart("kafka", { kill: true });
  expect(await admin().listTopics()).toContain(topic);
  pausePart("kafka");
  try {
    await expect(admin().metadata({ topics: [] })).rejects.toThrow();
  } finally {
    resumePart("kafka");
  }
  expect(await admin().listTopics()).toContain(topic);
});
