// The life of an operation: its resource, lists, streams; the accounting; parked records.
import assert from "node:assert/strict";
import type { Case } from "./case.ts";
import { assertProblem, type Client } from "./client.ts";

const TOPIC = "memory-operations";

const life: Case = {
  name: "operation: is known from the start, gets one outcome, and says whether it stands",
  async run(client) {
    const data = { id: client.tag("memory"), user: client.tag("user"), content: "The tide turns" };
    const { body } = await client.post("/v1/memory/create", data);
    const first = await client.get(`/v1/operations/${body.id}`);
    assert.equal(first.status, 200);
    assert.ok(["pending", "applied"].includes(first.body.state));
    const done = await client.settled(body.id);
    assert.equal(done.state, "applied");
    assert.equal(done.current, true);
    assert.equal(done.stamp, body.stamp);
    assert.deepEqual(done.entity, { kind: "Memory", id: data.id });
    await client.apply("memory", "update", { id: data.id, content: "The tide has turned" });
    assert.equal((await client.get(`/v1/operations/${body.id}`)).body.current, "partly");
  },
};

const unknown: Case = {
  name: "operation: an id that the service never gave out is 404",
  async run(client) {
    assertProblem(await client.get("/v1/operations/01890a5d-ac96-774b-bcce-b302099a8057"), 404, "not_found");
    const { body } = await client.post("/v1/operations/statuses", ["01890a5d-ac96-774b-bcce-b302099a8057", "x"]);
    assert.deepEqual(body, [null, null]);
  },
};

const listed: Case = {
  name: "operations: are listed newest first, by flow and outcome, page by page",
  async run(client) {
    for (let i = 0; i < 3; i++) await client.apply("activity", "create", { id: client.tag("activity"), name: "n" });
    const query = "/v1/operations?flow=activity&outcome=applied&limit=2";
    const first = await client.get(query);
    assert.equal(first.body.items.length, 2);
    const second = await client.get(`${query}&cursor=${encodeURIComponent(first.body.next)}`);
    const ids = [...first.body.items, ...second.body.items].map(({ id }: { id: string }) => id);
    assert.equal(new Set(ids).size, ids.length);
    assertProblem(await client.get("/v1/operations?flow=none"), 422, "invalid_input");
  },
};

const streamed: Case = {
  name: "operation: its event stream ends with its outcome",
  async run(client) {
    const data = { id: client.tag("memory"), user: client.tag("user"), content: "c" };
    const { body } = await client.post("/v1/memory/create", data);
    const stream = await client.request(`/v1/operations/${body.id}/events`);
    assert.match(stream.headers.get("content-type") ?? "", /^text\/event-stream/);
    const text = await client.ticking(stream.text());
    assert.match(text, /event: status\nid: applied\ndata: \{/);
  },
};

const closes: Case = {
  name: "check: the accounting closes and comes to rest",
  async run(client) {
    await client.apply("memory", "create", { id: client.tag("memory"), user: client.tag("user"), content: "c" });
    const body = await client.until("the service to be at rest", async () => {
      const { body } = await client.get("/v1/check");
      assert.equal(body.closed, true);
      // Where Kafka cannot be reached, the outbox waits for it.
      return (client.path === "fallback" ? body.outbox > 0 : body.atRest) && body;
    });
    assert.equal(body.closed, true);
  },
};

const dumped: Case = {
  name: "dump: one canonical JSON object a line",
  async run(client) {
    const id = client.tag("memory");
    await client.apply("memory", "create", { id, user: client.tag("user"), content: "c" });
    const { status, text, headers } = await client.get("/v1/dump");
    assert.equal(status, 200);
    assert.match(headers.get("content-type") ?? "", /ndjson/);
    const all = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.ok(all.some((line) => line.node === `default/Memory/${id}`));
  },
};

/** Writes a record to the topic past the service; answers its coordinates. */
async function append(client: Client, value: object): Promise<string> {
  const response = await fetch(`${client.gateway}/topics/${TOPIC}`, {
    method: "POST",
    headers: { "content-type": "application/vnd.kafka.json.v2+json" },
    body: JSON.stringify({ records: [{ key: "moon", value }] }),
  });
  const { offsets } = (await response.json()) as { offsets: { partition: number; offset: number }[] };
  return `${TOPIC}/${offsets[0]!.partition}/${offsets[0]!.offset}`;
}

const foreign = (client: Client, data: object) => ({
  ...{ specversion: "1.0", id: client.tag("foreign"), source: "/old", type: "tidegate.memory.create" },
  ...{ time: "2026-01-01T00:00:00Z", data },
});

const parkedNow = (client: Client, record: string) =>
  client.until(`${record} to be parked`, async () => {
    const { status, body } = await client.get(`/v1/parked/${record}`);
    return status === 200 && body;
  });

const replayed: Case = {
  name: "parked: a bad record is set aside, inspected, mended, replayed and applied",
  needs: "gateway",
  async run(client) {
    const id = client.tag("memory");
    const bad = foreign(client, { id, content: "Full moon, high tide" });
    const record = await append(client, bad);
    const found = await parkedNow(client, record);
    assert.equal(found.reason, "invalid");
    assert.deepEqual(JSON.parse(found.text), bad);
    const listed = await client.get(`/v1/parked?topic=${TOPIC}&limit=1000`);
    assert.ok(listed.body.items.some((item: { record: string }) => item.record === found.record));
    const mended = { ...bad, data: { ...bad.data, user: client.tag("user") } };
    const answer = await client.post(`/v1/parked/${record}/replay`, { value: mended });
    assert.ok(answer.status === 200 || answer.status === 202, answer.text);
    await client.until("the record to be applied", async () => (await client.get(`/v1/memories/${id}`)).status === 200);
    assertProblem(await client.get(`/v1/parked/${record}`), 404, "not_found");
  },
};

const discarded: Case = {
  name: "parked: a bad record is discarded, and the accounting closes",
  needs: "gateway",
  async run(client) {
    const record = await append(client, foreign(client, { id: client.tag("memory"), content: 7 }));
    await parkedNow(client, record);
    const { status } = await client.post(`/v1/parked/${record}/discard`, {});
    assert.ok(status === 200 || status === 202);
    await client.until("the record to be gone", async () => (await client.get(`/v1/parked/${record}`)).status === 404);
    assert.equal((await client.get("/v1/check")).body.closed, true);
  },
};

const traced: Case = {
  name: "trace: the record carries the trace of the request that made it",
  needs: "gateway",
  async run(client) {
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    const data = { id: client.tag("memory"), user: client.tag("user"), content: "c" };
    const headers = { traceparent: `00-${trace}-00f067aa0ba902b7-01`, tracestate: "vendor=1" };
    const { body } = await client.post("/v1/memory/create", data, headers);
    const partitions = [0, 1, 2].map((partition) => ({ topic: TOPIC, partition, offset: 0 }));
    const response = await fetch(`${client.gateway}/partitions/records`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ partitions, max_records: 10_000, max_bytes: 8_000_000 }),
    });
    const read = (await response.json()) as { partitions: { records: { value: string }[] }[] };
    const values = read.partitions.flatMap(({ records }) =>
      records.map(({ value }) => JSON.parse(Buffer.from(value, "base64").toString())),
    );
    const own = values.find(({ id }) => id === body.id);
    assert.equal(own.traceparent.split("-")[1], trace);
    assert.equal(own.tracestate, "vendor=1");
  },
};

export const operationCases: readonly Case[] = [
  ...[life, unknown, listed, streamed, closes, dumped, replayed, discarded, traced],
];
