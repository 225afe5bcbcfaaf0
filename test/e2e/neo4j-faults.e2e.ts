// Neo4j away, frozen, cut off and locked: what callers are told, how soon, and that nothing is done twice. Numbers are those
// of the failure cases in kafka-over-http.md §2, and of core-proof.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { boltTransport } from "../../src/adapters/database/neo4j/bolt.ts";
import { queryApiTransport } from "../../src/adapters/database/neo4j/query-api.ts";
import type { Transport } from "../../src/adapters/database/neo4j/transport.ts";
import type { AppError } from "../../src/domain/errors.ts";
import type { Database } from "../../src/ports/database.ts";
import { ledgerRow, save, write } from "../contract/database-writes.ts";
import { readStack } from "../stack/read-stack.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { emptyNeo4j, openNeo4j, openTransport, TRANSPORTS, type TransportName } from "./neo4j-database.ts";

const { bolt, http, user, password } = readStack().neo4j;
/** Short, so that a frozen server is given up within the test's time. */
const TIMEOUT_MS = 2_000;
/** By then every call has ended: the time limit, its grace over bolt, and a second try. */
const GIVEN_UP_MS = 16_000;

const hostOf = (name: TransportName): string => new URL(name === "bolt" ? bolt : http).host;
const urlVia = (name: TransportName, { port }: TcpProxy): string =>
  `${name === "bolt" ? "bolt" : "http"}://127.0.0.1:${port}`;

function openVia(name: TransportName, proxy: TcpProxy): Transport {
  const options = { url: urlVia(name, proxy), user, password, database: "neo4j", timeoutMs: TIMEOUT_MS };
  return name === "bolt" ? boltTransport(options) : queryApiTransport({ ...options, fetch });
}

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const begunMs = performance.now();
  const error = await work.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "graph_unavailable" });
  expect(performance.now() - begunMs).toBeLessThan(GIVEN_UP_MS);
  return error as AppError;
}

let direct: Transport;
beforeEach(async () => {
  direct = openTransport("bolt");
  await emptyNeo4j(direct);
});
afterEach(async () => {
  await emptyNeo4j(direct);
  await direct.close();
});

describe.each(TRANSPORTS)("Neo4j over %s", (name) => {
  const withProxy = async (work: (database: Database, proxy: TcpProxy) => Promise<void>): Promise<void> => {
    await using proxy = await startTcpProxy(hostOf(name));
    const database = openNeo4j(name, undefined, openVia(name, proxy));
    await database.nowMs();
    await work(database, proxy).finally(() => database.close());
  };

  it("that refuses is told so at once, and works again when it is back", () =>
    withProxy(async (database, proxy) => {
      await proxy.refuse();
      const error = await failureOf(write(database, { entities: [save("a/Session/1", {})] }));
      expect(error.message).toMatch(/^Cannot use the database .*: no connection/);
      expect(error.ambiguous).toBe(false);
      await proxy.accept();
      await write(database, { entities: [save("a/Session/1", {})] });
    }));

  it("that is frozen is given up in time, and works again when it has thawed", () =>
    withProxy(async (database, proxy) => {
      proxy.freeze();
      await failureOf(write(database, { entities: [save("a/Session/1", {})] }));
      await failureOf(database.nowMs());
      proxy.thaw();
      await write(database, { entities: [save("a/Session/1", {})] });
    }));

  it("whose idle connections were cut is asked again over new ones", () =>
    withProxy(async (database, proxy) => {
      proxy.cut();
      await write(database, { entities: [save("a/Session/1", {})] });
      proxy.cut();
      expect(await database.nowMs()).toBeGreaterThan(0);
    }));

  it("with a locked entity is given up in time, and what lands late does no harm (core-proof #31, case 26)", () =>
    withProxy(async (database) => {
      await write(database, { entities: [save("a/Session/1", { n: 0 })] });
      const request = { positions: [], keys: ["a/Session/1"], ledger: ["a/op"] };
      const nothing = { positions: [], names: [], outbox: [], parked: [], sweeps: [] };
      const seen: unknown[] = [];
      const once = () =>
        database.transact(request, (state) => {
          seen.push(state.ledger("a/op") === undefined);
          if (state.ledger("a/op") !== undefined) return { stop: true };
          const n = state.entity("a/Session/1")?.state.fields.n?.[0] as number;
          return {
            write: { ...nothing, entities: [save("a/Session/1", { n: n + 1 })], ledger: [ledgerRow("a/op")] },
          };
        });
      const holder = direct.begin!();
      await holder.run("MATCH (n:Entity {key: 'a/Session/1'}) SET n._lock = 0 RETURN 1", {});
      await failureOf(once());
      await holder.rollback();
      // Whatever became of it, the next attempt finds it done or does it: in the end it was done once.
      await expect
        .poll(
          () =>
            once().then(
              () => true,
              () => false,
            ),
          { timeout: 30_000 },
        )
        .toBe(true);
      const found = (await database.entities(["a/Session/1"])).get("a/Session/1");
      expect(found?.state.fields.n?.[0]).toBe(1);
      expect((await database.ledgerRows(["a/op"])).size).toBe(1);
    }));

  it("while it is away ticks stop and move nothing, what goes to Kafka is accepted, and the rest is refused for a while (case 23)", async () => {
    await using proxy = await startTcpProxy(hostOf(name));
    using folder = tempFolder();
    await using service = await startServiceProcess(folder.root, {
      NEO4J_URL: urlVia(name, proxy),
      NEO4J_PASSWORD: password,
      NEO4J_TIMEOUT_MS: String(TIMEOUT_MS),
      KAFKA_MEMORY_OPERATIONS: "false",
    });
    expect((await service.post("/v1/session/create", { id: "s", title: "before" })).status).toBe(202);
    await service.until("rest", async () => (await service.get("/v1/check")).body.atRest === true);

    await proxy.refuse();
    const queued = await service.post("/v1/session/update", { id: "s", title: "meanwhile" });
    expect(queued.status).toBe(202);
    const refused = await service.post("/v1/memory/create", { user: "ada", content: "likes the sea" });
    expect(refused).toMatchObject({ status: 503, body: { code: "nothing_accepted" } });
    expect(refused.headers.get("retry-after")).not.toBeNull();
    const ready = await service.get("/readyz");
    expect(ready).toMatchObject({ status: 503, body: { reasons: [expect.stringMatching(/no connection/)] } });
    await service.until("a tick that says why it stopped", async () => service.output().includes("Tick stopped"));

    await proxy.accept();
    await service.until("rest", async () => (await service.get("/v1/check")).body.atRest === true);
    expect((await service.get(`/v1/operations/${queued.body.id}`)).body).toMatchObject({ state: "applied" });
    const check = await service.get("/v1/check");
    expect(check.body).toMatchObject({ closed: true });
  });
});

describe("a wrong", () => {
  // A name of their own: after three wrong passwords the server lets nobody in by it for a while.
  const wrong = { NEO4J_USER: "nobody", NEO4J_PASSWORD: "wrong" };
  const stranger = { NEO4J_PASSWORD: password, NEO4J_TIMEOUT_MS: String(TIMEOUT_MS) };
  it.each([
    ["password over bolt", { ...stranger, NEO4J_URL: bolt, ...wrong }, /set NEO4J_USER and NEO4J_PASSWORD/],
    ["password over HTTP", { ...stranger, NEO4J_URL: http, ...wrong }, /set NEO4J_USER and NEO4J_PASSWORD/],
    ["database over bolt", { ...stranger, NEO4J_URL: bolt, NEO4J_DATABASE: "nosuch" }, /set NEO4J_DATABASE/],
    ["database over HTTP", { ...stranger, NEO4J_URL: http, NEO4J_DATABASE: "nosuch" }, /set NEO4J_DATABASE/],
    ["protocol: bolt at the HTTP port", { ...stranger, NEO4J_URL: http.replace("http", "bolt") }, /speaks HTTP/],
    ["port", { ...stranger, NEO4J_URL: "bolt://127.0.0.1:1" }, /no connection: .*ECONNREFUSED/],
  ])("%s is said in one line, at the start and by /readyz, and the service runs", async (_, env, line) => {
    using folder = tempFolder();
    await using service = await startServiceProcess(folder.root, env);
    const said = service
      .output()
      .split("\n")
      .filter((text) => text.includes("The database cannot be reached"));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(line);
    const ready = await service.get("/readyz");
    expect(ready).toMatchObject({ status: 503, body: { reasons: [expect.stringMatching(line)] } });
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
  });
});
