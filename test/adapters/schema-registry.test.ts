// The adapter of Confluent's registry API before servers that do not do what they should.
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { confluentRegistry } from "../../src/adapters/schema-registry/confluent.ts";
import { failed, fetchFailed } from "../support/fake-proxy.ts";
import { type FakeRegistry, fakeRegistry } from "../support/fake-registry.ts";

const SCHEMA = JSON.stringify({ oneOf: [] });
const json = (status: number, body: unknown) => (response: ServerResponse) =>
  void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

describe("confluentRegistry()", () => {
  let fake: FakeRegistry;
  beforeEach(async () => {
    fake = await fakeRegistry();
  });
  afterEach(() => fake[Symbol.asyncDispose]());
  const registry = (options: object = {}) => confluentRegistry({ url: fake.url, fetch, ...options });

  it("sends JSON schemas in the registry's media type, below the address's path, without a user", async () => {
    await registry().standing("a-value", SCHEMA);
    expect(fake.requests).toEqual([
      {
        method: "POST",
        path: "/api/subjects/a-value",
        authorization: undefined,
        contentType: "application/vnd.schemaregistry.v1+json",
      },
    ]);
  });

  it("sends user and password, whatever characters they have", async () => {
    await registry({ user: "key", password: "pässword:☃" }).standing("a-value", SCHEMA);
    const expected = Buffer.from("key:pässword:☃", "utf8").toString("base64");
    expect(fake.requests[0]!.authorization).toBe(`Basic ${expected}`);
  });

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ["an error of its own", json(500, { error_code: 50_003, message: "Forwarding failed" }), /500: Forwarding failed/],
    ["a page", (response) => void response.end("<html>hello</html>"), /200, which is no answer of a schema registry/],
    ["another 404", json(404, { error_code: 404, message: "HTTP 404 Not Found" }), /404: HTTP 404 Not Found/],
    ["an id that is none", json(200, { id: "1", version: 1 }), /answered 200/],
    ["a redirect", (response) => void response.writeHead(302, { location: "http://127.0.0.1:9/" }).end(), /302/],
    ["nothing, and hangs up", (response) => void response.socket!.destroy(), /no answer/],
  ])("throws registry_unavailable when it gets %s", async (_, answer, message) => {
    fake.answer = answer;
    for (const call of ["standing", "register"] as const) {
      const asked = registry()[call]("a-value", SCHEMA);
      await expect(asked).rejects.toMatchObject({
        code: "registry_unavailable",
        message: expect.stringMatching(message),
      });
    }
  });

  it("waits no longer than its deadline", async () => {
    fake.answer = () => {};
    const asked = registry({ timeoutMs: 50 }).standing("a-value", SCHEMA);
    await expect(asked).rejects.toMatchObject({ code: "registry_unavailable" });
  });

  it("says what keeps it from a registry that is not there", async () => {
    const fetch = () => Promise.reject(fetchFailed(failed("ECONNREFUSED")));
    await expect(registry({ fetch }).standing("a", SCHEMA)).rejects.toThrow(/no connection: connect ECONNREFUSED/);
  });

  it.each([401, 403])("answers that it is refused with %d, and where the key belongs", async (status) => {
    fake.answer = json(status, { error_code: status, message: "no" });
    const reasons = [`it answered ${status}; see SCHEMA_REGISTRY_USER and _PASSWORD`];
    expect(await registry().standing("a-value", SCHEMA)).toEqual({ status: "refused", reasons });
  });

  it("takes a bounded part of what a registry says", async () => {
    const messages = Array.from({ length: 500 }, () => "x".repeat(5_000));
    fake.answer = (response, { path }) =>
      path.includes("/compatibility/")
        ? json(200, { is_compatible: false, messages })(response)
        : json(404, { error_code: 40_403, message: "Schema not found" })(response);
    const standing = await registry().standing("a-value", SCHEMA);
    expect(standing).toEqual({ status: "incompatible", reasons: Array.from({ length: 20 }, () => "x".repeat(300)) });
  });

  it("says no user and password of its address", async () => {
    expect(registry({ user: "key", password: "hidden" }).name).toBe(fake.url);
  });
});
