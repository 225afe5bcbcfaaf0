// Who asks: the tenant that all they send and see belongs to, and what they may do. Both come from the key alone.

export interface Principal {
  readonly tenant: string;
  readonly scopes: ReadonlySet<string>;
}

/** Tenant of a service without keys, and of records that name none. */
export const DEFAULT_TENANT = "default";

/** Everybody, at a service without keys. */
export const EVERYBODY: Principal = { tenant: DEFAULT_TENANT, scopes: new Set(["admin"]) };

/** What each scope allows. Beside these, every key may ask what became of an operation of its tenant. */
export const SCOPES = [
  { scope: "<flow>:<type>", allows: "sending this operation, for example `memory:create`; of a query also the result" },
  { scope: "<flow>:*", allows: "sending every operation of the flow" },
  { scope: "operations:*", allows: "sending every operation of every flow" },
  {
    scope: "read",
    allows:
      "reading what the tenant has: its graph, `values` in the answers to operations, what queries found, and the list of its operations",
  },
  {
    scope: "admin",
    allows:
      "all of that, and what concerns the whole service: ticks, reports, metrics, accounting, the dump, parked records",
  },
] as const;

/** Whether the principal may do what needs this scope. */
export function allows({ scopes }: Principal, needed: string): boolean {
  if (scopes.has(needed) || scopes.has("admin")) return true;
  const flowEnd = needed.indexOf(":");
  return flowEnd !== -1 && (scopes.has("operations:*") || scopes.has(`${needed.slice(0, flowEnd)}:*`));
}

/** As much of a flow as scopes are about. */
export interface ScopedFlow {
  readonly name: string;
  /** Internal types are not accepted over HTTP: no scope is about them. */
  readonly types: { readonly [name: string]: { readonly internal?: true } };
}

/** Whether a scope is one that a key can have. */
export function isScope(scope: string, flows: readonly ScopedFlow[]): boolean {
  if (scope === "read" || scope === "admin" || scope === "operations:*") return true;
  const [name, type = "", ...rest] = scope.split(":");
  const flow = flows.find((candidate) => candidate.name === name);
  if (flow === undefined || rest.length > 0) return false;
  return type === "*" || (Object.hasOwn(flow.types, type) && flow.types[type]!.internal !== true);
}
