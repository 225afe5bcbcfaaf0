// The service on Node: one process with its HTTP server, its consumer loop, and a shutdown that loses nothing.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseConfig } from "../config.ts";
import { flows } from "../flows/index.ts";
import { createApp } from "../http/app.ts";
import { SchemaError } from "../sql/sql.ts";
import { compose } from "./compose.ts";
import { GRAPH_FILE, openBroker, openDatabase, readSecret } from "./embedded.ts";
import { nodeEntropy } from "./entropy-node.ts";
import { listen } from "./listen.ts";
import { startLogging } from "./logging.ts";
import { runLoop } from "./loop.ts";
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
  const database = openDatabase(join(config.DATA_DIR, GRAPH_FILE), config);
  await database.nowMs().catch((error) => {
    if (error instanceof SchemaError) throw error;
    write("error", "The database cannot be reached; starting without it", { error: String(error) });
  });
  const { broker, close } = await openBroker(config, (error) => write("error", "The embedded gateway failed", { error: String(error) }));
  const { service, tick, budget, vitals } = compose(config, { version: VERSION, broker, database, entropy, clock, write });

  const stopping = new AbortController();
  const server = await listen(createApp(service).fetch, { host: config.HOST, port: config.PORT });
  const compare = (): void => void vitals.compareClocks().catch(() => undefined);
  compare();
  const comparing = setInterval(compare, CLOCK_EVERY_MS);
  const loop = config.ROLE === "api" ? Promise.resolve() : runLoop(tick, budget, stopping.signal);
  service.log.info("Tidegate is listening", { url: server.url, role: config.ROLE, version: VERSION });
  return {
    url: server.url,
    async stop() {
      service.log.info("Tidegate is stopping");
      clearInterval(comparing);
      stopping.abort();
      await Promise.all([server.stop(config.SHUTDOWN_DEADLINE_MS), loop]);
      await close();
      await database.close();
      await telemetry.stop();
      service.log.info("Tidegate has stopped");
    },
  };
}
