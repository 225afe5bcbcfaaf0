// Rebuilding on Node: a new database file beside the one in use.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { check } from "../app/check.ts";
import { obstaclesIn, type Rebuilt, rebuild as rebuildFromLog } from "../app/rebuild.ts";
import { parseConfig } from "../config.ts";
import { flows } from "../flows/index.ts";
import { compose } from "./compose.ts";
import { GRAPH_FILE, openBroker, openDatabase, readSecret } from "./embedded.ts";
import { nodeEntropy } from "./entropy-node.ts";
import { startLogging } from "./logging.ts";
import { VERSION } from "./version.ts";

/** Where the new database goes, and where the embedded files and the database in use are. */
export interface RebuildNodeOptions {
  readonly into: string;
  readonly dataDir: string;
}

/** Builds the database `into` from Kafka alone; lines of its log go to standard error. */
export async function rebuild(
  { into, dataDir }: RebuildNodeOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Rebuilt> {
  const config = parseConfig({ ...env, DATA_DIR: dataDir, CONSUME: undefined }, flows);
  const write = startLogging(config.LOG_LEVEL, (text) => process.stderr.write(`${text}\n`));
  const { broker, close } = await openBroker(config, (error) =>
    write("error", "The embedded gateway failed", { error: String(error) }),
  );
  const database = openDatabase(into, config);
  const clock = { nowMs: () => Date.now() };
  const entropy = nodeEntropy(readSecret(config), config.ID_SECRET_PREVIOUS);
  try {
    const { tick, budget } = compose(config, { version: VERSION, broker, database, entropy, clock, write });
    const rebuilt = await rebuildFromLog(tick, budget);
    const used = join(dataDir, GRAPH_FILE);
    if (!existsSync(used)) return rebuilt;
    const inUse = openDatabase(used, config);
    const obstacles = obstaclesIn(await check({ flows, broker, database: inUse }).finally(() => inUse.close()));
    return { ...rebuilt, obstacles: [...rebuilt.obstacles, ...obstacles] };
  } finally {
    await close();
    await database.close();
  }
}
