// The client that Node speaks to proxies with, before servers that behave well and badly.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { type FetchInit, neverSent, proxyCaller, readText } from "../../src/adapters/broker/proxy-call.ts";
import { nodeFetch } from "../../src/runtime/node-fetch.ts";

const GET: FetchInit = { method: "GET", headers: {}, body: null, signal: null, redirect: "manual" };

async function serving(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  let connections = 0;
  server.on("connection", () => connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { fetch, close } = nodeFetch();
  onTestFinished(async () => {
    await close();
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { server, url, fetch, connections: () => connections };
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  const { method, url, headers } = request;
  response.end(JSON.stringify({ method, url, type: headers["content-type"], length: headers["content-length"], body }));
}

it("sends method, path, headers and the bytes of the text, and reads the answer", async () => {
  const { url, fetch } = await serving(echo);
  const body = JSON.stringify({ text: "Grüße, 世界" });
  const answer = await fetch(`${url}/a%20b?c=d`, { ...GET, method: "POST", headers: { "content-type": "x/y" }, body });
  expect(answer.status).toBe(200);
  expect(JSON.parse((await readText(answer, 1_000))!)).toEqual({
    method: "POST",
    url: "/a%20b?c=d",
    type: "x/y",
    length: String(Buffer.byteLength(body)),
    body,
  });
});

it("keeps a connection for the next request", async () => {
  const { url, fetch, connections } = await serving(echo);
  for (let i = 0; i < 5; i++) await readText(await fetch(url, GET), 1_000);
  expect(connections()).toBe(1);
});

it("answers a redirect as it came", async () => {
  const { url, fetch, connections } = await serving((_, response) => {
    response.writeHead(307, { location: "/elsewhere" }).end();
  });
  expect((await fetch(url, GET)).status).toBe(307);
  expect(connections()).toBe(1);
});

it("hangs up on an answer that is larger than is read", async () => {
  const { url, fetch, server } = await serving((_, response) => {
    response.write("x".repeat(1_000));
  });
  const closed = new Promise((resolve) => server.once("connection", (socket) => socket.once("close", resolve)));
  expect(await readText(await fetch(url, GET), 999)).toBeUndefined();
  await closed;
});

it("ends with its signal, before an answer and within one", async () => {
  const { url, fetch } = await serving((request, response) => {
    if (request.url === "/half") response.write("half of it");
  });
  const silent = new AbortController();
  const waiting = fetch(url, { ...GET, signal: silent.signal });
  silent.abort();
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  const half = new AbortController();
  const answer = await fetch(`${url}/half`, { ...GET, signal: half.signal });
  half.abort();
  await expect(readText(answer, 1_000)).rejects.toThrow();
});

it("tells what never left from what was lost on the way", async () => {
  const { url, fetch, server } = await serving((request) => request.socket.destroy());
  const call = proxyCaller({ url, fetch, answerBytesMax: 1_000 });
  expect(await call({ method: "GET", path: "/", accept: "x/y" })).toMatchObject({ kind: "lost" });
  server.close();
  await once(server, "close");
  expect(neverSent(await Promise.resolve(fetch(url, GET)).catch((error: unknown) => error))).toBe(true);
  expect(await call({ method: "GET", path: "/", accept: "x/y" })).toMatchObject({ kind: "unsent", heal: true });
});

it("takes a new connection where the server has closed the one that was kept", async () => {
  const { url, fetch, server, connections } = await serving(echo);
  server.keepAliveTimeout = 1;
  const closed = new Promise((resolve) => server.once("connection", (socket) => socket.once("close", resolve)));
  await readText(await fetch(url, GET), 1_000);
  await closed;
  expect((await fetch(url, GET)).status).toBe(200);
  expect(connections()).toBe(2);
});

it("sends a token with the white space around it that files and pages bring, without it, as fetch does", async () => {
  const seen: (string | undefined)[] = [];
  const { url, fetch: nodes } = await serving((request, response) => {
    seen.push(request.headers.authorization);
    response.end("{}");
  });
  for (const fetch of [globalThis.fetch, nodes]) {
    const call = proxyCaller({ url, fetch, headers: { authorization: "Bearer t0k3n\n" }, answerBytesMax: 1_000 });
    expect(await call({ method: "GET", path: "/", accept: "x/y" })).toMatchObject({ kind: "answered" });
  }
  expect(seen).toEqual(["Bearer t0k3n", "Bearer t0k3n"]);
});
