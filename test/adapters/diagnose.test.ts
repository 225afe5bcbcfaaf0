// One line for every address that is not what KAFKA_URL says: what was tried and what to do.
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Hono } from "hono";
import { describe, expect, it, onTestFinished } from "vitest";
import { complaintOf, diagnoseProxy } from "../../src/adapters/broker/diagnose.ts";
import { gatewayBundle, loopback } from "../support/gateway-bundle.ts";
import { PROXIES } from "../support/proxies/every.ts";
import { upstashProxy } from "../support/proxies/upstash.ts";

const DIALECTS = Object.keys(PROXIES) as (keyof typeof PROXIES)[];
const look = async (url: string, dialect = "tidegate", headers: Record<string, string> = {}) =>
  complaintOf(await diagnoseProxy({ url, dialect, headers, fetch }));

/** A port that does this to whoever connects. */
async function portThat(meet: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    meet(socket);
  });
  return `http://127.0.0.1:${await listening(server, () => sockets.forEach((socket) => void socket.destroy()))}`;
}

async function listening(server: Server, release: () => void = () => undefined): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    release();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function site(answer: (path: string) => Response): Promise<string> {
  const app = new Hono();
  app.all("*", (c) => answer(c.req.path));
  const server = await loopback(app);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server.url;
}

describe("a proxy that speaks the dialect", () => {
  it.each(DIALECTS)("of %s is well", async (dialect) => {
    await using server = await loopback(PROXIES[dialect]({ t: 1 }).app);
    expect(await look(server.url, dialect)).toBeNull();
  });

  it("of upstash is well with its password, and not with another", async () => {
    await using server = await loopback(upstashProxy({ t: 1 }).app);
    const basic = (pair: string) => ({ authorization: `Basic ${btoa(pair)}` });
    expect(await look(server.url, "upstash", basic("user:secret"))).toBeNull();
    expect(await look(server.url, "upstash", basic("user:wrong"))).toBe(
      `${server.url} refuses these credentials (it answered 401 to GET /topics): correct KAFKA_USERNAME and KAFKA_PASSWORD, or give that user the right to list topics`,
    );
    expect(await look(server.url, "upstash")).toContain("asks for credentials");
    expect(await look(server.url, "upstash", { authorization: "Bearer x" })).toContain("correct KAFKA_TOKEN");
  });

  it("of tidegate is well", async () => {
    await using bundle = await gatewayBundle();
    await using server = await loopback(bundle.app);
    expect(await look(server.url)).toBeNull();
  });
});

describe("a wrong dialect", () => {
  it.each(DIALECTS.filter((dialect) => dialect !== "confluent-v3"))("names %s, which answers", async (dialect) => {
    await using server = await loopback(PROXIES[dialect]({ t: 1 }).app);
    const line = await look(server.url, dialect === "strimzi" ? "redpanda" : "strimzi");
    expect(line).toContain(`and KAFKA_URL says dialect "`);
    expect(line).toContain(`set ?dialect=${dialect} in KAFKA_URL`);
  });
});

describe("a wrong address", () => {
  it("where nothing listens", async () => {
    const port = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const { port: free } = server.address() as AddressInfo;
        server.close(() => resolve(free));
      });
    });
    const url = `http://127.0.0.1:${port}`;
    expect(await look(url)).toBe(
      `nothing listens at 127.0.0.1:${port}: connection refused (asked GET ${url}/topics): start the proxy, or correct KAFKA_URL`,
    );
  });

  it("whose name nobody knows", async () => {
    expect(await look("http://kafka.invalid:8082")).toContain("there is no host named kafka.invalid");
  });

  it("that is Kafka's own port, which hangs up", async () => {
    // Kafka takes `GET ` for a length that it does not allow.
    const url = await portThat((socket) => socket.once("data", () => socket.destroy()));
    const line = await look(url);
    expect(line).toContain("hung up without an HTTP answer");
    expect(line).toContain("that is what Kafka's own port does");
  });

  it("that speaks something else", async () => {
    const url = await portThat((socket) => void socket.write("220 mail.example ESMTP\r\n"));
    expect(await look(url)).toContain("speaks something that is not HTTP");
  });

  it("that never answers", async () => {
    const url = await portThat(() => undefined);
    expect(await look(url)).toContain("takes connections and does not answer within 3 s");
  });

  it("that does not speak https", async () => {
    const port = await listening(createHttpServer((_, response) => void response.end()));
    expect(await look(`https://127.0.0.1:${port}`)).toContain("does not speak https");
  });

  it.each([
    ["Neo4j's HTTP port", () => Response.json({ bolt_direct: "bolt://localhost:7687", neo4j_version: "5.26.30" })],
    ["Neo4j's bolt port", () => new Response("not a WS handshake request: missing upgrade", { status: 400 })],
    ["a web page", () => new Response("<!DOCTYPE html><title>Welcome</title>")],
    ["a web page", () => new Response("<html><body>404</body></html>", { status: 404 })],
    [
      "a Tidegate service, not its gateway",
      (path: string) =>
        path === "/health" ? Response.json({ name: "tidegate", ready: true }) : Response.json({}, { status: 404 }),
    ],
    [
      "a schema registry",
      (path: string) => (path === "/subjects" ? Response.json(["a-value"]) : Response.json({}, { status: 404 })),
    ],
    ["something that answers 400 to GET /topics", () => new Response("oops", { status: 400 })],
    ["something whose GET /topics is no list of topics", () => Response.json({ topics: [] })],
  ])("that is %s", async (what, answer) => {
    const url = await site(answer);
    expect(await look(url)).toMatch(
      `${url} is ${what} (asked GET /topics): set KAFKA_URL to the address of an HTTP proxy`,
    );
  });
});

const HTML = { headers: { "content-type": "text/html" } };

describe("a proxy behind something else", () => {
  it("is one if it lists topics, whatever stands at the other paths", async () => {
    const url = await site((path) =>
      path === "/topics" ? Response.json(["a"]) : new Response("<html>no such page</html>", { status: 404, ...HTML }),
    );
    expect(await look(url)).toContain("is a REST proxy of the v2 family");
  });

  it("that asks for credentials in HTML asks for credentials", async () => {
    const url = await site(() => new Response("<html>401</html>", { status: 401, ...HTML }));
    expect(await look(url)).toContain("asks for credentials (it answered 401 to GET /topics)");
  });

  it.each([
    [
      "with a page",
      () => new Response("<html>502 Bad Gateway</html>", { status: 502, ...HTML }),
      "502 to GET /topics:",
    ],
    [
      "in its own words",
      () => Response.json({ error_code: 50301, message: "Kafka cannot be reached" }, { status: 503 }),
      "503 to GET /topics: Kafka cannot be reached:",
    ],
  ])("whose Kafka is down, which it says %s, is not taken for something else", async (_, answer, said) => {
    const url = await site(answer);
    expect(await look(url)).toBe(
      `${url} answers ${said} see that Kafka runs, that the proxy reaches it, and that KAFKA_URL is the proxy's address`,
    );
  });
});
