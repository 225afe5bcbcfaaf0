// A KAFKA_URL that is not what it says: one line at the start, the same in `doctor` and in `/health/kafka`, while the
// service goes on by fallback and logs every tick that could not read.
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { flows } from "../../src/flows/index.ts";
import { loopback } from "../support/gateway-bundle.ts";
import { strimziProxy } from "../support/proxies/strimzi.ts";
import { upstashProxy } from "../support/proxies/upstash.ts";
import { runCommand } from "../support/run-command.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";

const TOPICS = Object.fromEntries(flows.map(({ topic }) => [topic, 1]));

async function served(proxy: Parameters<typeof loopback>[0]): Promise<string> {
  const server = await loopback(proxy);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server.url;
}

/** A port that hangs up on whoever speaks HTTP, as a Kafka broker does. */
async function kafkaPort(): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a service whose KAFKA_URL is wrong", () => {
  it.each([
    [
      "in its dialect",
      async () => ({ KAFKA_URL: `${await served(strimziProxy(TOPICS).app)}?dialect=confluent` }),
      'is Strimzi\'s bridge 1.0.0, and KAFKA_URL says dialect "confluent": set ?dialect=strimzi in KAFKA_URL',
    ],
    [
      "in its port, which is Kafka's own",
      async () => ({ KAFKA_URL: await kafkaPort() }),
      "hung up without an HTTP answer",
    ],
    [
      "in its password",
      async () => ({
        KAFKA_URL: `${await served(upstashProxy(TOPICS).app)}?dialect=upstash`,
        KAFKA_USERNAME: "user",
        KAFKA_PASSWORD: "hunter2",
      }),
      "refuses these credentials (it answered 401 to GET /topics): correct KAFKA_USERNAME and KAFKA_PASSWORD",
    ],
    [
      "in its topics, which are missing",
      async () => ({ KAFKA_URL: `${await served(strimziProxy({}).app)}?dialect=strimzi` }),
      'topic memory-operations is missing: run "tidegate topics create"',
    ],
  ])("%s says so at the start, in doctor and in /health/kafka", async (_, prepare, line) => {
    using folder = tempFolder();
    const env: Record<string, string> = { ...(await prepare()), KAFKA_READ_DEADLINE_MS: "4000" };
    await using service = await startServiceProcess(folder.root, env);
    await service.until("a line about Kafka", async () => service.output().includes("Kafka cannot be used"));
    const { status, body } = await service.get("/health/kafka");
    expect(status).toBe(503);
    expect(body.detail).toContain(line);
    const said = service
      .output()
      .split("\n")
      .find((each) => each.includes("Kafka cannot be used"))!;
    expect(JSON.parse(said).detail).toContain(line);
    // Whoever speaks v2 takes records in any of its dialects.
    const { status: taken, body: answer } = await service.post("/v1/session/create", { id: "s" });
    expect([`200 fallback`, `202 kafka`]).toContain(`${taken} ${answer.path}`);
    expect(service.output()).not.toContain("hunter2");

    for (const [name, value] of Object.entries({ ...env, DATA_DIR: folder.path("doctor"), PORT: "0" })) {
      vi.stubEnv(name, value);
    }
    const { code, out } = await runCommand("doctor").finally(() => vi.unstubAllEnvs());
    expect(code).toBe(1);
    const missing = line.startsWith("topic ") ? "missing: " : line;
    expect(out.split("\n").filter((each) => each.includes(missing))).toHaveLength(1);
    expect(out).not.toContain("hunter2");
  });
});
