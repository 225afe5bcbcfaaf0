// The Upstash REST API as `@upstash/kafka` speaks it, over HTTP, whatever log the gateway stands on.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Kafka } from "@upstash/kafka";
import { describe, expect, it } from "vitest";
import { loopback } from "../support/gateway-bundle.ts";
import type { MakeGateway } from "./consumers.ts";

const PROGRAM = new URL("../../examples/upstash-kafka/program.ts", import.meta.url);
const RUN_MS = 60_000;

async function setup(make: MakeGateway, path = "/upstash", options: Parameters<MakeGateway>[0] = {}) {
  const bundle = await make(options);
  const server = await loopback(bundle.app);
  const url = `${server.url}${path}`;
  const kafka = new Kafka({ url, username: "ann", password: "a-long-enough-password" });
  return {
    url,
    kafka,
    log: bundle.log,
    /** One request as the package sends it, without its retries. */
    async send(method: string, route: string, body?: unknown, headers: Record<string, string> = {}) {
      const response = await fetch(`${url}${route}`, {
        method,
        headers: {
          "content-type": "application/json",
          authorization: `Basic ${btoa("ann:a-long-enough-password")}`,
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await bundle[Symbol.asyncDispose]();
    },
  };
}

const TWICE = { topic: "u", partition: 0, offset: 0 };
const group = () => `group-${crypto.randomUUID()}`;

/** Holds the API to what the package expects. */
export function upstashContract(name: string, make: MakeGateway): void {
  describe(`the Upstash REST API on ${name}`, () => {
    packageCases(make);
    requestCases(make);
  });
}

function packageCases(make: MakeGateway): void {
  it.each(["/upstash", ""])("serves producers and consumers of the package below %j", async (path) => {
    await using gateway = await setup(make, path);
    const producer = gateway.kafka.producer();
    const headers = [{ key: "h", value: "1" }];
    const first = await producer.produce(
      "t",
      { a: 1 },
      { key: "k", partition: 1, timestamp: 1_700_000_000_000, headers },
    );
    expect(first).toEqual({ topic: "t", partition: 1, offset: 0, timestamp: 1_700_000_000_000 });
    const more = await producer.produceMany([
      { topic: "u", value: "text" },
      { topic: "t", value: "more", partition: 1 },
    ]);
    expect(more).toMatchObject([
      { topic: "u", partition: 0, offset: 0 },
      { topic: "t", partition: 1, offset: 1 },
    ]);

    const consumer = gateway.kafka.consumer();
    const me = { consumerGroupId: group(), instanceId: "one", autoOffsetReset: "earliest", autoCommit: false } as const;
    const messages = await consumer.consume({ ...me, topics: ["t"], timeout: 2_000 });
    expect(messages).toEqual([
      { topic: "t", partition: 1, offset: 0, timestamp: 1_700_000_000_000, key: "k", value: '{"a":1}', headers },
      { topic: "t", partition: 1, offset: 1, timestamp: expect.any(Number), key: "", value: "more", headers: [] },
    ]);
    await consumer.commit({ ...me, offset: { topic: "t", partition: 1, offset: 0 } });
    const places = [
      { topic: "t", partition: 1 },
      { topic: "t", partition: 0 },
    ];
    expect(await consumer.committed({ ...me, topicPartitions: places })).toEqual([
      { topic: "t", partition: 1, offset: 1 },
    ]);
    await consumer.commit(me);
    const kept = await gateway.kafka.admin().committedOffsets({ ...me, topicPartitions: places });
    expect(kept).toEqual([
      { topic: "t", partition: 1, offset: 2 },
      { topic: "t", partition: 0, offset: 0 },
    ]);
    const both = await consumer.consume({ ...me, topics: ["t", "u"], timeout: 2_000 });
    expect(both).toMatchObject([{ topic: "u", value: "text" }]);
  });

  it("serves fetches and the admin of the package", async () => {
    await using gateway = await setup(make);
    await gateway.kafka
      .producer()
      .produceMany([0, 1, 2].map((value) => ({ topic: "u", value, timestamp: 1_000 + value })));
    const consumer = gateway.kafka.consumer();
    const offsets = { topic: "u", partition: 0, offset: 1 };
    expect((await consumer.fetch(offsets)).map(({ value }) => value)).toEqual(["1", "2"]);
    const several = await consumer.fetch({
      topicPartitionOffsets: [{ topic: "u", partition: 0, offset: 2 }],
      timeout: 1_000,
    });
    expect(several).toMatchObject([{ offset: 2 }]);
    const together = { topicPartitionOffsets: [offsets, { topic: "t", partition: 0, offset: 0 }] };
    expect((await consumer.fetch(together, { parallel: false })).map(({ offset }) => offset)).toEqual([1, 2]);

    const admin = gateway.kafka.admin();
    expect(await admin.topics()).toEqual({ t: 2, u: 1 });
    const topicPartitions = [{ topic: "u", partition: 0 }];
    const at = (timestamp: "earliest" | "latest" | number) =>
      admin.topicPartitionOffsets({ timestamp, topicPartitions });
    expect(await at("earliest")).toEqual([{ topic: "u", partition: 0, offset: 0 }]);
    expect(await at("latest")).toMatchObject([{ offset: 3 }]);
    expect(await at(1_001)).toMatchObject([{ offset: 1 }]);
    const consumerGroupId = group();
    await consumer.consume({ consumerGroupId, instanceId: "i", topics: ["t"], timeout: 1 });
    const mine = (await admin.consumers()).filter(({ name }) => name === consumerGroupId);
    expect(mine).toEqual([
      { name: consumerGroupId, instances: [{ name: "i", topics: [{ topic: "t", partitions: [0, 1] }] }] },
    ]);
    await admin.removeConsumerInstance(consumerGroupId, "i");
    expect((await admin.consumers()).filter(({ name }) => name === consumerGroupId)).toEqual([]);
  });

  it("runs the example, a program that knows the package alone", async () => {
    await using gateway = await setup(make);
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM.pathname, "u"], {
      env: { ...process.env, UPSTASH_KAFKA_REST_URL: gateway.url },
      timeout: RUN_MS,
    });
    expect(stdout.trim().split("\n")).toEqual([
      "produced to partition 0 at offset 0",
      'consumed {"hello":"world"}',
      "consumed how are you?",
      "consumed bye",
    ]);
  });
}

function requestCases(make: MakeGateway): void {
  it("produces texts from a path, and lists for the topic of a path", async () => {
    await using gateway = await setup(make);
    expect(await gateway.send("GET", "/produce/u/hello%20you/and%2Fme?key=k")).toMatchObject({
      status: 200,
      body: { topic: "u", partition: 0, offset: 0 },
    });
    expect((await gateway.send("POST", "/produce/u", [{ value: "a" }, { value: { b: 1 } }])).body).toHaveLength(2);
    const messages = await gateway.kafka.consumer().fetch({ topic: "u", partition: 0, offset: 0 });
    expect(messages.map(({ key, value }) => [key, value])).toEqual([
      ["k", "hello you/and/me"],
      ["", "a"],
      ["", '{"b":1}'],
    ]);
  });

  it.each([
    ["an unknown topic", "POST", "/produce", { topic: "nowhere", value: "v" }, 404],
    ["no topic", "POST", "/produce", { value: "v" }, 422],
    ["a partition that does not exist", "POST", "/produce", { topic: "u", value: "v", partition: 7 }, 404],
    ["a message that is too large", "POST", "/produce", { topic: "u", value: "x".repeat(1_100_000) }, 413],
    ["a fetch from an unknown partition", "POST", "/fetch", { topic: "u", partition: 7, offset: 0 }, 404],
    ["a fetch without offset", "POST", "/fetch", { topic: "u", partition: 0 }, 422],
    ["a fetch that names a partition twice", "POST", "/fetch", { ...TWICE, topicPartitionOffsets: [TWICE] }, 422],
    ["offsets at no time", "POST", "/offsets/yesterday", [], 422],
    ["a consume without topics", "POST", "/consume/g/i", {}, 422],
    ["a commit of an instance that is gone", "POST", "/commit/g/gone", undefined, 404],
    ["a path that does not exist", "GET", "/nothing", undefined, 404],
    ["a method that does not exist", "PUT", "/produce", undefined, 405],
  ])("answers %s with an error that the package can read", async (_, method, route, body, status) => {
    await using gateway = await setup(make);
    expect(await gateway.send(method, route, body)).toEqual({
      status,
      body: { result: "Error", error: expect.any(String), status },
    });
  });

  it.each([
    ["too large", { topic: "t", value: "x".repeat(1_100_000) }, 413],
    ["for a partition that does not exist", { topic: "t", value: "v", partition: 7 }, 404],
  ])("writes nothing of a request with a message that is %s, which the package sends again", async (_, bad, status) => {
    await using gateway = await setup(make);
    const good = [
      { topic: "u", value: "good" },
      { topic: "t", value: "good", partition: 0 },
    ];
    expect((await gateway.send("POST", "/produce", [...good, bad])).status).toBe(status);
    expect(await gateway.log.offsets("u", 0)).toEqual({ begin: 0, end: 0 });
    expect(await gateway.log.offsets("t", 0)).toEqual({ begin: 0, end: 0 });
  });

  it("asks for the gateway's credentials", async () => {
    const credentials = { users: ["ann:a-long-enough-password"], tokens: [] };
    await using gateway = await setup(make, "/upstash", { credentials });
    expect((await gateway.send("GET", "/topics")).status).toBe(200);
    const stranger = await gateway.send("GET", "/topics", undefined, { authorization: `Basic ${btoa("ann:wrong")}` });
    expect(stranger).toMatchObject({ status: 401, body: { result: "Error", status: 401 } });
  });

  it("leaves GET /topics to the v2 dialect unless the request is the package's", async () => {
    await using gateway = await setup(make, "");
    const names = await fetch(`${gateway.url}/topics`, { headers: { accept: "application/vnd.kafka.v2+json" } });
    expect(await names.json()).toEqual(["t", "u"]);
    expect(await (await fetch(`${gateway.url}/topics`)).json()).toEqual(["t", "u"]);
    expect((await gateway.send("GET", "/topics")).body).toEqual({ t: 2, u: 1 });
  });
}
