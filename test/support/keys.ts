// API keys of a test: one per name, each with its entry for a service's configuration.
import { createHash } from "node:crypto";
import { formatKeyEntry } from "../../src/domain/key-entry.ts";

/** A key that a name stands for. */
export function keyOf(name: string): string {
  return `tg_${createHash("sha256").update(name).digest("base64url")}`;
}

/** What a service knows of the key of a name. */
export function hashOf(name: string): string {
  return createHash("sha256").update(keyOf(name)).digest("base64url");
}

/** The header that carries the key of a name. */
export function bearer(name: string): { authorization: string } {
  return { authorization: `Bearer ${keyOf(name)}` };
}

/** API_KEYS with a key for each name. */
export function apiKeys(keys: { readonly [name: string]: readonly [tenant: string, ...scopes: string[]] }): string {
  return Object.entries(keys)
    .map(([name, [tenant, ...scopes]]) => formatKeyEntry(hashOf(name), { tenant, scopes: new Set(scopes) }))
    .join(",");
}
