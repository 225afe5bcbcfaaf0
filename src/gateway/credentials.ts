// Who may use a gateway: Basic users and Bearer tokens. Compared by their digests, so that the time an answer takes
// tells nothing about how much of a guess was right.
import type { MiddlewareHandler } from "hono";
import { RestError } from "./rest-error.ts";

/** Credentials, any of which opens everything; `/health` is open to all. */
export interface Credentials {
  /** `name:password` each. */
  readonly users: readonly string[];
  readonly tokens: readonly string[];
}

const encoder = new TextEncoder();

/** Lets in who has one of the credentials. Throws RestError `unauthorized`. */
export function demandCredentials({ users, tokens }: Credentials): MiddlewareHandler {
  const known = Promise.all([
    ...users.map((user) => digest(`Basic ${user}`)),
    ...tokens.map((token) => digest(`Bearer ${token}`)),
  ]).then((digests) => new Set(digests));
  return async (c, next) => {
    if (c.req.path !== "/health") {
      const given = credentialOf(c.req.header("authorization") ?? "");
      if (given === undefined || !(await known).has(await digest(given))) {
        c.header("www-authenticate", 'Basic realm="tidegate gateway", charset="UTF-8"');
        throw new RestError("unauthorized", "The gateway asks for credentials");
      }
    }
    await next();
  };
}

function credentialOf(header: string): string | undefined {
  const [scheme = "", value = ""] = header.split(/\s+/, 2);
  if (/^bearer$/i.test(scheme)) return `Bearer ${value}`;
  if (!/^basic$/i.test(scheme)) return undefined;
  try {
    return `Basic ${new TextDecoder().decode(Uint8Array.from(atob(value), (char) => char.charCodeAt(0)))}`;
  } catch {
    return undefined;
  }
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", encoder.encode(text));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
