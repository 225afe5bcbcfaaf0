// The proxy that stands for a bad network does what it says.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { waitFor } from "./tidegate-process.ts";

const WAIT_MS = 5_000;

/** A server that sends back what it gets, and a proxy before it. */
async function echoing(): Promise<TcpProxy> {
  const server = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const proxy = await startTcpProxy(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return proxy;
}

async function connected(proxy: TcpProxy): Promise<Socket> {
  const socket = connect(proxy.port, proxy.host);
  await once(socket, "connect");
  onTestFinished(() => void socket.destroy());
  return socket;
}

test("passes every byte on, and the end", async () => {
  const proxy = await echoing();
  const socket = await connected(proxy);
  const sent = Buffer.alloc(3_000_000, "tide");
  socket.end(sent);
  expect((await buffer(socket)).equals(sent)).toBe(true);
  expect(proxy.connections.taken).toBe(1);
  await waitFor("the connection to be over", WAIT_MS, () => proxy.connections.open === 0, { everyMs: 5 });
});

test("cuts what is connected and takes new connections", async () => {
  const proxy = await echoing();
  const socket = await connected(proxy);
  socket.write("before");
  await once(socket, "data");
  proxy.cut();
  const [error] = await once(socket, "error");
  expect(error.code).toBe("ECONNRESET");
  const next = await connected(proxy);
  next.end("after");
  expect(await text(next)).toBe("after");
});

test("refuses connections until it accepts them again on the same port", async () => {
  const proxy = await echoing();
  const { port } = proxy;
  await proxy.refuse();
  const [error] = await once(connect(port, proxy.host), "error");
  expect(error.code).toBe("ECONNREFUSED");
  await proxy.accept();
  const socket = await connected(proxy);
  socket.end("again");
  expect(await text(socket)).toBe("again");
});

test("delays in both directions without changing the order", async () => {
  const proxy = await echoing();
  const socket = await connected(proxy);
  proxy.delay(60);
  socket.write("a");
  proxy.delay(0);
  socket.end("b");
  expect(await text(socket)).toBe("ab");
  proxy.delay(60);
  const slow = await connected(proxy);
  const sentAt = performance.now();
  slow.end("c");
  expect(await text(slow)).toBe("c");
  // Timers may fire a millisecond early.
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(118);
});

test("frozen, it is silent; thawed, it passes on what it held", async () => {
  const proxy = await echoing();
  const socket = await connected(proxy);
  let got = "";
  socket.on("data", (bytes) => {
    got += bytes;
  });
  proxy.freeze();
  socket.write("held");
  const other = await connected(proxy);
  other.end("also held");
  await waitFor("both to be taken", WAIT_MS, () => proxy.connections.taken === 2, { everyMs: 5 });
  expect(got).toBe("");
  proxy.thaw();
  expect(await text(other)).toBe("also held");
  await waitFor("the held bytes", WAIT_MS, () => got === "held", { everyMs: 5 });
});
