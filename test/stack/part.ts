// What a part of the stack is: each kind says how it is prepared, started and asked whether it is ready.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Pom } from "./jars.ts";
import type { PartName } from "./state.ts";

/** What a part gets to know before its first start. */
export interface Ground {
  /** Its own empty folder. */
  readonly folder: string;
  readonly jars: string;
  readonly java: string;
  /** Its free ports, in the order of its `ports`. */
  readonly ports: readonly number[];
  /** Ports of the whole stack, for parts that need one another. */
  readonly portsOf: Readonly<Partial<Record<PartName, readonly number[]>>>;
  readonly password: string;
}

/** A Java process: arguments after the mark, and its environment. */
export interface JavaCommand {
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
}

/** A part of the stack. */
export interface Part {
  readonly name: PartName;
  readonly about: string;
  readonly pom: Pom;
  readonly javaLeast: number;
  readonly portCount: number;
  /** Writes its files and says how it starts. */
  prepare(ground: Ground): Promise<JavaCommand>;
  addresses(ports: readonly number[]): Record<string, string>;
  /** Rejects while the part does not do its work yet; waits a few seconds at most. */
  ask(addresses: Readonly<Record<string, string>>, password: string): Promise<void>;
  /** Variables of the service, or of its gateway, that lead to it. */
  variables(addresses: Readonly<Record<string, string>>, password: string): Record<string, string>;
}

const TOOL_MS = 120_000;

/** Runs a part's own tool to its end. */
export async function runJava(java: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  try {
    await promisify(execFile)(java, ["-XX:TieredStopAtLevel=1", ...args], {
      timeout: TOOL_MS,
      env: { ...process.env, ...env },
    });
  } catch (error) {
    const { stderr = "", stdout = "", message } = error as { stderr?: string; stdout?: string; message: string };
    throw new Error(`${args.find((arg) => arg.includes(".")) ?? java} failed: ${stderr || stdout || message}`, {
      cause: error,
    });
  }
}

/** A properties file. */
export const properties = (entries: Readonly<Record<string, string | number | boolean>>): string =>
  `${Object.entries(entries)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n")}\n`;
