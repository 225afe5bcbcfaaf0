// `tidegate rebuild`: a database from Kafka alone, without calling a webhook or a model again.
import { existsSync } from "node:fs";
import { defineCommand } from "citty";
import { Failure } from "./failure.ts";

const args = {
  into: {
    type: "string",
    required: true,
    valueHint: "file",
    description: "Database file to be made; it must not exist yet",
  },
  data: {
    type: "string",
    default: "./data",
    valueHint: "dir",
    description: "Folder of the embedded log; KAFKA_URL names another Kafka",
  },
} as const;

export const rebuild = defineCommand({
  meta: { name: "rebuild", description: "Build a database from Kafka alone; exit 0 if nothing stood in the way" },
  args,
  async run({ args: { into, data } }): Promise<number> {
    if (existsSync(into)) throw new Failure(`Cannot rebuild into ${into}: it exists already; name a new file`);
    const { rebuild: rebuildNode } = await import("../runtime/rebuild-node.ts");
    const { obstacles, ...counts } = await rebuildNode({ into, dataDir: data }, process.env);
    process.stdout.write(`${JSON.stringify({ ...counts, obstacles })}\n`);
    for (const obstacle of obstacles) process.stderr.write(`tidegate: In the way of an equal graph: ${obstacle}\n`);
    return obstacles.length === 0 ? 0 : 1;
  },
});
