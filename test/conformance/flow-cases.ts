// Every flow, every type a client may send.
import assert from "node:assert/strict";
import type { Case } from "./case.ts";
import type { Client } from "./client.ts";

/** A session with two messages. */
export async function conversation(client: Client): Promise<{ session: string; user: string; messages: string[] }> {
  const [session, user] = [client.tag("session"), client.tag("user")];
  const messages = [client.tag("message"), client.tag("message")];
  await client.apply("session", "create", { id: session, user, title: "A trip to the sea" });
  const texts = ["When does the tide turn in Lisbon?", "In Lisbon the tide turns about every six hours."];
  for (const [seq, id] of messages.entries()) {
    const data = { id, session, user, role: seq === 0 ? "user" : "assistant", content: texts[seq], seq };
    await client.apply("chat-messages", "create", data);
  }
  return { session, user, messages };
}

const contentsOf = async (client: Client, session: string): Promise<string[]> => {
  const { status, body } = await client.get(`/v1/sessions/${session}/messages`);
  assert.equal(status, 200);
  return body.items.map(({ id }: { id: string }) => id);
};

const chat: Case = {
  name: "chat-messages: create, update and delete show in the session",
  async run(client) {
    const { session, messages } = await conversation(client);
    assert.deepEqual(await contentsOf(client, session), messages);
    const updated = await client.apply("chat-messages", "update", { id: messages[0], content: "And in Porto?" });
    assert.equal(updated.state, "applied");
    assert.equal((await client.get(`/v1/messages/${messages[0]}`)).body.content, "And in Porto?");
    await client.apply("chat-messages", "delete", { id: messages[1] });
    assert.deepEqual(await contentsOf(client, session), [messages[0]]);
  },
};

const sessions: Case = {
  name: "session: ends, is found, and hides its messages when it is deleted",
  async run(client) {
    const { session, user, messages } = await conversation(client);
    await client.apply("session", "update", { id: session, endedAt: "2026-01-02T03:04:05Z" });
    assert.equal((await client.get(`/v1/sessions/${session}`)).body.status, "ended");
    const asked = await client.apply("session", "query", { user, state: "ended" });
    assert.deepEqual(
      asked.result.items.map(({ id }: { id: string }) => id),
      [session],
    );
    const listed = await client.get(`/v1/sessions?user=${user}`);
    assert.equal(listed.body.items.length, 1);
    await client.apply("session", "delete", { id: session });
    assert.equal((await client.get(`/v1/sessions/${session}`)).status, 404);
    await client.until("the messages to be hidden", async () => {
      return (await client.get(`/v1/messages/${messages[0]}`)).status === 404;
    });
  },
};

const memories: Case = {
  name: "memory: create, update, full text search, query and delete",
  async run(client) {
    const [id, user, word] = [client.tag("memory"), client.tag("user"), client.tag("lighthouse").replaceAll("-", "")];
    await client.apply("memory", "create", { id, user, content: `Ada likes the ${word} of Lisbon`, tags: ["places"] });
    const found = await client.get(`/v1/memories?user=${user}&text=${word}`);
    assert.deepEqual(
      found.body.items.map((item: { id: string }) => item.id),
      [id],
    );
    await client.apply("memory", "update", { id, tags: ["places", "kept"] });
    const asked = await client.apply("memory", "query", { user, tags: ["kept"] });
    assert.deepEqual(
      asked.result.items.map((item: { id: string }) => item.id),
      [id],
    );
    await client.apply("memory", "delete", { id });
    assert.equal((await client.get(`/v1/memories/${id}`)).status, 404);
    assert.deepEqual((await client.get(`/v1/memories?user=${user}&text=${word}`)).body.items, []);
  },
};

const activities: Case = {
  name: "activity: create, update and end, whose duration is derived",
  async run(client) {
    const id = client.tag("activity");
    await client.apply("activity", "create", { id, name: "planning", startedAt: "2026-01-02T03:04:05Z" });
    await client.apply("activity", "update", { id, status: "closing", metadata: { step: 2 } });
    assert.equal((await client.get(`/v1/activities/${id}`)).body.status, "closing");
    await client.apply("activity", "end", { id, endedAt: "2026-01-02T03:04:07Z", result: { booked: true } });
    const { body } = await client.get(`/v1/activities/${id}`);
    assert.equal(body.status, "ended");
    assert.equal(body.durationMs, 2_000);
  },
};

const actions: Case = {
  name: "action: executing an unknown webhook fails in words, and the client completes",
  async run(client) {
    const id = client.tag("action");
    const executed = await client.apply("action", "execute", { id, webhook: "nobody-has-this", input: { a: 1 } });
    assert.equal(executed.state, "applied");
    const failed = (await client.get(`/v1/actions/${id}`)).body;
    assert.equal(failed.status, "failed");
    assert.equal(typeof failed.response.error, "string");
    await client.apply("action", "complete", { id, status: "completed", result: { by: "hand" } });
    const { body } = await client.get(`/v1/actions/${id}`);
    assert.equal(body.status, "completed");
    assert.deepEqual(body.completion.result, { by: "hand" });
  },
};

const summaries: Case = {
  name: "summarization: a session and a user are summarised, and a person has the last word",
  async run(client) {
    const { session, user, messages } = await conversation(client);
    const [ofSession, ofUser] = [client.tag("summary"), client.tag("summary")];
    assert.equal((await client.apply("summarization", "generate", { id: ofSession, session })).state, "applied");
    const { body } = await client.get(`/v1/summaries/${ofSession}`);
    assert.equal(body.status, "ready");
    assert.equal(body.stale, false);
    assert.ok(body.summary.restsOn.every((id: string) => messages.includes(id)));
    assert.ok(body.summary.text.length > 0);
    await client.apply("summarization", "generate", { id: ofUser, user });
    assert.equal((await client.get(`/v1/users/${user}/summary`)).body.id, ofUser);
    await client.apply("summarization", "update", { id: ofSession, text: "About the tides." });
    assert.equal((await client.get(`/v1/summaries/${ofSession}`)).body.summary.text, "About the tides.");
  },
};

const thoughts: Case = {
  name: "context-analysis: a conversation is analysed, and the analysis evaluated",
  async run(client) {
    const { session } = await conversation(client);
    const [thought, evaluation] = [client.tag("thought"), client.tag("evaluation")];
    await client.apply("context-analysis", "analyze", { id: thought, session });
    const { body } = await client.get(`/v1/thoughts/${thought}`);
    assert.equal(body.status, "ready");
    assert.ok(Array.isArray(body.analysis.topics));
    await client.apply("context-analysis", "evaluate", { id: evaluation, thought });
    const { score } = (await client.get(`/v1/evaluations/${evaluation}`)).body.evaluation;
    assert.ok(score >= 0 && score <= 1);
  },
};

const neighbourhood: Case = {
  name: "graph: what lies around a session is found",
  async run(client) {
    const { session, messages } = await conversation(client);
    const { status, text } = await client.get(`/v1/graph/Session/${session}?depth=2`);
    assert.equal(status, 200);
    for (const id of messages) assert.ok(text.includes(id));
  },
};

export const flowCases: readonly Case[] = [
  chat,
  sessions,
  memories,
  activities,
  actions,
  summaries,
  thoughts,
  neighbourhood,
];
