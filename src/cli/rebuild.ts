// `tidegate rebuild`: a database from Kafka alone, without calling a webhook or a model again.
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { defineCommand } from "citty";
import { parseConfig } from "../config.ts";
import { flows } from "../flows/index.ts";
import { isDatabaseUrl } from "../runtime/database-url.ts";
import { loadEnvFile } from "./env-file.ts";
import { Failure, fileReason } from "./failure.ts";

const args = {
  into: {
    type: "string",
    required: true,
    valueHint: "file|url",
    description: "Database file to be made, which must not exist yet, or the URL of an empty Neo4j database",
  },
  data: {
    type: "string",
    valueHint: "dir",
    description: "Folder of the embedded log; default DATA_DIR or ./data; KAFKA_URL names another Kafka",
  },
  json: { type: "boolean", description: "Taken for the sake of scripts: the counts are one JSON object anyway" },
} as const;

export const rebuild = defineCommand({
  meta: { name: "rebuild", description: "Build a database from Kafka alone; exit 0 if nothing stood in the way" },
  args,
  async run({ args: { into, data } }): Promise<number> {
    assertNew(into);
    loadEnvFile();
    const env = data === undefined ? process.env : { ...process.env, DATA_DIR: data };
    await assertLog(env);
    const { rebuild: rebuildNode } = await import("../runtime/rebuild-node.ts");
    const { obstacles, ...counts } = await rebuildNode(into, env);
    process.stdout.write(`${JSON.stringify({ ...counts, obstacles })}\n`);
    for (const obstacle of obstacles) process.stderr.write(`tidegate: In the way of an equal graph: ${obstacle}\n`);
    return obstacles.length === 0 ? 0 : 1;
  },
});

/** Throws Failure for a file that cannot be made, before the work is done for it. */
function assertNew(into: string): void {
  if (existsSync(into)) throw new Failure(`Cannot rebuild into ${into}: it exists already; name a new file`);
  if (isDatabaseUrl(into)) return;
  const folder = dirname(into);
  try {
    if (!statSync(folder).isDirectory()) throw new Failure(`Cannot rebuild into ${into}: ${folder} is no folder`);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`Cannot rebuild into ${into}: ${folder} cannot be written (${fileReason(error)})`);
  }
}

/** A folder without a log would be taken for an empty one, and the rebuilt graph for equal to it. */
async function assertLog(env: NodeJS.ProcessEnv): Promise<void> {
  const { DATA_DIR, kafka } = parseConfig({ ...env, CONSUME: undefined }, flows);
  const { LOG_FILE } = await import("../runtime/embedded.ts");
  if (kafka !== undefined || existsSync(join(DATA_DIR, LOG_FILE))) return;
  throw new Failure(
    `There is no embedded log in ${DATA_DIR}; name its folder with --data or DATA_DIR, or set KAFKA_URL`,
  );
}
