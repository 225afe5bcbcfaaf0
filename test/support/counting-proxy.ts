// An HTTP proxy on loopback that counts what passes it.
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

/** A proxy before a server. */
export interface CountingProxy extends AsyncDisposable {
  readonly url: string;
  /** Requests since the last call: method and path of each. */
  take(): string[];
}

/** Starts a proxy before the server at an address, on a free port. */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  let seen: string[] = [];
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    const { method, headers } = incoming;
    const onward = request(new URL(incoming.url!, target), { method: method!, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      pipeline(answer, outgoing, () => undefined);
    });
    onward.once("error", () => outgoing.destroy());
    pipeline(incoming, onward, () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = seen;
      seen = [];
      return taken;
    },
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
