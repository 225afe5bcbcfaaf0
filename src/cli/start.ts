// `tidegate start`: the service on Node, configured by the environment and a `.env` file in the working directory.
import { existsSync } from "node:fs";
import { defineCommand } from "citty";
import { Failure, fileReason } from "./failure.ts";

export const start = defineCommand({
  meta: { name: "start", description: "Run the service; environment variables configure it, see .env.example" },
  async run(): Promise<number> {
    loadEnvFile(".env");
    const { startNode } = await import("../runtime/node.ts");
    const { stopOnSignal } = await import("../runtime/signals.ts");
    const { url, stop } = await startNode(process.env);
    // Standard output is the log, one JSON object a line.
    process.stderr.write(`Tidegate listens on ${url}\n`);
    return stopOnSignal(stop);
  },
});

/** Reads variables from a file when there is one; what is set already stays. */
function loadEnvFile(path: string): void {
  if (!existsSync(path)) return;
  try {
    process.loadEnvFile(path);
  } catch (error) {
    throw new Failure(`Cannot read ${path}: ${fileReason(error)}`, { cause: error });
  }
}
