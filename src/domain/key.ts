// Keys name entities across tenants and kinds. They are plain ASCII, so every store sorts them by code unit.

/** Percent-encodes one part so that it holds no `/` and no `%` of its own. */
export function keyPart(text: string): string {
  return encodeURIComponent(text);
}

/** `tenant/kind/id`, each part percent-encoded: tenant `a`, id `b/c` can never equal tenant `a/b`, id `c`. */
export function entityKey(tenant: string, kind: string, id: string): string {
  return `${encodeURIComponent(tenant)}/${kind}/${encodeURIComponent(id)}`;
}

/** The parts that {@link entityKey} joined. */
export function parseEntityKey(key: string): { tenant: string; kind: string; id: string } {
  const [tenant = "", kind = "", id = ""] = key.split("/");
  return { tenant: decodeURIComponent(tenant), kind, id: decodeURIComponent(id) };
}

/** The kind of an entity key, without decoding the rest. */
export function kindOfKey(key: string): string {
  const from = key.indexOf("/") + 1;
  return key.slice(from, key.indexOf("/", from));
}

/** The ledger's key of an operation: `tenant/id`, each percent-encoded (foreign ids may hold anything). */
export function ledgerKey(tenant: string, operationId: string): string {
  return `${encodeURIComponent(tenant)}/${encodeURIComponent(operationId)}`;
}
