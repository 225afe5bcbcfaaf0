// The service on Node, Deno and Bun: one process with its HTTP server, a thread that consumes, and a shutdown that loses
// nothing.
import { join } from "node:path";
import type { Write } from "../app/log.ts";
import { type Config, parseConfig } from "../config.ts";
import { flows } from "../flows/index.ts";
import { createApp } from "../http/app.ts";
import type { Service } from "../http/service.ts";
import { compose } from "./compose.ts";
import type { FromConsumer } from "./consumer.ts";
import { GRAPH_FILE, KEYS_FILE, LOG_FILE } from "./embedded.ts";
import { listen } from "./listen.ts";
import { startLogging } from "./logging.ts";
import { namedFetch } from "./own-names.ts";
import { openNodePlatform } from "./platform-node.ts";
import { keepHeapSmall } from "./small-heap.ts";
import { batchingProcessor, startTelemetry } from "./telemetry.ts";
import { startThread, type Thread } from "./thread.ts";
import { VERSION } from "./version.ts";

/** How often a process without a loop compares its clock with the database's. */
const CLOCK_EVERY_MS = 10_000;

const CANARY_EVERY_MS = 60_000;

/** A running service. */
export interface Running {
  readonly url: string;
  /** Stops accepting, finishes what is in flight, closes. */
  stop(): Promise<void>;
}

/**
 * Starts the service of an environment. Throws ConfigError, also for a schema registry that is at odds with
 * our records, or SchemaError for embedded files that are not ours or newer; Kafka, the database and the registry may
 * be down.
 */
export async function startNode(env: Readonly<Record<string, string | undefined>>): Promise<Running> {
  const config = parseConfig(env, flows);
  if (config.kafka === undefined) keepHeapSmall();
  const write = startLogging(config.LOG_LEVEL, (text) => process.stdout.write(`${text}\n`));
  const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT;
  const telemetry = startTelemetry(VERSION, endpoint === undefined ? undefined : batchingProcessor(endpoint));
  const { asset, close, ...platform } = await openNodePlatform(config, flows, write);
  const { service, vitals, prepare, meters, canary } = compose(config, platform);

  const stopping = new AbortController();
  const letGo = async (): Promise<void> => {
    await prepare.stop();
    await close();
    await telemetry.stop();
  };
  const { fetch } = createApp({ ...service, asset, stopping: stopping.signal });
  const listening = listen(namedFetch(config, fetch), { host: config.HOST, port: config.PORT });
  const server = await listening.catch(async (error) => {
    await letGo();
    throw error;
  });
  const threads = startThreads(config, env, (told) => {
    if ("measured" in told) meters.merge(told.measured);
    else vitals.noteDrained(told.drained, told.isDrained);
  });
  const compare = (): void => void vitals.compareClocks().catch(() => undefined);
  compare();
  const comparing = setInterval(compare, CLOCK_EVERY_MS);
  const sendsCanary = config.canary && config.ROLE !== "consumer";
  const singing = sendsCanary ? setInterval(() => void canary.send(), CANARY_EVERY_MS) : undefined;
  const consumes = config.ROLE === "api" ? {} : { consumes: config.consume.join(", ") };
  service.log.info("Tidegate is listening", { url: server.url, role: config.ROLE, ...consumes, version: VERSION });
  if (config.kafka !== undefined) void tellKafka(service, config, write);
  return {
    url: server.url,
    async stop() {
      service.log.info("Tidegate is stopping");
      clearInterval(comparing);
      clearInterval(singing);
      stopping.abort();
      const deadlineMs = config.SHUTDOWN_DEADLINE_MS;
      await Promise.all([server.stop(deadlineMs), ...threads.map((thread) => thread.stop(deadlineMs))]);
      await letGo();
      service.log.info("Tidegate has stopped");
    },
  };
}

/** Heaps of the threads; batches are bounded in number and in size, so they never need more. */
const CONSUMER_HEAP = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 32 };
const CHECKPOINT_HEAP = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

/** Starts the threads beside the server: one consumes, unless the role is another, one folds write-ahead logs back. */
function startThreads(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  onTold: (told: FromConsumer) => void,
): Thread[] {
  const files = [GRAPH_FILE, KEYS_FILE, LOG_FILE].map((file) => join(config.DATA_DIR, file));
  const checkpoint = startThread(new URL("checkpoint.ts", import.meta.url), files, CHECKPOINT_HEAP, () => undefined);
  if (config.ROLE === "api") return [checkpoint];
  return [checkpoint, startThread(new URL("consumer.ts", import.meta.url), { ...env }, CONSUMER_HEAP, onTold)];
}

/** One line about a Kafka that cannot be used as it is configured; the fallback works, so this stops nothing. */
async function tellKafka({ health }: Service, { kafka, flowsOn }: Config, write: Write): Promise<void> {
  const { ok, detail } = await health.kafka();
  if (ok) return;
  const message = "Kafka cannot be used as it is configured";
  write(flowsOn.size === 0 ? "warning" : "error", message, { detail, dialect: kafka?.dialect });
}
