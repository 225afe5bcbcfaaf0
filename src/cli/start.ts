// `tidegate start`: the service on Node, configured by the environment and a `.env` file in the working directory.
import { defineCommand } from "citty";
import { loadEnvFile } from "./env-file.ts";

export const start = defineCommand({
  meta: { name: "start", description: "Run the service; environment variables configure it, see .env.example" },
  async run(): Promise<number> {
    loadEnvFile();
    const { endOnSignal, stopOnSignal } = await import("../runtime/signals.ts");
    const started = endOnSignal();
    const { startNode } = await import("../runtime/node.ts");
    const { url, stop } = await startNode(process.env);
    started();
    // Standard output is the log, one JSON object a line.
    process.stderr.write(`Tidegate listens on ${url}\n`);
    return stopOnSignal(stop);
  },
});
