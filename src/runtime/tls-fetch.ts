// A fetch that shows a client certificate, or trusts an authority of one's own. Node's fetch can do neither without a
// package of its own, so this one goes over node:https.
import { Agent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import type { Fetch } from "../adapters/broker/proxy-call.ts";

/** PEM texts. */
export interface TlsIdentity {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Replaces the authorities that Node trusts. */
  readonly ca?: string | undefined;
}

/** Connections to one proxy. */
const SOCKETS_MAX = 32;
/** No body belongs to these, and Response refuses one. */
const BODILESS = new Set([101, 204, 205, 304]);

/** A fetch with that identity, and how to close its connections. Redirects are answers, and are not followed. */
export function tlsFetch(identity: TlsIdentity): { readonly fetch: Fetch; close(): Promise<void> } {
  const { cert, key, ca } = identity;
  const agent = new Agent({
    keepAlive: true,
    maxSockets: SOCKETS_MAX,
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
  });
  return {
    fetch: (request) => send(request, agent),
    close: async () => agent.destroy(),
  };
}

async function send(request: Request, agent: Agent): Promise<Response> {
  const body = Buffer.from(await request.arrayBuffer());
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      request.url,
      {
        agent,
        method: request.method,
        headers: { ...Object.fromEntries(request.headers), "content-length": body.byteLength },
        signal: request.signal,
      },
      (answer) => {
        const headers = new Headers();
        for (let i = 0; i < answer.rawHeaders.length; i += 2) {
          headers.append(answer.rawHeaders[i]!, answer.rawHeaders[i + 1]!);
        }
        const status = answer.statusCode ?? 0;
        if (BODILESS.has(status)) answer.resume();
        const stream = BODILESS.has(status) ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
        resolve(new Response(stream, { status, headers }));
      },
    );
    sent.once("error", reject);
    sent.end(body);
  });
}
