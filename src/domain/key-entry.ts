// An entry of API_KEYS: `<hash>:<tenant>:<scope>+<scope>…`, where the tenant is percent-encoded. It holds no secret: a key
// is long and random, so its hash leads back to nothing.
import { findUnstorable } from "./json.ts";
import { isScope, type Principal, type ScopedFlow } from "./principal.ts";

/** SHA-256 in base64url; the last of its characters holds four bits. */
const HASH = /^[\w-]{42}[AEIMQUYcgkosw048]$/;
/** What a scope may look like to be said in a fault: a key or a hash in its place is never said. */
const SAYABLE = /^[a-z-]{1,30}(:([a-z-]{1,30}|\*))?$/;
export const TENANT_CHARACTERS_MAX = 100;

/** The entry of a key with this hash. */
export function formatKeyEntry(hash: string, { tenant, scopes }: Principal): string {
  // What encodeURIComponent leaves and a shell does not.
  const encoded = encodeURIComponent(tenant).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
  return `${hash}:${encoded}:${[...scopes].join("+")}`;
}

/** Reads entries, separated by commas or white space: principals by hash, and every fault in words that hold no hash. */
export function parseKeyEntries(
  text: string,
  flows: readonly ScopedFlow[],
): { principals: ReadonlyMap<string, Principal>; faults: readonly string[] } {
  const principals = new Map<string, Principal>();
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== "");
  const faults = entries.length === 0 ? ["holds no entry"] : [];
  for (const [index, entry] of entries.entries()) {
    const [hash = "", encoded = "", ...rest] = entry.split(":");
    const tenant = decodeTenant(encoded);
    const scopes = new Set(rest.join(":").split("+"));
    const own = [
      ...(HASH.test(hash) ? [] : ["does not begin with a key's SHA-256 in base64url (43 characters)"]),
      ...(principals.has(hash) ? ["has the hash of an entry before it"] : []),
      ...tenantFaults(tenant),
      ...scopeFaults(scopes, flows),
    ];
    faults.push(...own.map((fault) => `entry ${index + 1} ${fault}`));
    principals.set(hash, { tenant, scopes });
  }
  return { principals, faults };
}

function decodeTenant(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return "";
  }
}

/** What is wrong with the name of a tenant. */
export function tenantFaults(tenant: string): string[] {
  const fits = tenant !== "" && tenant.length <= TENANT_CHARACTERS_MAX && findUnstorable(tenant) === null;
  return fits ? [] : [`needs a tenant of 1 to ${TENANT_CHARACTERS_MAX} characters`];
}

/** What is wrong with the scopes of a key. */
export function scopeFaults(scopes: ReadonlySet<string>, flows: readonly ScopedFlow[]): string[] {
  const strangers = [...scopes].filter((scope) => !isScope(scope, flows));
  if (strangers.length === 0 && scopes.size > 0) return [];
  const said = strangers.filter((scope) => SAYABLE.test(scope)).map((scope) => JSON.stringify(scope));
  const fault = said.length === 0 ? "needs scopes" : `names ${said.join(", ")}`;
  const names = flows.map(({ name }) => name).join(", ");
  return [`${fault}; scopes are read, admin, operations:*, <flow>:<type> and <flow>:*; flows are ${names}`];
}
