// docker-compose.yml as Compose reads it: anchors merged, variables taken from an environment.
import { readFileSync } from "node:fs";
import { parse } from "yaml";

export interface ComposeService {
  readonly image?: string;
  readonly build?: string;
  readonly container_name?: string;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number | boolean>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly configs?: readonly { readonly source: string; readonly target: string }[];
  readonly healthcheck?: { readonly test: readonly string[] } & Readonly<Record<string, unknown>>;
  readonly stop_grace_period?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string; readonly required?: boolean }>>;
}

export interface ComposeFile {
  readonly version?: string;
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
}

export const COMPOSE_TEXT = readFileSync(new URL("../../docker-compose.yml", import.meta.url), "utf8");

/** Reads the file. Values keep their `${…}` without an environment. */
export function composeFile(env?: Readonly<Record<string, string>>): ComposeFile {
  const file = parse(COMPOSE_TEXT, { merge: true }) as ComposeFile;
  return env === undefined ? file : (interpolated(file, env) as ComposeFile);
}

/** Texts are filled in after the file has been read: one that becomes empty is an empty text. */
function interpolated(value: unknown, env: Readonly<Record<string, string>>): unknown {
  if (typeof value === "string") return interpolate(value, env);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => interpolated(each, env));
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, interpolated(each, env)]));
}

/** `${NAME:-default}` by Compose's rules: empty is unset. `$$` is a dollar. */
function interpolate(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\{(\w+)(?::-([^}]*))?\}/g, (whole, name?: string, otherwise = "") =>
    whole === "$$" ? "$" : env[name!] || otherwise,
  );
}
