// Requests to one proxy over node:http and node:https. A produce of a few records is so little work that most of it would
// be fetch's own; and fetch can neither show a client certificate nor trust an authority of one's own.
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Fetch, Fetched, FetchInit } from "../adapters/broker/proxy-call.ts";

/** PEM texts. */
export interface TlsIdentity {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Replaces the authorities that Node trusts. */
  readonly ca?: string | undefined;
}

/** Connections to one proxy. */
const SOCKETS_MAX = 32;
/** How long a connection is kept that nobody uses, when its server names no time: Node's own servers keep it for five seconds. */
const IDLE_MS = 4_000;

/** A fetch with that identity, and how to close its connections. Redirects are answers, and are not followed. */
export function nodeFetch(identity: TlsIdentity = {}): { readonly fetch: Fetch; close(): Promise<void> } {
  const bounds = { keepAlive: true, maxSockets: SOCKETS_MAX, timeout: IDLE_MS };
  const given = Object.fromEntries(Object.entries(identity).filter(([, pem]) => pem !== undefined));
  const http = new HttpAgent(bounds);
  const https = new HttpsAgent({ ...bounds, ...given });
  return {
    fetch: (url, init) => send(url, init, http, https),
    async close() {
      http.destroy();
      https.destroy();
    },
  };
}

function send(url: string, init: FetchInit, http: HttpAgent, https: HttpsAgent): Promise<Fetched> {
  const body = init.body === null ? undefined : Buffer.from(init.body);
  const options = {
    method: init.method,
    headers: body === undefined ? init.headers : { ...init.headers, "content-length": body.byteLength },
    ...(init.signal === null ? {} : { signal: init.signal }),
  };
  return new Promise((resolve, reject) => {
    const sent = url.startsWith("https:")
      ? httpsRequest(url, { ...options, agent: https })
      : httpRequest(url, { ...options, agent: http });
    sent.once("response", (answer) => resolve({ status: answer.statusCode ?? 0, body: answer }));
    sent.on("error", reject);
    sent.end(body);
  });
}
