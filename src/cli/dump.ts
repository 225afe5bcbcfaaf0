// `tidegate dump`: the graph as canonical JSON Lines, of a running service or of its files at rest.
import { createHash } from "node:crypto";
import { createWriteStream, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { defineCommand } from "citty";
import type { Database } from "../ports/database.ts";
import { apiKeyArgument, readApiKey, readUrl, urlArgument } from "./arguments.ts";
import { loadEnvFile } from "./env-file.ts";
import { Failure, fileReason, messageOf, usageFailure } from "./failure.ts";
import { isDevice, isSameFile } from "./same-file.ts";
import { ask, connectionReason } from "./service.ts";

/** A large graph takes its time. */
const TIMEOUT_MS = 3_600_000;

const args = {
  url: urlArgument,
  "api-key": apiKeyArgument,
  data: {
    type: "string",
    valueHint: "dir|file|neo4j",
    description: "A service's data folder or database file, or neo4j for the database of NEO4J_URL, instead of --url",
  },
  registers: { type: "boolean", description: "Every register with its version, tombstones and hidden flags" },
  output: { type: "string", valueHint: "file", description: "Write to a file, and print lines and SHA-256" },
  json: {
    type: "boolean",
    description: "With --output: print lines and SHA-256 as one JSON object; the dump is JSON Lines anyway",
  },
} as const;

export const dump = defineCommand({
  meta: { name: "dump", description: "Print visible nodes and edges as canonical JSON Lines" },
  args,
  async run({ args: { url, "api-key": apiKey, data, registers, output, json } }): Promise<number> {
    if (data !== undefined && url !== undefined) throw usageFailure("Give --url or --data, not both");
    const source =
      data === undefined
        ? fromService(readUrl(url), readApiKey(apiKey), registers === true)
        : fromDatabase(data, registers === true, output);
    if (output === undefined) {
      await pipeline(Readable.from(source, { objectMode: false }), process.stdout, { end: false });
      return 0;
    }
    const written = await writeFile(source, output);
    const { lines, sha256 } = written;
    process.stdout.write(`${json === true ? JSON.stringify(written) : `${lines} lines, sha256 ${sha256}`}\n`);
    return 0;
  },
});

async function* fromService(url: string, apiKey: string | undefined, registers: boolean): AsyncGenerator<Uint8Array> {
  const response = await ask(url, `/v1/dump${registers ? "?registers=true" : ""}`, { apiKey, timeoutMs: TIMEOUT_MS });
  try {
    if (response.body !== null) yield* response.body;
  } catch (error) {
    throw new Failure(`The dump broke off: ${connectionReason(error)}; run it again`, { cause: error });
  }
}

const CHUNK_CHARACTERS = 65_536;

/** The files at rest, which stay as they are. */
async function openFile(path: string, output: string | undefined): Promise<Database> {
  const { GRAPH_FILE, openToLook } = await import("../runtime/embedded.ts");
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? join(path, GRAPH_FILE) : path;
  if (!existsSync(file)) throw new Failure(`Cannot dump ${path}: there is no ${file}`);
  if (output !== undefined && isSameFile(file, output)) {
    throw new Failure(`Cannot write ${output}: it is the database itself; name another file`);
  }
  return openToLook(file);
}

/** The Neo4j database of the environment, which stays as it is. */
async function openEnvironment(): Promise<Database> {
  loadEnvFile();
  const [{ parseConfig }, { flows }] = await Promise.all([import("../config.ts"), import("../flows/index.ts")]);
  const config = parseConfig(process.env, flows);
  if (config.neo4j === undefined) throw new Failure("Cannot dump neo4j: NEO4J_URL is not set");
  const { openNeo4j } = await import("../runtime/database-node.ts");
  return openNeo4j(config.neo4j, flows, { looksOnly: true });
}

/** Chunks of the dump. Throws Failure: whoever writes them must not be blamed for what went wrong here. */
async function* fromDatabase(data: string, registers: boolean, output: string | undefined): AsyncGenerator<string> {
  let database: Database | undefined;
  try {
    const [{ dump: dumpLines }, { model }] = await Promise.all([import("../app/dump.ts"), import("../flows/index.ts")]);
    database = data === "neo4j" ? await openEnvironment() : await openFile(data, output);
    let text = "";
    for await (const line of dumpLines(model, database, registers)) {
      text += `${line}\n`;
      if (text.length < CHUNK_CHARACTERS) continue;
      yield text;
      text = "";
    }
    if (text !== "") yield text;
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(messageOf(error), { cause: error });
  } finally {
    await database?.close();
  }
}

/** Writes beside the file and renames, so that what bears its name is whole. */
async function writeFile(
  source: AsyncIterable<Uint8Array | string>,
  path: string,
): Promise<{ lines: number; sha256: string }> {
  const hash = createHash("sha256");
  let lines = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) lines++;
      done(null, chunk);
    },
  });
  // A device, or a pipe, has no other to be renamed over it.
  const part = isDevice(path) ? path : `${path}.part`;
  try {
    await pipeline(Readable.from(source, { objectMode: false }), counting, createWriteStream(part));
    if (part !== path) renameSync(part, path);
  } catch (error) {
    if (part !== path) rmSync(part, { force: true });
    if (error instanceof Failure) throw error;
    throw new Failure(`Cannot write ${path}: ${fileReason(error)}`, { cause: error });
  }
  return { lines, sha256: hash.digest("hex") };
}
