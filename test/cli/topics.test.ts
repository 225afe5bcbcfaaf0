import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { flows } from "../../src/flows/index.ts";
import { createGateway } from "../../src/gateway/app.ts";
import { openSqliteLog } from "../../src/gateway/node-sqlite-log.ts";
import { listen } from "../../src/runtime/listen.ts";
import { loopback } from "../support/gateway-bundle.ts";
import { strimziProxy } from "../support/proxies/strimzi.ts";
import { runCommand } from "../support/run-command.ts";
import { tempFolder } from "../support/temp-folder.ts";

const TOPICS = [...new Set(flows.map(({ topic }) => topic))];

/** A gateway over an empty log. */
async function gateway() {
  const log = openSqliteLog(":memory:");
  const { url, stop } = await listen(createGateway(log).fetch, { host: "127.0.0.1", port: 0 });
  onTestFinished(async () => {
    await stop(0);
    await log.close();
  });
  return { url, log };
}

/** A proxy that knows no topics and makes none. */
async function poorProxy() {
  const server = createServer((request, response) => {
    const isTopic = request.method === "GET" && request.url?.startsWith("/topics/");
    response.writeHead(404, { "content-type": "application/json" });
    response.end(JSON.stringify({ error_code: isTopic ? 40401 : 404, message: "not found" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("tidegate topics", () => {
  let folder: ReturnType<typeof tempFolder>;
  beforeEach(() => {
    folder = tempFolder();
    vi.stubEnv("DATA_DIR", folder.path("data"));
    vi.stubEnv("KAFKA_URL", "");
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    folder[Symbol.dispose]();
  });

  test("looks at the embedded log without making it, and makes it when told to", async () => {
    const before = await runCommand("topics", "check");
    expect(before.code).toBe(1);
    expect(before.out).toContain(`${TOPICS.length} of ${TOPICS.length} are missing in the embedded log`);
    expect(existsSync(folder.path("data"))).toBe(false);
    const create = await runCommand("topics", "create", "--json");
    expect([create.code, JSON.parse(create.out)]).toMatchObject([0, { made: TOPICS, missing: [], commands: [] }]);
    expect((await runCommand("topics", "check")).code).toBe(0);
  });

  test("lists what is missing at a proxy, and makes it", async () => {
    const { url, log } = await gateway();
    await log.createTopic(TOPICS[0]!, 7);
    const check = await runCommand("topics", "check", "--url", url);
    expect([check.code, check.out]).toEqual([1, expect.stringMatching(new RegExp(`^${TOPICS[0]} +7 `, "m"))]);
    expect(check.out).toMatch(new RegExp(`^${TOPICS[1]} +missing `, "m"));
    expect(check.out).toContain('run "tidegate topics create"\n');
    vi.stubEnv("KAFKA_URL", url);
    vi.stubEnv("KAFKA_TOPIC_PARTITIONS", "2");
    const create = await runCommand("topics", "create");
    expect([create.code, create.out]).toEqual([0, expect.stringContaining(`\nMade ${TOPICS.slice(1).join(", ")}\n`)]);
    expect((await log.topics()).map(({ partitions }) => partitions).sort()).toEqual(
      TOPICS.map((_, i) => (i === 0 ? 7 : 2)).sort(),
    );
    expect(JSON.parse((await runCommand("topics", "check", "--json")).out)).toMatchObject({ kafka: url, missing: [] });
  });

  test("counts the topics that events have by their type, and those that are still read", async () => {
    const { url, log } = await gateway();
    vi.stubEnv("KAFKA_URL", url);
    vi.stubEnv("EVENT_TOPICS", "com.example.*=order-events,=old-events");
    const check = await runCommand("topics", "check");
    expect([check.code, check.out]).toEqual([1, expect.stringMatching(/^order-events +missing +events$/m)]);
    expect(check.out).toMatch(/^old-events +missing +events$/m);
    expect((await runCommand("topics", "create")).code).toBe(0);
    expect((await log.topics()).map(({ name }) => name).sort()).toEqual(
      [...TOPICS, "old-events", "order-events"].sort(),
    );
  });

  test("prints the lines that make them where the proxy cannot", async () => {
    const url = await poorProxy();
    const { code, out } = await runCommand("topics", "create", "--url", `${url}?dialect=confluent`);
    expect(code).toBe(1);
    expect(out).toContain(`${url} makes no topics: it answered 404 to POST /admin/topics; make them at the cluster:`);
    for (const topic of TOPICS) {
      expect(out).toContain(
        `\nkafka-topics.sh --bootstrap-server HOST:9092 --create --if-not-exists --topic ${topic} --partitions 3`,
      );
    }
    const json = JSON.parse((await runCommand("topics", "create", "--url", `${url}?dialect=confluent`, "--json")).out);
    expect(json.commands).toHaveLength(TOPICS.length);
  });

  test("makes topics at Strimzi's bridge", async () => {
    const proxy = strimziProxy({});
    await using server = await loopback(proxy.app);
    const { code } = await runCommand("topics", "create", "--url", `${server.url}?dialect=strimzi`);
    expect(code).toBe(0);
    expect(proxy.log.partitions("memory-operations")).toBe(3);
  });

  test("says in one line that Kafka is away", async () => {
    const { code, err } = await runCommand("topics", "check", "--url", "http://127.0.0.1:9");
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(
        /^tidegate: Cannot read the topics of http:\/\/127\.0\.0\.1:9: nothing listens .*: start the proxy/,
      ),
    ]);
  });
});
