// The gateway on its own: `tidegate gateway`.
import { parseConfig } from "../config.ts";
import { flows } from "../flows/index.ts";
import { createGateway } from "../gateway/app.ts";
import { openLog, retentionOf } from "./embedded.ts";
import { listen } from "./listen.ts";
import { startLogging } from "./logging.ts";
import type { Running } from "./node.ts";

const STOP_DEADLINE_MS = 5_000;

/** Where the gateway listens and keeps its log. The environment's variables of the embedded log hold as well. */
export interface GatewayNodeOptions {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
}

/** Starts a gateway over a log in a SQLite file, with the flows' topics made. */
export async function startGateway(
  { host, port, dataDir }: GatewayNodeOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Running> {
  const config = parseConfig(
    { ...env, HOST: host, PORT: String(port), DATA_DIR: dataDir, KAFKA_URL: undefined },
    flows,
  );
  const write = startLogging(config.LOG_LEVEL, (text) => process.stdout.write(`${text}\n`));
  const onError = (error: unknown): void => write("error", "The gateway failed", { error: String(error) });
  const { log, stop } = await openLog(config, onError);
  const retention = retentionOf(config);
  const gateway = createGateway(log, { onError, ...(retention === undefined ? {} : { retention }) });
  const server = await listen(gateway.fetch, { host, port });
  write("info", "The gateway is listening", { url: server.url });
  return {
    url: server.url,
    async stop() {
      await Promise.all([server.stop(STOP_DEADLINE_MS), stop()]);
    },
  };
}
