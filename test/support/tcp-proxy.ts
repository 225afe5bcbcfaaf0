// A TCP proxy on loopback that does what networks do: refuse, cut, delay and freeze. It knows nothing of what passes.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A proxy before `target`; everything passes until told otherwise. */
export interface TcpProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Connections that are open now, and that were ever taken. */
  readonly connections: { readonly open: number; readonly taken: number };
  /** Cuts every connection with a reset; new ones pass. */
  cut(): void;
  /** Closes the port: what connects is refused, what is connected is cut. */
  refuse(): Promise<void>;
  /** Opens the port again after `refuse`. */
  accept(): Promise<void>;
  /** Holds every byte back for this long, in both directions; 0 ends it. */
  delay(ms: number): void;
  /** Takes connections and bytes, and passes nothing on, until `thaw`. */
  freeze(): void;
  /** Passes on what was held back. */
  thaw(): void;
}

interface Pipe {
  readonly from: Socket;
  readonly to: Socket;
}

/** Starts a proxy on a free port. `target` is `host:port`. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const at = new URL(`tcp://${target}`);
  const pipes = new Set<Pipe>();
  const clients = new Set<Socket>();
  let taken = 0;
  let delayMs = 0;
  let frozen: { readonly over: Promise<void>; end(): void } | undefined;

  const pass = (from: Socket, to: Socket): void => {
    const pipe = { from, to };
    pipes.add(pipe);
    // One queue a direction: bytes and the end come out in the order they went in.
    let last: Promise<unknown> = Promise.resolve();
    const later = (act: () => void): void => {
      const waited = delayMs === 0 ? undefined : delay(delayMs);
      last = last
        .then(() => waited)
        .then(() => frozen?.over)
        .then(() => to.destroyed || act());
    };
    const write = (bytes: Buffer): void => {
      if (to.write(bytes)) return;
      from.pause();
      to.once("drain", () => frozen ?? from.resume());
    };
    from.on("data", (bytes) => later(() => write(bytes)));
    from.on("end", () => later(() => to.end()));
    from.on("error", () => to.resetAndDestroy());
    from.on("close", () => {
      pipes.delete(pipe);
      clients.delete(from);
    });
    if (frozen !== undefined) from.pause();
  };

  const take = (client: Socket): void => {
    taken++;
    clients.add(client);
    const server = connect({ host: at.hostname, port: Number(at.port), allowHalfOpen: true });
    for (const socket of [client, server]) socket.setNoDelay(true);
    pass(client, server);
    pass(server, client);
  };

  let server: Server = createServer({ allowHalfOpen: true }, take);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  const cut = (): void => {
    for (const { from } of pipes) from.resetAndDestroy();
  };
  const refuse = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    cut();
    await closed;
  };
  const thaw = (): void => {
    frozen?.end();
    frozen = undefined;
    for (const { from } of pipes) from.resume();
  };
  return {
    host: "127.0.0.1",
    port,
    get connections() {
      return { open: clients.size, taken };
    },
    cut,
    refuse,
    async accept() {
      if (server.listening) return;
      server = createServer({ allowHalfOpen: true }, take);
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    delay(ms) {
      delayMs = ms;
    },
    freeze() {
      if (frozen !== undefined) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      frozen = { over: promise, end: resolve };
      for (const { from } of pipes) from.pause();
    },
    thaw,
    async [Symbol.asyncDispose]() {
      await refuse();
      thaw();
    },
  };
}
