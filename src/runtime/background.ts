// The thread beside the server: it runs the consumer's loop and folds the embedded files' write-ahead logs back, so that
// no transaction and no disk flush of theirs ever holds up a request.
import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { parseConfig } from "../config.ts";
import { flows } from "../flows/index.ts";
import { startCheckpoints } from "./checkpoint.ts";
import { compose } from "./compose.ts";
import { GRAPH_FILE, LOG_FILE, openBroker, openDatabase, readSecret } from "./embedded.ts";
import { nodeEntropy } from "./entropy-node.ts";
import { startLogging } from "./logging.ts";
import { runLoop } from "./loop.ts";
import { otlpExporter, startTelemetry } from "./telemetry.ts";
import { VERSION } from "./version.ts";

/** What the thread tells the server. */
export type FromBackground = { readonly drained: string; readonly isDrained: boolean };

/** Requests go first: what is accepted is safe in the log and can wait for a core. */
const NICENESS = 5;

const port = parentPort!;
yieldToServer();
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
  onDrained: (drained, isDrained) => port.postMessage({ drained, isDrained } satisfies FromBackground),
});
const stopping = new AbortController();
const files = [
  join(config.DATA_DIR, GRAPH_FILE),
  ...(config.kafka === undefined ? [join(config.DATA_DIR, LOG_FILE)] : []),
];
const stopCheckpoints = startCheckpoints(files);
const loop = config.ROLE === "api" ? Promise.resolve() : runLoop(tick, budget, stopping.signal);
port.once("message", async () => {
  stopping.abort();
  await loop;
  stopCheckpoints();
  await close();
  await database.close();
  await telemetry.stop();
  port.close();
});

/** Lowers the priority of this thread alone, where the system lets a thread be named (Linux). */
function yieldToServer(): void {
  try {
    const thread = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    if (thread > 0) setPriority(thread, NICENESS);
  } catch {
    // Another system: both threads take turns as equals.
  }
}
