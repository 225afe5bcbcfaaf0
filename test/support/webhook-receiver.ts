// A receiver of webhooks on the loopback interface: verifies every call with the library's own verify, then does as told.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

/** 32 bytes. */
export const SECRET = "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";

/** A call as it arrived, its signature verified. */
export interface Received {
  readonly path: string;
  readonly id: string;
  readonly body: unknown;
  readonly headers: IncomingMessage["headers"];
}

/** What the receiver does with a verified call. */
export type Receive = (received: Received, response: ServerResponse) => void;

/** A receiver; calls whose signature is wrong get 401 and are not in `received`. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly Received[];
}

/** Starts a receiver on a free port. */
export async function webhookReceiver(receive: Receive, secret = SECRET): Promise<Receiver> {
  const verifier = new Webhook(secret);
  const received: Received[] = [];
  const server = createServer((request, response) => {
    // Calls that are cut off end here as well.
    request.on("error", () => {});
    response.on("error", () => {});
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    request.on("end", () => {
      const { headers, method, url: path = "" } = request;
      try {
        if (method !== "POST" || headers["content-type"] !== "application/json") throw new Error("not a webhook");
        const body = verifier.verify(text, headers as Record<string, string>);
        received.push({ path, id: String(headers["webhook-id"]), body, headers });
      } catch {
        response.writeHead(401).end();
        return;
      }
      receive(received.at(-1)!, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
