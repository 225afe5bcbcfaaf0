// A gateway of its own for each test: log, app, broker, and the ways to reach it.
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ServerType, serve } from "@hono/node-server";
import type { Hono } from "hono";
import { fetchOf } from "../../src/adapters/broker/proxy-call.ts";
import { restV2Broker } from "../../src/adapters/broker/rest-v2.ts";
import { createGateway } from "../../src/gateway/app.ts";
import type { Log } from "../../src/gateway/log.ts";
import { openSqliteLog } from "../../src/gateway/node-sqlite-log.ts";
import type { GatewayOptions } from "../../src/gateway/options.ts";
import type { Broker } from "../../src/ports/broker.ts";

/** A gateway in this process. */
export interface GatewayBundle extends AsyncDisposable {
  readonly log: Log;
  readonly app: Hono;
  readonly broker: Broker;
}

/** What a bundle is made with. */
export interface BundleOptions extends GatewayOptions {
  /** Where the log is; default in memory. */
  readonly path?: string;
  /** Topics to make, with their partitions. Default `t` with 3. */
  readonly topics?: Readonly<Record<string, number>>;
}

/** Opens a log, makes its topics and puts a gateway and a broker in front of it. */
export async function gatewayBundle(options: BundleOptions = {}): Promise<GatewayBundle> {
  const log = openSqliteLog(options.path ?? ":memory:");
  for (const [name, partitions] of Object.entries(options.topics ?? { t: 3 })) await log.createTopic(name, partitions);
  const app = createGateway(log, options);
  const broker = restV2Broker({
    url: "http://gateway.test",
    cluster: "test",
    fetch: fetchOf(app.fetch),
    read: "stateless",
  });
  return {
    log,
    app,
    broker,
    async [Symbol.asyncDispose]() {
      // A test may have closed it itself.
      await log.close().catch((error: unknown) => {
        if (!/not open/.test(String(error))) throw error;
      });
    },
  };
}

/** A folder that goes when it is disposed of. */
export function temporaryFolder(): Disposable & { file(name: string): string } {
  const path = mkdtempSync(join(tmpdir(), "tidegate-"));
  return {
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Serves an app on a free port of the loopback interface. */
export async function loopback(app: Pick<Hono, "fetch">): Promise<AsyncDisposable & { readonly url: string }> {
  const server = await new Promise<ServerType>((resolve) => {
    const starting = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(starting));
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}
