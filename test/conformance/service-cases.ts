// What the service says of itself, and what it refuses.
import assert from "node:assert/strict";
import type { Case } from "./case.ts";
import { assertProblem } from "./client.ts";

const health: Case = {
  name: "health: alive, ready, and in words",
  async run(client) {
    assert.equal((await client.get("/livez")).text, "ok\n");
    const ready = await client.get("/readyz");
    assert.deepEqual([ready.status, ready.body.ready], [200, true], ready.text);
    const whole = await client.get("/health");
    assert.equal(whole.status, 200);
    assert.equal(whole.body.name, "tidegate");
    const kafka = await client.get("/health/kafka");
    const reachable = client.path !== "fallback";
    assert.deepEqual([kafka.status, kafka.body.reachable], [reachable ? 200 : 503, reachable], kafka.text);
  },
};

const metrics: Case = {
  name: "metrics: the page of Prometheus counts operations by flow",
  async run(client) {
    const { status, text } = await client.get("/metrics");
    assert.equal(status, 200);
    assert.match(text, /^# TYPE tidegate_operations_total counter$/m);
    assert.match(text, /^tidegate_up_database 1$/m);
  },
};

const documents: Case = {
  name: "documents: OpenAPI, AsyncAPI and the pages",
  async run(client) {
    const openApi = await client.get("/openapi.json");
    assert.match(openApi.body.openapi, /^3\.1\./);
    assert.ok("/v1/operations" in openApi.body.paths);
    const asyncApi = await client.get("/asyncapi.json");
    assert.match(asyncApi.body.asyncapi, /^3\./);
    for (const page of ["/", "/docs", "/problems", "/problems/not_found"]) {
      const { status, headers } = await client.get(page);
      assert.equal(status, 200);
      assert.match(headers.get("content-type") ?? "", /^text\/html/);
      assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/);
    }
  },
};

const faults: Case = {
  name: "problems: invalid input names every fault",
  async run(client) {
    const answer = await client.post("/v1/chat-messages/create", { user: 7, extra: true });
    assertProblem(answer, 422, "invalid_input");
    const pointers = answer.body.errors.map(({ pointer }: { pointer: string }) => pointer);
    for (const pointer of ["#/session", "#/user", "#/content", "#/extra"])
      assert.ok(pointers.includes(pointer), pointer);
  },
};

const missing: Case = {
  name: "problems: unknown flows, types, entities and addresses are 404, wrong methods 405",
  async run(client) {
    assertProblem(await client.post("/v1/nothing/create", {}), 404, "not_found");
    assertProblem(await client.post("/v1/memory/forget", {}), 404, "not_found");
    assertProblem(await client.post("/v1/summarization/generated", {}), 404, "not_found");
    assertProblem(await client.get("/v1/memories/nobody-remembers"), 404, "not_found");
    assertProblem(await client.get("/nowhere"), 404, "not_found");
    const wrong = await client.get("/v1/memory/create");
    assertProblem(wrong, 405, "method_not_allowed");
    assert.equal(wrong.headers.get("allow"), "POST");
  },
};

const unreadable: Case = {
  name: "problems: a body that is no JSON is 400, another media type 415",
  async run(client) {
    assertProblem(await client.post("/v1/memory/create", "{"), 400, "malformed");
    assertProblem(
      await client.post("/v1/memory/create", "a=1", { "content-type": "text/plain" }),
      415,
      "unsupported_media_type",
    );
    const broken = await client.request("/v1/memory/create", {
      ...{ method: "POST", headers: { "content-type": "application/json" } },
      body: new Uint8Array([0x22, 0xff, 0x22]),
    });
    assert.equal(broken.status, 400);
    await broken.text();
  },
};

const sizes: Case = {
  name: "limits: bodies, items, keys and depth are bounded",
  async run(client) {
    const user = client.tag("user");
    const large = { id: client.tag("memory"), user, content: "x".repeat(700_000) };
    assertProblem(await client.post("/v1/memory/create", large), 413, "payload_too_large");
    const long = { id: client.tag("memory"), user, content: "x".repeat(65_537) };
    assertProblem(await client.post("/v1/memory/create", long), 422, "invalid_input");
    const key = { "idempotency-key": "k".repeat(201) };
    assertProblem(await client.post("/v1/memory/create", { user, content: "c" }, key), 422, "invalid_input");
    const deep = `{"user":"u","content":"c","metadata":${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}}`;
    assertProblem(await client.post("/v1/memory/create", deep), 422, "invalid_input");
    const many = JSON.stringify(Array.from({ length: 10_001 }, () => 0));
    assertProblem(await client.post("/v1/operations", many), 413, "payload_too_large");
    assertProblem(await client.get("/v1/operations?limit=0"), 422, "invalid_input");
  },
};

const texts: Case = {
  name: "texts: every plane of Unicode comes back as it was, what cannot be kept is refused",
  async run(client) {
    const [id, content] = [client.tag("memory"), 'naïve ☃ 𝄞 \u{10FFFF} \u2028 "\\'];
    await client.apply("memory", "create", { id, user: client.tag("user"), content });
    assert.equal((await client.get(`/v1/memories/${id}`)).body.content, content);
    const lone = '{"user":"u","content":"\\ud800"}';
    assertProblem(await client.post("/v1/memory/create", lone), 422, "invalid_input");
  },
};

const traces: Case = {
  name: "trace: a request with a broken traceparent is served all the same",
  async run(client) {
    for (const traceparent of ["", "00-1-2-3", `00-${"0".repeat(32)}-${"0".repeat(16)}-01`, `ff-${"a".repeat(32)}-x`]) {
      assert.equal((await client.get("/livez", { traceparent })).status, 200);
    }
  },
};

const keyless: Case = {
  name: "keys: without one only what is open answers",
  needs: "key",
  async run(client) {
    const none = { authorization: "" };
    const answer = await client.post("/v1/memory/create", {}, none);
    assertProblem(answer, 401, "unauthenticated");
    assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/);
    assertProblem(
      await client.get("/v1/check", { authorization: `Bearer tg_${"x".repeat(43)}` }),
      401,
      "unauthenticated",
    );
    assert.equal((await client.get("/livez", none)).status, 200);
    assert.equal((await client.get("/openapi.json", none)).status, 200);
  },
};

export const serviceCases: readonly Case[] = [
  ...[health, metrics, documents, faults, missing, unreadable, sizes, texts, traces, keyless],
];
