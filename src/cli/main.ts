// The tidegate command: finds the subcommand, loads only that one, and turns whatever happens into an exit code.
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { type CommandDef, renderUsage, runCommand } from "citty";
import { checkArguments } from "./arguments.ts";
import { Failure, messageOf, usageFailure } from "./failure.ts";

interface Entry {
  readonly about: string;
  // Commands differ in their arguments, which citty's type is invariant in.
  readonly load: () => Promise<CommandDef>;
  readonly many?: true;
}

const untyped = (command: unknown): CommandDef => command as CommandDef;

const COMMANDS: { readonly [name: string]: Entry } = {
  start: { about: "Run the service", load: async () => untyped((await import("./start.ts")).start) },
  gateway: {
    about: "Run the Kafka REST gateway alone",
    load: async () => untyped((await import("./gateway.ts")).gateway),
  },
  send: { about: "Send one operation", load: async () => untyped((await import("./send.ts")).send) },
  import: {
    about: "Import operations from files",
    load: async () => untyped((await import("./import.ts")).importCommand),
    many: true,
  },
  dump: { about: "Print the graph as JSON Lines", load: async () => untyped((await import("./dump.ts")).dump) },
  rebuild: {
    about: "Build a database from Kafka alone",
    load: async () => untyped((await import("./rebuild.ts")).rebuild),
  },
  check: { about: "Check that nothing was lost", load: async () => untyped((await import("./check.ts")).check) },
  keys: { about: "Create API keys", load: async () => untyped((await import("./keys.ts")).keys) },
  operations: {
    about: "Show operations, or parked records",
    load: async () => untyped((await import("./operations.ts")).operations),
  },
  replay: {
    about: "Give parked records another try",
    load: async () => untyped((await import("./replay.ts")).replay),
  },
  discard: { about: "Give parked records up", load: async () => untyped((await import("./discard.ts")).discard) },
  erase: {
    about: "Delete a session, or what a person has",
    load: async () => untyped((await import("./erase.ts")).erase),
  },
  topics: {
    about: "Check or create Kafka's topics",
    load: async () => untyped((await import("./topics.ts")).topics),
  },
  schemas: {
    about: "Compare or register the records' schemas",
    load: async () => untyped((await import("./schemas.ts")).schemas),
  },
  probe: {
    about: "Examine anyone's HTTP proxy of Kafka",
    load: async () => untyped((await import("./probe.ts")).probe),
  },
  doctor: {
    about: "Check what the service stands on",
    load: async () => untyped((await import("./doctor.ts")).doctor),
  },
};

const USAGE_EXIT_CODE = 2;

/** Runs the command; answers the exit code. Never throws. */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === "--version" || name === "-v") return print(version());
    if (name === "--help" || name === "-h" || name === "help") return print(overview());
    if (name === undefined) throw usageFailure("Which command?");
    const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (entry === undefined) throw usageFailure(`There is no command ${JSON.stringify(name)}`);
    return await runEntry(name, entry, rest);
  } catch (error) {
    return report(error, name);
  }
}

async function runEntry(name: string, { load, many }: Entry, rest: readonly string[]): Promise<number> {
  const command = await load();
  if (rest.includes("--help") || rest.includes("-h")) {
    const usage = await renderUsage(command, { meta: { name: "tidegate", version: version() } });
    return print(process.stdout.isTTY === true ? usage : stripVTControlCharacters(usage));
  }
  const definition = typeof command.args === "function" ? await command.args() : await command.args;
  checkArguments(rest, definition ?? {}, { many: many === true });
  const { result } = await runCommand(command, { rawArgs: [...rest] });
  if (typeof result !== "number") throw new Error(`Command "${name}" gave no exit code`);
  return result;
}

function report(error: unknown, name: string | undefined): number {
  const isUsage = error instanceof Error && error.name === "CLIError";
  const exitCode = isUsage ? USAGE_EXIT_CODE : error instanceof Failure ? error.exitCode : 1;
  const known = name !== undefined && Object.hasOwn(COMMANDS, name);
  const advice = exitCode === USAGE_EXIT_CODE ? `; see "tidegate ${known ? `${name} ` : ""}--help"` : "";
  process.stderr.write(`tidegate: ${stripVTControlCharacters(messageOf(error))}${advice}\n`);
  return exitCode;
}

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(12)}${about}`);
  return [
    `tidegate ${version()}: operations through Kafka when it is there, straight into the graph when it is not`,
    "",
    "Usage: tidegate COMMAND [OPTIONS]",
    "",
    ...lines,
    "",
    'See "tidegate COMMAND --help" for a command\'s options.',
  ].join("\n");
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return (manifest as { version: string }).version;
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
