// `tidegate dump`: the graph as canonical JSON Lines, of a running service or of its files at rest.
import { createHash } from "node:crypto";
import { createWriteStream, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { defineCommand } from "citty";
import { readUrl, urlArgument } from "./arguments.ts";
import { Failure, fileReason, usageFailure } from "./failure.ts";
import { ask, connectionReason } from "./service.ts";

/** A large graph takes its time. */
const TIMEOUT_MS = 3_600_000;

const args = {
  url: urlArgument,
  data: {
    type: "string",
    valueHint: "dir|file",
    description: "A service's data folder or database file, instead of --url",
  },
  registers: { type: "boolean", description: "Every register with its version, tombstones and hidden flags" },
  output: { type: "string", valueHint: "file", description: "Write to a file, and print lines and SHA-256" },
} as const;

export const dump = defineCommand({
  meta: { name: "dump", description: "Print visible nodes and edges as canonical JSON Lines" },
  args,
  async run({ args: { url, data, registers, output } }): Promise<number> {
    if (data !== undefined && url !== undefined) throw usageFailure("Give --url or --data, not both");
    const source =
      data === undefined ? await fromService(readUrl(url), registers === true) : fromFile(data, registers === true);
    if (output === undefined) {
      await pipeline(Readable.from(source, { objectMode: false }), process.stdout, { end: false });
      return 0;
    }
    const { lines, sha256 } = await writeFile(source, output);
    process.stdout.write(`${lines} lines, sha256 ${sha256}\n`);
    return 0;
  },
});

async function* fromService(url: string, registers: boolean): AsyncGenerator<Uint8Array> {
  const response = await ask(url, `/v1/dump${registers ? "?registers=true" : ""}`, { timeoutMs: TIMEOUT_MS });
  try {
    if (response.body !== null) yield* response.body;
  } catch (error) {
    throw new Failure(`The dump broke off: ${connectionReason(error)}; run it again`, { cause: error });
  }
}

const CHUNK_CHARACTERS = 65_536;

async function* fromFile(path: string, registers: boolean): AsyncGenerator<string> {
  const { GRAPH_FILE, openDatabase } = await import("../runtime/embedded.ts");
  const [{ dump: dumpLines }, { model }] = await Promise.all([import("../app/dump.ts"), import("../flows/index.ts")]);
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? join(path, GRAPH_FILE) : path;
  if (!existsSync(file)) throw new Failure(`Cannot dump ${path}: there is no ${file}`);
  const database = openDatabase(file, { SQLITE_SYNCHRONOUS: "normal" });
  try {
    let text = "";
    for await (const line of dumpLines(model, database, registers)) {
      text += `${line}\n`;
      if (text.length < CHUNK_CHARACTERS) continue;
      yield text;
      text = "";
    }
    if (text !== "") yield text;
  } finally {
    await database.close();
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
  const part = `${path}.part`;
  try {
    await pipeline(Readable.from(source, { objectMode: false }), counting, createWriteStream(part));
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    if (error instanceof Failure) throw error;
    throw new Failure(`Cannot write ${path}: ${fileReason(error)}`, { cause: error });
  }
  return { lines, sha256: hash.digest("hex") };
}
