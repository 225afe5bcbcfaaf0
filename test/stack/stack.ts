// Starts and stops the real parts of one checkout, all of them or one at a time.
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jars } from "./jars.ts";
import { findJava, MissingTool } from "./java.ts";
import { kafka, kafkaWithZookeeper } from "./kafka.ts";
import { neo4j } from "./neo4j.ts";
import type { Part } from "./part.ts";
import { endPart, isRunning, lastLines, signalPart, spawnPart } from "./part-process.ts";
import { freePorts } from "./ports.ts";
import { registry } from "./registry.ts";
import {
  type PartName,
  type PartState,
  readState,
  removeState,
  STACK_FOLDER,
  type StackState,
  writeState,
} from "./state.ts";
import { zookeeper } from "./zookeeper.ts";

const READY_MS = 180_000;
const POLL_MS = 150;

/** What to start, and where to say what happens. */
export interface StackOptions {
  /** Parts to start; all when undefined. */
  readonly only?: readonly PartName[];
  readonly zookeeper: boolean;
  say(line: string): void;
}

/** The parts of a stack, in the order they are named. */
export function partsOf({ only, zookeeper: withZookeeper }: Pick<StackOptions, "only" | "zookeeper">): Part[] {
  const all = withZookeeper ? [zookeeper, kafkaWithZookeeper, neo4j, registry] : [kafka, neo4j, registry];
  if (only === undefined) return all;
  return all.filter(({ name }) => only.includes(name) || (name === "zookeeper" && only.includes("kafka")));
}

/**
 * Starts a stack and waits until every part does its work. Fails, with nothing left running, when one runs already, when a
 * tool is missing, or when a part ends or is not ready within three minutes; the registry alone is left out, loudly, where
 * its Java is missing.
 */
export async function startStack(options: StackOptions): Promise<StackState> {
  const before = readState();
  if (before !== undefined) {
    const running = Object.entries(before.parts).filter(([, part]) => isRunning(part));
    if (running.length > 0) {
      const names = running.map(([name, { pid }]) => `${name} (pid ${pid})`).join(", ");
      throw new Error(`A stack runs here since ${before.startedAt}: ${names}; "npm run stack:stop" ends it`);
    }
    await stopStack();
  }
  const fit = partsOf(options)
    .map((part) => ({ part, java: javaFor(part, options) }))
    .filter(({ java }) => java !== undefined);
  const fetched: string[] = [];
  // One after the other: Maven's local repository is no place for two at once.
  for (const { part } of fit) fetched.push(await jars(part.pom, options.say));

  const folder = mkdtempSync(join(tmpdir(), "tidegate-stack-"));
  const mark = `-Dtidegate.stack=${randomBytes(8).toString("hex")}`;
  const password = randomBytes(12).toString("hex");
  const free = await freePorts(fit.reduce((sum, { part }) => sum + part.portCount, 0));
  const portsOf = Object.fromEntries(fit.map(({ part }) => [part.name, free.splice(0, part.portCount)]));
  let state: StackState = { startedAt: new Date().toISOString(), folder, neo4jPassword: password, parts: {} };
  mkdirSync(STACK_FOLDER, { recursive: true });
  writeState(state);
  const given = new AbortController();
  const start = async ({ part, java }: (typeof fit)[number], i: number): Promise<void> => {
    const startedAt = performance.now();
    const own = join(folder, part.name);
    mkdirSync(own);
    const ports = portsOf[part.name]!;
    const ground = { folder: own, jars: fetched[i]!, java: java!, ports, portsOf, password };
    const { args, env = {} } = await part.prepare(ground);
    given.signal.throwIfAborted();
    const log = join(STACK_FOLDER, `${part.name}.log`);
    rmSync(log, { force: true });
    const command = { file: java!, args: [`${mark}.${part.name}`, ...args], env };
    const started = { command, log, addresses: part.addresses(ports) };
    const running: PartState = { ...started, pid: await spawnPart(started) };
    state = { ...state, parts: { ...state.parts, [part.name]: running } };
    writeState(state);
    await untilReady(part, running, password, given.signal);
    options.say(readyLine(part, running, performance.now() - startedAt));
  };
  // The first failure makes the others give up; only when nobody starts anything any more is everything stopped.
  const starts = fit.map((one, i) => start(one, i).catch((error: unknown) => given.abort(error)));
  await Promise.all(starts);
  if (given.signal.aborted) {
    await stopStack();
    throw given.signal.reason;
  }
  return state;
}

/** Stops every part, waits for their ends and removes their data; the logs stay. Answers the names of what ran. */
export async function stopStack(): Promise<PartName[]> {
  const state = readState();
  if (state === undefined) return [];
  const parts = Object.entries(state.parts) as [PartName, PartState][];
  const running = parts.filter(([, part]) => isRunning(part));
  // Kafka asks ZooKeeper for its own end.
  for (const isLast of [false, true]) {
    await Promise.all(running.filter(([name]) => (name === "zookeeper") === isLast).map(([, part]) => endPart(part)));
  }
  rmSync(state.folder, { recursive: true, force: true });
  removeState();
  return running.map(([name]) => name);
}

/** Variables that lead the service and its gateway to the parts of a stack. */
export function stackVariables({ parts, neo4jPassword }: StackState): Record<string, string> {
  return Object.assign(
    {},
    ...partsOf({ zookeeper: parts.zookeeper !== undefined }).map(({ name, variables }) =>
      parts[name] === undefined ? {} : variables(parts[name].addresses, neo4jPassword),
    ),
  );
}

/** Stops one part, by SIGTERM or (`kill`) by SIGKILL, and waits for its end. */
export async function stopPart(name: PartName, { kill = false }: { kill?: boolean } = {}): Promise<void> {
  await endPart(partNamed(name).running, kill ? "SIGKILL" : "SIGTERM");
}

/** Starts one part that was stopped, on its ports and with its data, and waits until it does its work. */
export async function startPart(name: PartName): Promise<void> {
  const { state, part, running } = partNamed(name);
  if (isRunning(running)) throw new Error(`Cannot start ${name}: it runs (pid ${running.pid})`);
  const fresh = { ...running, pid: await spawnPart(running) };
  writeState({ ...state, parts: { ...state.parts, [name]: fresh } });
  await untilReady(part, fresh, state.neo4jPassword);
}

/** Stops one part and starts it again. */
export async function restartPart(name: PartName, how: { kill?: boolean } = {}): Promise<void> {
  await stopPart(name, how);
  await startPart(name);
}

/** Stops Neo4j, forgets its graph and starts it again: the database is as new, its password the same. */
export async function emptyNeo4j(): Promise<void> {
  await stopPart("neo4j");
  const { folder } = partNamed("neo4j").state;
  for (const kept of ["databases", "transactions"]) {
    rmSync(join(folder, "neo4j", "data", kept, "neo4j"), { recursive: true, force: true });
  }
  await startPart("neo4j");
}

/** Freezes one part: its port is open, and nobody answers. */
export function pausePart(name: PartName): void {
  signalPart(partNamed(name).running, "SIGSTOP");
}

/** Wakes a frozen part. */
export function resumePart(name: PartName): void {
  signalPart(partNamed(name).running, "SIGCONT");
}

function partNamed(name: PartName): { state: StackState; part: Part; running: PartState } {
  const state = readState();
  const running = state?.parts[name];
  if (state === undefined || running === undefined) throw new Error(`The stack has no ${name}`);
  const part = partsOf({ zookeeper: state.parts.zookeeper !== undefined }).find((part) => part.name === name)!;
  return { state, part, running };
}

function javaFor(part: Part, { only, say }: StackOptions): string | undefined {
  try {
    return findJava(part.javaLeast).executable;
  } catch (error) {
    if (!(error instanceof MissingTool) || part.name !== "registry" || only?.includes("registry")) throw error;
    say(`!!! registry left out: ${error.message} !!!`);
    return undefined;
  }
}

async function untilReady(part: Part, running: PartState, password: string, signal?: AbortSignal): Promise<void> {
  const giveUpAt = performance.now() + READY_MS;
  let last: unknown;
  while (performance.now() < giveUpAt) {
    signal?.throwIfAborted();
    if (!isRunning(running)) {
      throw new Error(`${part.about} ended at its start; the last lines of ${running.log}:\n${lastLines(running.log)}`);
    }
    try {
      return await part.ask(running.addresses, password);
    } catch (error) {
      last = error;
      await delay(POLL_MS);
    }
  }
  const reason = last instanceof Error ? last.message : String(last);
  throw new Error(
    `${part.about} is not ready after ${READY_MS / 1_000} s (${reason}); the last lines of ${running.log}:\n${lastLines(running.log)}`,
  );
}

function readyLine({ name, about }: Part, { addresses, pid }: PartState, tookMs: number): string {
  const where = Object.values(addresses).join("  ");
  return `${name.padEnd(10)} ${about.padEnd(24)} ${where}  ready after ${(tookMs / 1_000).toFixed(1)} s, pid ${pid}`;
}
