// POST /events: CloudEvents in every mode, and plain JSON.
import assert from "node:assert/strict";
import type { Case } from "./case.ts";
import { type Answer, assertProblem, type Client } from "./client.ts";

const eventOf = (id: string) => ({ specversion: "1.0", id, source: "/shop", type: "order.placed", data: { total: 3 } });

/** The event as it is kept, once it is. */
async function kept(client: Client, answer: Answer): Promise<Answer["body"]> {
  assert.ok(answer.status === 200 || answer.status === 202, answer.text);
  await client.settled(answer.body.id);
  const { status, body } = await client.get(`/v1/events/${encodeURIComponent(answer.body.entity.id)}`);
  assert.equal(status, 200);
  return body;
}

const structured: Case = {
  name: "events: structured mode keeps attributes, extensions and data",
  async run(client) {
    const event = { ...eventOf(client.tag("event")), subject: "42", priority: 7 };
    const type = { "content-type": "application/cloudevents+json" };
    const body = await kept(client, await client.post("/events", event, type));
    assert.equal(body.type, "order.placed");
    assert.equal(body.subject, "42");
    assert.deepEqual(body.data, { total: 3 });
    assert.deepEqual(body.extensions, { priority: 7 });
  },
};

const binary: Case = {
  name: "events: binary mode takes attributes from headers, and bytes as they are",
  async run(client) {
    const id = client.tag("event");
    const headers = {
      ...{ "ce-specversion": "1.0", "ce-id": id, "ce-source": "/shop", "ce-type": "label.printed" },
      "content-type": "application/octet-stream",
    };
    const bytes = new Uint8Array([0, 255, 128, 10]);
    const response = await client.request("/events", { method: "POST", headers, body: bytes });
    const text = await response.text();
    const answer = { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
    assert.equal((await kept(client, answer)).data_base64, "AP+ACg==");
  },
};

const batch: Case = {
  name: "events: a batch is answered item by item",
  async run(client) {
    const type = { "content-type": "application/cloudevents-batch+json" };
    for (const path of ["/events", "/v1/operations"]) {
      const items = [eventOf(client.tag("event")), { id: "no type" }, eventOf(client.tag("event"))];
      const { status, body } = await client.post(path, items, type);
      assert.equal(status, 200);
      assert.deepEqual([body[0].status < 300, body[1].status, body[2].status < 300], [true, 422, true]);
    }
  },
};

const plain: Case = {
  name: "events: plain JSON is recorded, twice the same is one",
  async run(client) {
    const data = { id: client.tag("event"), source: "/plain", type: "tide.turned", time: "2026-01-02T03:04:05Z" };
    const first = await client.post("/events", data);
    const second = await client.post("/events", data);
    assert.deepEqual(first.body.entity, second.body.entity);
    assert.equal((await kept(client, second)).type, "tide.turned");
  },
};

const refused: Case = {
  name: "events: what is no event is refused with a pointer",
  async run(client) {
    const answer = await client.post("/events", { specversion: "1.0", id: "x", source: "/s" });
    assertProblem(answer, 422, "invalid_input");
    assert.ok(answer.body.errors.some(({ pointer }: { pointer: string }) => pointer === "#/type"));
  },
};

export const eventCases: readonly Case[] = [structured, binary, batch, plain, refused];
