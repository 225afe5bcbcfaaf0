// The thread that consumes, so that no transaction of a tick ever holds up a request.
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { parseConfig } from "../config.ts";
import { flows } from "../flows/index.ts";
import { compose } from "./compose.ts";
import { GRAPH_FILE, openBroker, openDatabase, readSecret } from "./embedded.ts";
import { nodeEntropy } from "./entropy-node.ts";
import { startLogging } from "./logging.ts";
import { runLoop } from "./loop.ts";
import { otlpExporter, startTelemetry } from "./telemetry.ts";
import { VERSION } from "./version.ts";

/** What the thread tells the server. */
export type FromConsumer = { readonly drained: string; readonly isDrained: boolean };

const port = parentPort!;
const config = parseConfig(workerData as Record<string, string | undefined>, flows);
const write = startLogging(config.LOG_LEVEL, (text) => process.stdout.write(`${text}\n`));
const exporter = config.OTEL_EXPORTER_OTLP_ENDPOINT;
const telemetry = startTelemetry(VERSION, exporter === undefined ? undefined : otlpExporter(exporter, fetch));
const entropy = nodeEntropy(readSecret(config), config.ID_SECRET_PREVIOUS);
const database = openDatabase(join(config.DATA_DIR, GRAPH_FILE), config);
const failed = (error: unknown): void => write("error", "The embedded gateway failed", { error: String(error) });
const { broker, close } = await openBroker(config, failed);
const clock = { nowMs: () => Date.now() };
const { tick, budget } = compose(config, {
  version: VERSION,
  broker,
  database,
  entropy,
  clock,
  write,
  onDrained: (drained, isDrained) => port.postMessage({ drained, isDrained } satisfies FromConsumer),
});
const stopping = new AbortController();
const loop = runLoop(tick, budget, stopping.signal);
port.once("message", async () => {
  stopping.abort();
  await loop;
  await close();
  await database.close();
  await telemetry.stop();
  port.close();
});
