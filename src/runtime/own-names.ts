// Names that a server on loopback answers to when it asks nobody who they are. Any page can have its own name lead to
// 127.0.0.1 (DNS rebinding); to the browser what answers there is of the page's own origin, to be read and changed.
import { isLoopback, isLoopbackUrl } from "../config/loopback.ts";
import type { Config } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import { bareProblemResponse } from "../http/problem.ts";

type Fetch = (request: Request) => Response | Promise<Response>;

/** Hosts that are known to be ours and need no second look; clients may name as many ports as there are. */
const KNOWN_MAX = 100;

/** Has `refuse` answer requests whose Host is neither a name of this machine itself nor one of `hosts`. */
export function refuseOtherNames(fetch: Fetch, hosts: readonly string[], refuse: (host: string) => Response): Fetch {
  const known = new Set(hosts);
  return (request) => {
    const host = request.headers.get("host") ?? new URL(request.url).host;
    if (known.has(host)) return fetch(request);
    if (!isOfThisMachine(host)) return refuse(host.slice(0, 200));
    if (known.size < KNOWN_MAX) known.add(host);
    return fetch(request);
  };
}

function isOfThisMachine(host: string): boolean {
  const url = URL.parse(`http://${host}`);
  return url !== null && (isLoopbackUrl(url.href) || url.hostname.endsWith(".localhost"));
}

/** The service's: as it is where not everybody can reach it, where keys are asked for, or where everybody may. */
export function namedFetch({ HOST, AUTH, keys, CORS_ORIGINS }: Config, fetch: Fetch): Fetch {
  if (!isLoopback(HOST) || keys !== undefined || AUTH === "none" || CORS_ORIGINS.includes("*")) return fetch;
  const hosts = CORS_ORIGINS.map((origin) => new URL(origin).host);
  return refuseOtherNames(fetch, hosts, (host) => {
    const advice = "set API_KEYS, name its origin in CORS_ORIGINS, or set AUTH=none";
    const detail = `Without API keys a service on loopback does not answer to the name ${JSON.stringify(host)}: ${advice}`;
    return bareProblemResponse(new AppError("origin_not_allowed", detail));
  });
}
