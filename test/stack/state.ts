// What is known of a running stack: written by its start, read by tests, benchmarks and its stop.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const PARTS = ["zookeeper", "kafka", "neo4j", "registry"] as const;

export type PartName = (typeof PARTS)[number];

/** A part that was started; its command starts it again on the same ports and data. */
export interface PartState {
  readonly pid: number;
  readonly command: { readonly file: string; readonly args: readonly string[]; readonly env: Record<string, string> };
  readonly log: string;
  /** Where it is reached, by protocol. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** A stack of one checkout. */
export interface StackState {
  readonly startedAt: string;
  /** Data of all parts; gone with the stack. */
  readonly folder: string;
  readonly neo4jPassword: string;
  readonly parts: Readonly<Partial<Record<PartName, PartState>>>;
}

/** Folder of the state and the logs. */
export const STACK_FOLDER = resolve(import.meta.dirname, "../../.stack");
const FILE = join(STACK_FOLDER, "state.json");

/** The state, or undefined when no stack was started. */
export function readState(): StackState | undefined {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as StackState) : undefined;
}

/** Writes the state whole: a reader sees the old one or the new one. It holds a password and is for its owner alone. */
export function writeState(state: StackState): void {
  mkdirSync(STACK_FOLDER, { recursive: true });
  writeFileSync(`${FILE}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${FILE}.new`, FILE);
}

/** Forgets the stack. */
export function removeState(): void {
  rmSync(FILE, { force: true });
}
