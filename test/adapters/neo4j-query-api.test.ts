// What the Query API client makes of every answer and failure. The good answers and the errors are a real server's.
import { describe, expect, it } from "vitest";
import { GraphFailure } from "../../src/adapters/database/neo4j/failure.ts";
import { queryApiTransport } from "../../src/adapters/database/neo4j/query-api.ts";
import { failed } from "../support/fake-proxy.ts";

const BOOKMARKS = ["FB:kcwQJIlPs4paQH69cdVaj8mlO8kAn5A="];

/** A client of a server that answers the same to everything; its requests are kept. */
function client(answer: () => Response | Promise<Response>, timeoutMs = 5_000) {
  const requests: { url: string; headers: Headers; body: unknown }[] = [];
  const transport = queryApiTransport({
    url: "http://neo4j.test:7474/at",
    user: "neo4j",
    password: "pässword",
    database: "my db",
    timeoutMs,
    fetch(url, { headers, body }) {
      requests.push({ url, headers: new Headers(headers), body: JSON.parse(body!) });
      return answer();
    },
  });
  return { transport, requests };
}

const json = (status: number, body: unknown) => () => Response.json(body, { status });

async function failureOf(answer: () => Response | Promise<Response>, timeoutMs?: number): Promise<GraphFailure> {
  const error = await client(answer, timeoutMs)
    .transport.run("RETURN 1", {})
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GraphFailure);
  expect((error as GraphFailure).message).not.toContain("\n");
  return error as GraphFailure;
}

describe("the Query API", () => {
  it("is asked with statement and parameters, under the database's name, with user and password", async () => {
    const { transport, requests } = client(json(202, { data: { fields: ["c"], values: [[2]] }, bookmarks: BOOKMARKS }));
    expect(await transport.run("RETURN $x", { x: [1, { y: null }] })).toEqual([[2]]);
    const [{ url, headers, body }] = requests as [(typeof requests)[0]];
    expect(url).toBe("http://neo4j.test:7474/at/db/my%20db/query/v2");
    expect(headers.get("authorization")).toBe(`Basic ${Buffer.from("neo4j:pässword").toString("base64")}`);
    expect(body).toMatchObject({ statement: "RETURN $x", parameters: { x: [1, { y: null }] } });
  });

  it("never holds a transaction open between requests", () => {
    expect(client(json(202, {})).transport.begin).toBeUndefined();
  });

  it("answers no rows for a statement that returns none", async () => {
    const { transport } = client(json(202, { data: { fields: [], values: [] }, bookmarks: BOOKMARKS }));
    expect(await transport.run("MATCH (n:Q) DETACH DELETE n", {})).toEqual([]);
  });

  it("looks at errors before data, whatever the status says: a guard that fails late is answered 202", async () => {
    const code = "Neo.ClientError.Statement.ArithmeticError";
    const late = { data: { fields: ["1"], values: [[1]] }, errors: [{ code, message: "/ by zero" }] };
    expect((await failureOf(json(202, late))).kind).toBe("guard");
    const constraint = { errors: [{ code: "Neo.ClientError.Schema.ConstraintValidationFailed", message: "exists" }] };
    expect((await failureOf(json(202, constraint))).kind).toBe("guard");
  });

  it.each([
    [400, "Neo.ClientError.Statement.SyntaxError", "statement"],
    [400, "Neo.ClientError.Statement.TypeError", "statement"],
    [202, "Neo.TransientError.Transaction.DeadlockDetected", "transient"],
    [202, "Neo.ClientError.Transaction.LockClientStopped", "too_large"],
    [202, "Neo.ClientError.Statement.EntityNotFound", "transient"],
    [202, "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration", "too_large"],
    [202, "Neo.TransientError.General.MemoryPoolOutOfMemoryError", "too_large"],
    [503, "Neo.TransientError.General.DatabaseUnavailable", "unsent"],
  ])("knows what status %i with %s means", async (status, code, kind) => {
    const failure = await failureOf(json(status, { errors: [{ code, message: "line one\nline two" }] }));
    expect([failure.kind, failure.message]).toEqual([kind, expect.stringContaining(code)]);
  });

  it.each([
    [401, "Neo.ClientError.Security.Unauthorized", "stranger", /set NEO4J_USER and NEO4J_PASSWORD/],
    [404, "Neo.ClientError.Database.DatabaseNotFound", "refused", /set NEO4J_DATABASE/],
    [429, "Neo.ClientError.Security.AuthenticationRateLimit", "stranger", /wait/],
  ])("says what to do about status %i with %s", async (status, code, kind, advice) => {
    const failure = await failureOf(json(status, { errors: [{ code, message: "Graph not found: nosuch" }] }));
    expect(failure.kind).toBe(kind);
    expect(failure.message).toMatch(advice);
  });

  it.each([
    ["a page of HTML", () => new Response("<html>nginx</html>", { status: 200 })],
    ["JSON of something else", json(200, { bolt_direct: "bolt://localhost:7687" })],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://elsewhere.test/" } })],
    ["nothing", () => new Response(null, { status: 404 })],
  ])("knows %s for no Query API, and says so", async (_, answer) => {
    const failure = await failureOf(answer);
    expect([failure.kind, failure.message]).toEqual(["refused", expect.stringMatching(/not the Query API of Neo4j/)]);
  });

  it("a proxy's 502 says nothing about what was done", async () => {
    expect((await failureOf(() => new Response("bad gateway", { status: 502 }))).kind).toBe("lost");
  });

  it("tells what was never sent from what was lost", async () => {
    const fails = (error: unknown) => () => Promise.reject(error);
    expect((await failureOf(fails(new TypeError("fetch failed", { cause: failed("ECONNREFUSED") })))).kind).toBe(
      "unsent",
    );
    expect((await failureOf(fails(new TypeError("fetch failed", { cause: failed("ECONNRESET") })))).kind).toBe("lost");
  });

  it("gives up at its deadline, and says that it may be done all the same (core-proof #31)", async () => {
    const timeoutMs = 20;
    const silent = () => new Promise<Response>((_, reject) => setTimeout(reject, 200, new Error("aborted")));
    const failure = await failureOf(silent, timeoutMs);
    expect([failure.kind, failure.message]).toEqual(["late", `no answer within ${timeoutMs} ms`]);
  });

  it("keeps whole numbers whole and broken ones broken on the way there", async () => {
    const { transport, requests } = client(json(202, { data: { fields: ["1"], values: [[1]] } }));
    await transport.run("RETURN 1", { whole: 9007199254740991, broken: 1.5 });
    expect(requests[0]?.body).toMatchObject({ parameters: { whole: 9007199254740991, broken: 1.5 } });
  });
});
