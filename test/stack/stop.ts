// `npm run stack:stop`: ends what `npm run stack` started here, by its pids, and waits for it.
import process from "node:process";
import { stopStack } from "./stack.ts";

try {
  const stopped = await stopStack();
  process.stdout.write(stopped.length === 0 ? "No stack runs here.\n" : `Stopped ${stopped.join(", ")}.\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
