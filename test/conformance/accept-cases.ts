// How operations are accepted and answered: paths, preferences, batches, idempotency, order.
import assert from "node:assert/strict";
import type { Case } from "./case.ts";
import { type Answer, assertProblem, type Client } from "./client.ts";

const memory = (client: Client, more: object = {}) => ({
  id: client.tag("memory"),
  user: client.tag("user"),
  content: "Full moon, high tide",
  ...more,
});

const paths: Case = {
  name: "path: the answer says which way an operation took, with the status of that way",
  async run(client) {
    const answer = await client.post("/v1/memory/create", memory(client));
    assert.equal(answer.body.path, client.path);
    assert.equal(answer.status, client.path === "kafka" ? 202 : 200);
    assert.equal(answer.body.outcome, client.path === "kafka" ? "queued" : "applied");
    assert.equal(typeof answer.body.because, client.path === "fallback" ? "string" : "undefined");
    assert.equal(answer.headers.get("location"), `/v1/operations/${answer.body.id}`);
    assert.equal(answer.headers.get("tidegate-stamp"), answer.body.stamp);
    assert.equal((await client.settled(answer.body.id)).path, client.path);
  },
};

const direct: Case = {
  name: "path: a flow whose Kafka is off is applied at once",
  async run(client) {
    const answer = await client.post("/events", { id: client.tag("event"), source: "/s", type: "tide.turned" });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.path, "direct");
    assert.equal(answer.body.outcome, "applied");
  },
};

const minted: Case = {
  name: "ids: an entity without an id gets one, and an update of the unseen is merged",
  async run(client) {
    const { id: _, ...data } = memory(client);
    const answer = await client.post("/v1/memory/create", data);
    await client.settled(answer.body.id);
    assert.equal((await client.get(`/v1/memories/${answer.body.entity.id}`)).status, 200);
    const later = memory(client);
    const early = await client.post("/v1/memory/update", { id: later.id, tags: ["early"] });
    if (early.status === 404) return;
    await client.settled(early.body.id);
    await client.apply("memory", "create", later);
    assert.deepEqual((await client.get(`/v1/memories/${later.id}`)).body.tags, ["early"]);
  },
};

const array: Case = {
  name: "batch: an array is answered item by item, in order, faults among them",
  async run(client) {
    const [one, two] = [memory(client), memory(client)];
    const item = (data: object) => ({ flow: "memory", type: "create", data });
    const items = [item(one), item({ ...one, content: 7 }), { flow: "none", type: "x", data: {} }, item(two)];
    const { status, body } = await client.post("/v1/operations", items);
    assert.equal(status, 200);
    assert.deepEqual(
      body.map((each: Answer) => each.status >= 300 && each.status),
      [false, 422, 404, false],
    );
    assert.equal(body[1].problem.code, "invalid_input");
    assert.equal(body[3].entity.id, two.id);
    for (const each of [body[0], body[3]]) await client.settled(each.id);
    assert.equal((await client.get(`/v1/memories/${two.id}`)).status, 200);
  },
};

const lines: Case = {
  name: "batch: JSON Lines are answered as JSON Lines, a broken line among them",
  async run(client) {
    const items = Array.from({ length: 300 }, () => memory(client));
    const texts = items.map((data) => JSON.stringify({ flow: "memory", type: "create", data, key: client.tag("key") }));
    const body = `${[...texts.slice(0, 150), "{not json", ...texts.slice(150)].join("\n")}\n`;
    const answer = await client.post("/v1/operations", body, { "content-type": "application/x-ndjson" });
    assert.equal(answer.status, 200);
    const answers = answer.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.equal(answers.length, 301);
    assert.equal(answers[150].problem.code, "malformed");
    assert.ok(answers.every(({ status }, i) => i === 150 || status < 300));
    await client.settled(answers.at(-1).id);
    const statuses = await client.until("all to be applied", async () => {
      const ids = answers.flatMap(({ id }) => (id === undefined ? [] : [id]));
      const found = (await client.post("/v1/operations/statuses", ids)).body;
      return found.every(({ state }: { state: string }) => state === "applied") && found;
    });
    assert.equal(statuses.length, 300);
  },
};

const wait: Case = {
  name: "Prefer: wait answers 200 once the operation is applied",
  async run(client) {
    const sent = client.post("/v1/memory/create", memory(client), { prefer: "wait=20" });
    const answer = await client.ticking(sent);
    assert.equal(answer.status, 200);
    assert.equal(answer.body.outcome, "applied");
    assert.match(answer.headers.get("preference-applied") ?? "", /wait=20/);
  },
};

const minimal: Case = {
  name: "Prefer: respond-async and return=minimal are kept",
  async run(client) {
    const { session, user } = { session: client.tag("session"), user: client.tag("user") };
    await client.apply("session", "create", { id: session, user });
    const later = await client.post("/v1/summarization/generate", { session }, { prefer: "respond-async" });
    assert.equal(later.status, 202);
    assert.equal(later.headers.get("preference-applied"), "respond-async");
    assert.equal((await client.settled(later.body.id)).state, "applied");
    const short = await client.post("/v1/memory/create", memory(client), { prefer: "return=minimal" });
    assert.equal(short.text, "");
    assert.match(short.headers.get("location") ?? "", /^\/v1\/operations\//);
    assert.match(short.headers.get("preference-applied") ?? "", /return=minimal/);
  },
};

const idempotency: Case = {
  name: "Idempotency-Key: the same body is the same operation, another body is refused",
  async run(client) {
    const [data, key] = [memory(client), client.tag("key")];
    const headers = { "idempotency-key": key };
    const first = await client.post("/v1/memory/create", data, headers);
    const second = await client.post("/v1/memory/create", data, headers);
    assert.equal(second.body.id, first.body.id);
    assert.equal(second.body.stamp, first.body.stamp);
    const other = await client.post("/v1/memory/create", { ...data, content: "Ebb" }, headers);
    assertProblem(other, 422, "idempotency_mismatch");
    await client.settled(first.body.id);
    assert.equal((await client.get(`/v1/memories/${data.id}`)).body.content, data.content);
  },
};

const atOnce: Case = {
  name: "Idempotency-Key: twenty requests at once are one operation",
  async run(client) {
    const [data, headers] = [memory(client), { "idempotency-key": client.tag("key") }];
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.post("/v1/memory/create", data, headers)),
    );
    assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1);
    await client.settled(answers[0]!.body.id);
  },
};

const after: Case = {
  name: "Tidegate-After: an operation comes after the stamp it names; a stamp of the future is refused",
  async run(client) {
    const data = memory(client);
    const first = await client.post("/v1/memory/create", data);
    const headers = { "tidegate-after": first.body.stamp };
    const second = await client.post("/v1/memory/update", { id: data.id, content: "Ebb" }, headers);
    assert.ok(second.body.stamp > first.body.stamp);
    await client.settled(first.body.id);
    await client.settled(second.body.id);
    assert.equal((await client.get(`/v1/memories/${data.id}`)).body.content, "Ebb");
    const future = `${(Date.now() + 3_600_000).toString(16).padStart(12, "0")}-0000-0123456789abcdef`;
    const refused = await client.post("/v1/memory/create", memory(client), { "tidegate-after": future });
    assertProblem(refused, 422, "stamp_ahead");
  },
};

const readYourWrite: Case = {
  name: "?after=: a read waits for the operation it names",
  async run(client) {
    const data = memory(client);
    const { body } = await client.post("/v1/memory/create", data);
    const headers = { prefer: "wait=20" };
    const found = await client.ticking(client.get(`/v1/memories/${data.id}?after=${body.id}`, headers));
    assert.equal(found.status, 200);
    assertProblem(await client.get(`/v1/memories/${data.id}?after=made-up`), 422, "invalid_input");
  },
};

export const acceptCases: readonly Case[] = [
  ...[paths, direct, minted, array, lines, wait, minimal, idempotency, atOnce, after, readYourWrite],
];

/** What is worth repeating where operations take another way. */
export const pathCases: readonly Case[] = [paths, minted, array, idempotency, after];
