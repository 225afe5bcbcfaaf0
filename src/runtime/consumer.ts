// The thread that consumes, so that no transaction of a tick ever holds up a request.
import { parentPort, workerData } from "node:worker_threads";
import type { Measured } from "../app/meters.ts";
import { parseConfig } from "../config.ts";
import { flows } from "../flows/index.ts";
import { openBroker } from "./broker-node.ts";
import { compose } from "./compose.ts";
import { openConfigured } from "./database-node.ts";
import { readSecret } from "./embedded.ts";
import { nodeEntropy } from "./entropy-node.ts";
import { startLogging } from "./logging.ts";
import { runLoop } from "./loop.ts";
import { outsideNode } from "./outside-node.ts";
import { batchingProcessor, startTelemetry } from "./telemetry.ts";
import { onStop } from "./thread.ts";
import { VERSION } from "./version.ts";

/** What the thread tells the server. */
export type FromConsumer =
  | { readonly drained: string; readonly isDrained: boolean }
  /** What it has measured since it last told. */
  | { readonly measured: Measured };

const TELL_EVERY_MS = 1_000;

const port = parentPort!;
const config = parseConfig(workerData as Record<string, string | undefined>, flows);
const write = startLogging(config.LOG_LEVEL, (text) => process.stdout.write(`${text}\n`));
const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT;
const telemetry = startTelemetry(VERSION, endpoint === undefined ? undefined : batchingProcessor(endpoint));
const entropy = nodeEntropy(readSecret(config), config.ID_SECRET_PREVIOUS);
const database = openConfigured(config);
const failed = (message: string, error: unknown): void => write("error", message, { error: String(error) });
const { broker, close } = await openBroker(config, failed);
const clock = { nowMs: () => Date.now() };
const { tick, budget, prepare, meters, sharing } = compose(config, {
  version: VERSION,
  broker,
  database,
  entropy,
  clock,
  write,
  ...outsideNode(config, clock, write),
  consumerName: crypto.randomUUID(),
  onDrained: (drained, isDrained) => port.postMessage({ drained, isDrained } satisfies FromConsumer),
});
const tell = (): void => {
  const measured = meters.take();
  if (measured !== null) port.postMessage({ measured } satisfies FromConsumer);
};
const telling = setInterval(tell, TELL_EVERY_MS);
const stopping = new AbortController();
const loop = runLoop(tick, budget, stopping.signal);
onStop(port, async () => {
  stopping.abort();
  await loop;
  await prepare.stop();
  await sharing.leave();
  clearInterval(telling);
  await close();
  await database.close();
  await telemetry.stop();
});
