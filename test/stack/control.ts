// `npm run stack:control -- stop kafka`: what happens to one part of the running stack.
import process from "node:process";
import { pausePart, restartPart, resumePart, startPart, stopPart } from "./stack.ts";
import { PARTS, type PartName } from "./state.ts";

const ACTIONS: Record<string, (name: PartName) => void | Promise<void>> = {
  stop: (name) => stopPart(name),
  kill: (name) => stopPart(name, { kill: true }),
  start: (name) => startPart(name),
  restart: (name) => restartPart(name),
  pause: (name) => pausePart(name),
  resume: (name) => resumePart(name),
};

const [action = "", name = "", ...rest] = process.argv.slice(2);
try {
  if (!Object.hasOwn(ACTIONS, action) || !PARTS.includes(name as PartName) || rest.length > 0) {
    throw new Error(`Say one of ${Object.keys(ACTIONS).join(", ")} and one of ${PARTS.join(", ")}`);
  }
  await ACTIONS[action]!(name as PartName);
  process.stdout.write(`${action} ${name}: done\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
