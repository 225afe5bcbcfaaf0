// An HTTP server on Node that can be stopped gracefully.
import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";

/** Connections beyond this are refused at once rather than served late. */
const CONNECTIONS_MAX = 4_096;
/** How long a client may take to send a request. */
const REQUEST_MS_MAX = 60_000;
/** How often a stopping server looks for connections that have become idle. */
const IDLE_SWEEP_MS = 50;

export interface Listening {
  readonly url: string;
  /** Stops accepting, waits for requests in flight, at most `deadlineMs`; then cuts them off. */
  stop(deadlineMs: number): Promise<void>;
}

/** Listens; rejects with one clear line when the address cannot be had. */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port }: { host: string; port: number },
): Promise<Listening> {
  const server = createAdaptorServer({ fetch }) as Server;
  let stopping = false;
  // A connection that is never idle would outlast the server: its next answer ends it.
  server.prependListener("request", (_request, response) => {
    if (stopping) response.setHeader("connection", "close");
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.requestTimeout = REQUEST_MS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        new Error(
          `Cannot listen on ${host}:${port}: ${error.code === "EADDRINUSE" ? "the port is in use; set PORT" : error.message}`,
        ),
      );
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    stop: (deadlineMs) =>
      new Promise((resolve) => {
        stopping = true;
        const cut = setTimeout(() => server.closeAllConnections(), deadlineMs);
        const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
        server.close(() => {
          clearTimeout(cut);
          clearInterval(sweep);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
