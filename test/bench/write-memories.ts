// Writes memories into a database file, by the service's own engine in transactions of 2,000. Prints one JSON line.
// Usage: write-memories.ts DATA FILE COUNT
import { DEFAULT_TENANT as TENANT } from "../../src/domain/principal.ts";
import { startService } from "../support/service.ts";
import { readMemories } from "./memories.ts";

const [data = "", path = "", count = "0"] = process.argv.slice(2);
const BATCH = 2_000;

const memories = readMemories(data, Number(count));
await using service = await startService({ path, env: { ENABLE_KAFKA: "false" } });
const { accept } = service.composed.service;
const began = performance.now();
for (let i = 0; i < memories.length; i += BATCH) {
  const batch = memories.slice(i, i + BATCH).map((memory) => ({ flow: "memory", type: "create", data: memory }));
  const problem = (await accept(batch, TENANT)).find((answer) => "problem" in answer);
  if (problem !== undefined) throw new Error(`A memory was not taken: ${JSON.stringify(problem)}`);
}
console.log(JSON.stringify({ memories: memories.length, seconds: (performance.now() - began) / 1_000 }));
