// The service on Node: one process with its HTTP server, a thread that consumes, and a shutdown that loses nothing.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type ResourceLimits, Worker } from "node:worker_threads";
import { type Config, parseConfig } from "../config.ts";
import { flows } from "../flows/index.ts";
import { createApp } from "../http/app.ts";
import { SchemaError } from "../sql/sql.ts";
import { compose } from "./compose.ts";
import type { FromConsumer } from "./consumer.ts";
import { GRAPH_FILE, KEYS_FILE, LOG_FILE, openBroker, openDatabase, readSecret } from "./embedded.ts";
import { nodeEntropy } from "./entropy-node.ts";
import { listen } from "./listen.ts";
import { startLogging } from "./logging.ts";
import { otlpExporter, startTelemetry } from "./telemetry.ts";
import { VERSION } from "./version.ts";

/** How often a process without a loop compares its clock with the database's. */
const CLOCK_EVERY_MS = 10_000;

/** A running service. */
export interface Running {
  readonly url: string;
  /** Stops accepting, finishes what is in flight, closes. */
  stop(): Promise<void>;
}

/**
 * Starts the service of an environment. Throws ConfigError, or SchemaError for embedded files that are not ours or
 * newer; Kafka and the database may be down.
 */
export async function startNode(env: Readonly<Record<string, string | undefined>>): Promise<Running> {
  const config = parseConfig(env, flows);
  const write = startLogging(config.LOG_LEVEL, (text) => process.stdout.write(`${text}\n`));
  const exporter = config.OTEL_EXPORTER_OTLP_ENDPOINT;
  const telemetry = startTelemetry(VERSION, exporter === undefined ? undefined : otlpExporter(exporter, fetch));
  const clock = { nowMs: () => Date.now() };
  const entropy = nodeEntropy(readSecret(config), config.ID_SECRET_PREVIOUS);
  mkdirSync(config.DATA_DIR, { recursive: true });
  const database = openDatabase(join(config.DATA_DIR, GRAPH_FILE), config, join(config.DATA_DIR, KEYS_FILE));
  for (const touch of [() => database.nowMs(), () => database.reserveKeys([])]) {
    await touch().catch((error) => {
      if (error instanceof SchemaError) throw error;
      write("error", "The database cannot be reached; starting without it", { error: String(error) });
    });
  }
  const { broker, close } = await openBroker(config, (error) =>
    write("error", "The embedded gateway failed", { error: String(error) }),
  );
  const { service, vitals } = compose(config, {
    version: VERSION,
    broker,
    database,
    entropy,
    clock,
    write,
  });

  const letGo = async (): Promise<void> => {
    await close();
    await database.close();
    await telemetry.stop();
  };
  const listening = listen(createApp(service).fetch, { host: config.HOST, port: config.PORT });
  const server = await listening.catch(async (error) => {
    await letGo();
    throw error;
  });
  const threads = startThreads(config, env, (flow, isDrained) => vitals.noteDrained(flow, isDrained));
  const compare = (): void => void vitals.compareClocks().catch(() => undefined);
  compare();
  const comparing = setInterval(compare, CLOCK_EVERY_MS);
  service.log.info("Tidegate is listening", { url: server.url, role: config.ROLE, version: VERSION });
  return {
    url: server.url,
    async stop() {
      service.log.info("Tidegate is stopping");
      clearInterval(comparing);
      await Promise.all([server.stop(config.SHUTDOWN_DEADLINE_MS), ...threads.map((thread) => thread.stop())]);
      await letGo();
      service.log.info("Tidegate has stopped");
    },
  };
}

/** Heaps of the threads; batches are bounded, so they never need more. */
const CONSUMER_HEAP = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 32 };
const CHECKPOINT_HEAP = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

/** Starts the threads beside the server: one consumes, unless the role is another, one folds write-ahead logs back. */
function startThreads(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  onDrained: (flow: string, isDrained: boolean) => void,
): { stop: () => Promise<void> }[] {
  const files = [GRAPH_FILE, KEYS_FILE, LOG_FILE].map((file) => join(config.DATA_DIR, file));
  const checkpoint = startThread("checkpoint.ts", files, CHECKPOINT_HEAP, () => undefined);
  if (config.ROLE === "api") return [checkpoint];
  const told = ({ drained, isDrained }: FromConsumer): void => onDrained(drained, isDrained);
  return [checkpoint, startThread("consumer.ts", { ...env }, CONSUMER_HEAP, told)];
}

/** Starts a thread. Should it ever die, the process ends: half a service must not look like a whole one. */
function startThread<Message>(
  file: string,
  data: unknown,
  resourceLimits: ResourceLimits,
  onMessage: (message: Message) => void,
): { stop: () => Promise<void> } {
  const worker = new Worker(new URL(file, import.meta.url), { workerData: data, resourceLimits });
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  let stopping = false;
  worker.on("error", (error) => {
    console.error(`The thread of ${file} failed: ${error.message}`);
    process.exit(1);
  });
  worker.once("exit", () => {
    if (!stopping) process.exit(1);
  });
  worker.on("message", onMessage);
  return {
    async stop() {
      stopping = true;
      worker.postMessage("stop");
      await ended;
    },
  };
}
