// API keys: whether a request has one, and whether it allows the route. A route that has no rule needs `admin`.
import type { Context, Hono, Next } from "hono";
import { matchedRoutes } from "hono/route";
import { clientTypes } from "../app/intake.ts";
import { AppError } from "../domain/errors.ts";
import { pluralOf } from "../domain/model.ts";
import { allows, type Principal } from "../domain/principal.ts";
import type { Flow } from "../flows/define.ts";
import { forbidden } from "./principal.ts";
import type { Keyring, Service } from "./service.ts";

/** Routes, with what lies below them, that answer without a key. */
const OPEN = ["/", "/livez", "/readyz", "/problems", "/docs", "/openapi.json", "/asyncapi.json"];

/** Needed at a route that every key may use. */
export const ANY_KEY = "any key";

/** Scopes that routes need, beside those that follow from the flows. The items of a batch are looked at one by one. */
const RULES: { readonly [route: string]: string } = {
  "POST /v1/operations": ANY_KEY,
  "POST /v1/operations/statuses": ANY_KEY,
  "GET /v1/operations/:id": ANY_KEY,
  "GET /v1/operations/:id/events": ANY_KEY,
  "GET /v1/operations": "read",
  "GET /v1/operations/events": "read",
  "GET /v1/sessions/:id/messages": "read",
  "GET /v1/users/:id/summary": "read",
  "GET /v1/graph/:kind/:id": "read",
  "POST /events": "events:record",
};

/** RFC 6750; the scheme's name has no case. A key of ours has 43 characters behind its prefix. */
const BEARER = /^bearer +(tg_[\w-]{32,200})$/i;

/**
 * Principals by the SHA-256 of their key. The look-up need not take the same time for every key: what time could tell is
 * about the hash of what was sent, and nobody can choose a key by its hash.
 */
export function createKeyring(principals: ReadonlyMap<string, Principal>, hash: (text: string) => string): Keyring {
  return (key) => principals.get(hash(key));
}

/** Lets only keys in, where the service has some. Comes before every route. */
export function requireKeys(app: Hono, { keyring, flows }: Service): void {
  if (keyring === undefined) return;
  const scopeOf = scopesOf(flows);
  app.use(async (c: Context, next: Next) => {
    const route = routeOf(c);
    // Where there is no route, a key is told so.
    const needed = route === undefined ? ANY_KEY : scopeOf(route);
    if (needed === undefined) return next();
    const principal = authenticate(c, keyring);
    if (needed !== ANY_KEY && !allows(principal, needed)) throw forbidden(needed);
    c.set("principal", principal);
    return next();
  });
}

/** Makes the function that says which scope a route needs; {@link ANY_KEY} is none, undefined not even a key. */
export function scopesOf(flows: readonly Flow[]): (route: Route) => string | undefined {
  const rules = rulesOf(flows);
  return (route) => {
    if (OPEN.some((path) => route.path === path || route.path.startsWith(`${path}/`))) return undefined;
    return rules.get(`${route.method} ${route.path}`) ?? "admin";
  };
}

function rulesOf(flows: readonly Flow[]): ReadonlyMap<string, string> {
  const rules = new Map(Object.entries(RULES));
  for (const flow of flows) {
    for (const type of clientTypes(flow)) rules.set(`POST /v1/${flow.name}/${type}`, `${flow.name}:${type}`);
    for (const { name } of flow.kinds) {
      rules.set(`GET /v1/${pluralOf(name)}`, "read");
      rules.set(`GET /v1/${pluralOf(name)}/:id`, "read");
    }
  }
  return rules;
}

interface Route {
  readonly method: string;
  readonly path: string;
}

/** The route that is going to answer; undefined when none is. */
function routeOf(c: Context): Route | undefined {
  const routes = matchedRoutes(c).filter(({ path }) => path !== "/*");
  return routes.find(({ method }) => method !== "ALL") ?? routes[0];
}

function authenticate(c: Context, keyring: Keyring): Principal {
  const header = c.req.header("authorization");
  const key = BEARER.exec(header ?? "")?.[1];
  const principal = key === undefined ? undefined : keyring(key);
  if (principal !== undefined) return principal;
  c.header("WWW-Authenticate", 'Bearer realm="tidegate"');
  if (header === undefined) throw new AppError("unauthenticated", "Send an API key: Authorization: Bearer <key>");
  if (key !== undefined) throw new AppError("unauthenticated", "The API key is not one of this service's");
  throw new AppError("unauthenticated", "The Authorization header is not Bearer with a key as this service gives out");
}
