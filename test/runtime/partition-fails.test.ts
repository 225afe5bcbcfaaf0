// A partition that cannot be read while others can: a service says so and goes on, a rebuilt graph must not lack it.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { configureFlows, topicsOf } from "../../src/flows/configure.ts";
import { flows } from "../../src/flows/index.ts";
import { openBroker } from "../../src/runtime/broker-node.ts";
import { rebuild } from "../../src/runtime/rebuild-node.ts";
import { loopback } from "../support/gateway-bundle.ts";
import { karapaceProxy } from "../support/proxies/karapace.ts";
import { tempFolder } from "../support/temp-folder.ts";

const TOPICS = topicsOf(configureFlows(flows, parseConfig({}, flows)));

/** A proxy with every topic, which does not know how far the first goes. */
async function start() {
  const { app } = karapaceProxy(Object.fromEntries(TOPICS.map((topic) => [topic, 1])));
  const server = await loopback({
    fetch(request) {
      if (!request.url.endsWith(`/topics/${TOPICS[0]}/partitions/0/offsets`)) return app.fetch(request);
      return Response.json({ error_code: 50003, message: "no leader" }, { status: 500 });
    },
  });
  const folder = tempFolder();
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });
  return { env: { KAFKA_URL: `${server.url}?dialect=karapace`, DATA_DIR: folder.root }, folder: folder.root };
}

it("is told of in words while the others are read", async () => {
  const { env } = await start();
  const told: string[] = [];
  const { broker, close } = await openBroker(parseConfig(env, flows), (message, error) =>
    told.push(`${message}: ${String(error)}`),
  );
  onTestFinished(close);
  const from = TOPICS.map((topic) => ({ topic, partition: 0, offset: 0 }));
  const reads = await broker.read(from, { waitMs: 0, bytesMax: 1_000, recordsMax: 10 });
  expect(reads.filter(({ end }) => end === 0)).toHaveLength(TOPICS.length - 1);
  expect(told).toEqual([expect.stringMatching(/^A partition cannot be read, the others are: .*no leader/)]);
});

it("keeps a rebuild from passing for whole", async () => {
  const { env, folder } = await start();
  const into = join(folder, "new.sqlite");
  await expect(rebuild(into, { ...env, LOG_LEVEL: "error" })).rejects.toThrow(/^Cannot rebuild: .*no leader/);
  expect(existsSync(into)).toBe(false);
});
