// `npm run stack`: the real Kafka, Neo4j and schema registry on free ports of loopback, without containers.
// --detach leaves them running, --zookeeper takes Kafka 3.9.2 with ZooKeeper, --only kafka,neo4j,registry takes some.
import process from "node:process";
import { parseArgs } from "node:util";
import { stackVariables, startStack, stopStack } from "./stack.ts";
import { PARTS, type PartName } from "./state.ts";

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: { detach: { type: "boolean" }, zookeeper: { type: "boolean" }, only: { type: "string" } },
  });
  const only = values.only?.split(",").map((name) => name.trim()) as PartName[] | undefined;
  const unknown = only?.filter((name) => !PARTS.includes(name)) ?? [];
  if (unknown.length > 0) throw new Error(`--only names ${unknown.join(", ")}; there are kafka, neo4j and registry`);
  const stopped = values.detach === true ? undefined : untilSignal();
  const withZookeeper = values.zookeeper === true || only?.includes("zookeeper") === true;
  const options = { zookeeper: withZookeeper, ...(only === undefined ? {} : { only }) };
  const state = await startStack({ ...options, say: print });
  print("");
  for (const [name, value] of Object.entries(stackVariables(state))) print(`  ${name}=${value}`);
  print("\n'eval \"$(npm run -s stack:env)\"' sets them in a shell.");
  if (stopped === undefined) {
    print('"npm run stack:stop" ends it.');
    return 0;
  }
  print("Ctrl-C ends it.");
  await stopped;
  await stopStack();
  return 0;
}

/** Resolves at the first signal; one that comes during the start ends it as soon as everything runs. */
function untilSignal(): Promise<void> {
  const keepAlive = setInterval(() => {}, 60_000);
  return new Promise((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      process.on(name, () => {
        clearInterval(keepAlive);
        resolve();
      });
    }
  });
}

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
