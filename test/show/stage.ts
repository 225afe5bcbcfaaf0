// What every variant of the show is played on: a fresh folder, services on free ports, an import, and the look at what
// came of it.
import { createReadStream, mkdirSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Canonical } from "../canonical/chitchat-canonical.ts";
import {
  answers,
  type Env,
  freePort,
  type Running,
  runTidegate,
  startTidegate,
  waitFor,
} from "../support/tidegate-process.ts";
import { readLog } from "./gateway-log.ts";

/** The whole show. */
export interface Show {
  readonly file: string;
  readonly canonical: Canonical;
  readonly root: string;
  readonly seed: number;
  /** Of a small file: the import is held still while something is stopped, and goes in small batches. */
  readonly small: boolean;
}

/** A started part. Whoever leaves it running leaves it to the end of the process, or disposes of it. */
export interface Part extends AsyncDisposable {
  readonly url: string;
  readonly process: Running;
  /** The last lines that it printed. */
  lastLines(): string;
}

/** What an import said of itself. */
export interface Imported {
  readonly accepted: number;
  readonly rejected: number;
  readonly byPath: { readonly kafka: number; readonly direct: number; readonly fallback: number };
  readonly seconds: number;
  readonly retries: number;
}

/** What `GET /v1/check` says, as far as the show reads it. */
export interface Checked {
  readonly atRest: boolean;
  readonly sweeps: number;
  readonly flows: {
    readonly [flow: string]: {
      readonly applied: number;
      readonly byPath: { readonly kafka: number; readonly direct: number; readonly fallback: number };
    };
  };
}

const START_MS = 30_000;
const IMPORT_MS = 900_000;
const REST_MS = 300_000;
const COMMAND_MS = 300_000;
const LAST_LINES = 10;

/** One variant's folder. */
export type Stage = ReturnType<typeof createStage>;

export function createStage(show: Pick<Show, "file" | "root" | "small">, name: string) {
  const folder = join(show.root, name);
  mkdirSync(folder, { recursive: true });
  const path = (file: string): string => join(folder, file);
  const accepted = path("accepted.jsonl");

  const start = async (args: readonly string[], env: Env, port: number, health: string): Promise<Part> => {
    const url = `http://127.0.0.1:${port}`;
    const output = path(`${args[0]}-${port}.log`);
    const running = startTidegate(args, { LOG_LEVEL: "warning", ...env }, folder, output);
    await waitFor(`${args[0]} at ${url}`, START_MS, () => answers(url + health), {
      alive: { process: running, output },
    });
    return {
      url,
      process: running,
      lastLines: () => readLines(output).slice(-LAST_LINES).join("\n"),
      async [Symbol.asyncDispose]() {
        await running.stop("SIGKILL");
      },
    };
  };
  const command = (args: readonly string[], env: Env = {}, boundMs = COMMAND_MS) =>
    runTidegate(args, { env, cwd: folder, errors: path("errors.log"), boundMs });
  const importArgs = (url: string, limit?: number): string[] => [
    ...["import", show.file, "--url", url, "--accepted", accepted, "--rejects", path("rejects.jsonl"), "--json"],
    ...(limit === undefined ? [] : ["--limit", String(limit)]),
    ...(show.small ? ["--batch", "8", "--concurrency", "1"] : []),
  ];
  return {
    name,
    folder,
    path,
    /** Starts any command that serves, and waits until it answers well. */
    start,
    /** Starts a service; the data folder is the variant's unless the environment says otherwise. */
    async service(env: Env, port?: number): Promise<Part> {
      const PORT = String(port ?? (await freePort()));
      return start(["start"], { PORT, DATA_DIR: path("data"), ...env }, Number(PORT), "/livez");
    },
    async gateway(data: string, port?: number): Promise<Part> {
      const free = port ?? (await freePort());
      return start(["gateway", "--port", String(free), "--data", data], {}, free, "/health");
    },
    /** A gateway on a real Kafka. */
    kafkaGateway: (kafka: string, port: number): Promise<Part> =>
      start(["gateway", "--port", String(port), "--kafka", kafka], {}, port, "/health"),
    /** Imports the file to its end, or that many operations of it. */
    async import(url: string, limit?: number): Promise<Imported> {
      const { code, out } = await command(importArgs(url, limit), {}, IMPORT_MS);
      return readImported(code, out, path("errors.log"));
    },
    /** Starts an import, to do something meanwhile. */
    startImport(url: string, limit?: number): { readonly process: Running; readonly imported: Promise<Imported> } {
      const output = path("import.log");
      const running = startTidegate(importArgs(url, limit), {}, folder, output);
      const imported = running.exited.then((code) => readImported(code, readFileSync(output, "utf8"), output));
      // Whoever awaits it later learns of a failure; until then it is nobody's.
      imported.catch(() => undefined);
      return { process: running, imported };
    },
    countAccepted: createLineCounter(accepted),
    /** The ids in the log of a data folder that nobody uses any more. */
    async log(data: string) {
      const part = await this.gateway(data);
      const content = await readLog(part.url);
      await part.process.stop();
      return content;
    },
    async dump(...source: string[]) {
      const output = path(`dump-${source.join("-").replaceAll(/\W+/g, "-").slice(-40)}.jsonl`);
      const { code, out } = await command(["dump", ...source, "--output", output]);
      const sha256 = /sha256 ([0-9a-f]{64})/.exec(out)?.[1];
      if (code !== 0 || sha256 === undefined) throw new Error(`The dump failed, see ${path("errors.log")}`);
      return {
        sha256,
        path: output,
        ...(source.includes("--registers") ? { sessions: 0, messages: 0, users: 0 } : await countNodes(output)),
      };
    },
    async check(url: string): Promise<{ closes: boolean; out: string }> {
      const { code, out } = await command(["check", "--url", url, "--accepted", accepted]);
      return { closes: code === 0, out };
    },
    command,
    rejects: (): string[] => readLines(path("rejects.jsonl")),
  };
}

function readImported(code: number, out: string, errors: string): Imported {
  const summary = out
    .trimEnd()
    .split("\n")
    .findLast((line) => line.startsWith("{"));
  if (code !== 0 || summary === undefined) throw new Error(`The import ended with ${code}, see ${errors}`);
  return JSON.parse(summary) as Imported;
}

/** Waits until a service has nothing left to do. */
export async function waitForRest({ url }: Pick<Part, "url">): Promise<Checked> {
  let checked = await readCheck(url);
  await waitFor(
    `rest at ${url}`,
    REST_MS,
    async () => {
      checked = await readCheck(url);
      return checked.atRest;
    },
    { everyMs: 250 },
  );
  return checked;
}

/** Asks a service for its accounts. */
export async function readCheck(url: string): Promise<Checked> {
  const response = await fetch(`${url}/v1/check`, { signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`${url}/v1/check answered ${response.status}`);
  return (await response.json()) as Checked;
}

/** An import that is under way, and how far it may be ahead of what is applied. */
export interface HeldImport {
  readonly stage: Stage;
  readonly importing: Running;
  /** Lines of accepted operations that earlier imports have left: the import begins with the first operation again. */
  readonly leftOver?: number;
  readonly applied: () => Promise<number>;
  readonly aheadMax: number;
}

/** Waits until so many operations are applied; the import is held while it is too far ahead, and goes on afterwards. */
export async function importUntil(
  { stage, importing, leftOver = 0, applied, aheadMax }: HeldImport,
  count: number,
  boundMs: number,
): Promise<void> {
  const reached = async (): Promise<boolean> => {
    const seen = await applied();
    importing.signal(stage.countAccepted() - leftOver - seen > aheadMax ? "SIGSTOP" : "SIGCONT");
    return seen >= count;
  };
  const alive = { process: importing, output: stage.path("import.log") };
  await waitFor(`${count} applied operations`, boundMs, reached, { alive });
  importing.signal("SIGCONT");
}

/** Operations that are in the graph. */
export async function countApplied(url: string): Promise<number> {
  const { flows } = await readCheck(url);
  return Object.values(flows).reduce((sum, { applied }) => sum + applied, 0);
}

function readLines(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** Counts the lines of a file that grows; reads only what is new. */
function createLineCounter(path: string): () => number {
  const buffer = Buffer.alloc(1024 * 1024);
  let file: number | undefined;
  let offset = 0;
  let lines = 0;
  return () => {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return lines;
    file ??= openSync(path, "r");
    for (let read = readSync(file, buffer, 0, buffer.length, offset); read > 0; ) {
      for (let i = 0; i < read; i++) if (buffer[i] === 0x0a) lines++;
      offset += read;
      read = readSync(file, buffer, 0, buffer.length, offset);
    }
    return lines;
  };
}

async function countNodes(path: string) {
  const counts = { sessions: 0, messages: 0, users: 0 };
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (line.includes('"labels":["Message"]')) counts.messages++;
    else if (line.includes('"labels":["Session"]')) counts.sessions++;
    else if (line.includes('"labels":["User"]')) counts.users++;
  }
  return counts;
}
