// What the commands' arguments have in common: the service's address, numbers, and a strict reading of the options.
import { parseArgs } from "node:util";
import type { ArgsDef } from "citty";
import { messageOf, usageFailure } from "./failure.ts";

const URL_DEFAULT = "http://127.0.0.1:8787";

/** The option `--url`, the same in every command that talks to a service. */
export const urlArgument = {
  type: "string",
  valueHint: "url",
  description: `The service's address; default TIDEGATE_URL or ${URL_DEFAULT}`,
} as const;

/** The service's address without a slash at its end. Throws a usage failure. */
export function readUrl(given: string | undefined): string {
  const text = given ?? (process.env.TIDEGATE_URL || URL_DEFAULT);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw usageFailure(`${JSON.stringify(text)} is not an http(s) address; give one like ${URL_DEFAULT}`);
  }
  return url.href.replace(/\/+$/, "");
}

/** The option `--api-key`, the same in every command that talks to a service. */
export const apiKeyArgument = {
  type: "string",
  valueHint: "key",
  description: "API key; default TIDEGATE_API_KEY, which other users of the machine cannot read",
} as const;

/** The API key to send; undefined sends none. Throws a usage failure that does not say the key. */
export function readApiKey(given: string | undefined): string | undefined {
  const key = given ?? process.env.TIDEGATE_API_KEY ?? "";
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  if (key === "" && given === undefined) return undefined;
  throw usageFailure("The API key must be a word of ASCII characters, as tidegate keys create prints it");
}

/** A whole number from an option; undefined when it was not given. Throws a usage failure. */
export function readCount(name: string, given: string | undefined, min: number, max: number): number | undefined {
  if (given === undefined) return undefined;
  const count = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
  if (count >= min && count <= max) return count;
  throw usageFailure(`--${name} must be a whole number from ${min} to ${max}; it is ${JSON.stringify(given)}`);
}

/** How a command's arguments are to be read beyond what citty knows. */
export interface Strictness {
  /** The last positional argument may be repeated. */
  readonly many: boolean;
}

/** Throws a usage failure for options that the command does not have, missing values and surplus arguments. */
export function checkArguments(rawArgs: readonly string[], definition: ArgsDef, { many }: Strictness): void {
  const { positionals } = parseStrictly(rawArgs, definition);
  const named = Object.values(definition).filter(({ type }) => type === "positional").length;
  const surplus = many ? undefined : positionals[named];
  if (surplus !== undefined) throw usageFailure(`Unexpected argument ${JSON.stringify(surplus)}`);
}

/** Every value of an option that may be repeated. */
export function valuesOf(rawArgs: readonly string[], definition: ArgsDef, name: string): string[] {
  const values = parseStrictly(rawArgs, definition).values[name];
  return (values ?? []).filter((value) => typeof value === "string");
}

function parseStrictly(rawArgs: readonly string[], definition: ArgsDef) {
  const options: { [name: string]: { type: "string" | "boolean"; multiple: true } } = {};
  for (const [name, { type }] of Object.entries(definition)) {
    if (type !== "positional") options[name] = { type: type === "boolean" ? "boolean" : "string", multiple: true };
  }
  try {
    return parseArgs({ args: [...rawArgs], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw usageFailure(messageOf(error).split(". ", 1)[0]!);
  }
}
