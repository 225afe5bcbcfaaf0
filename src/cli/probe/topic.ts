// The topic of a probe: made where the proxy can make one, and deleted where it can delete one.
import { fieldsOf, isCount } from "../../adapters/broker/proxy-answer.ts";
import { b64, put, type Session, said } from "./session.ts";

const PARTITIONS = 2;
const JSON_TYPES = ["application/vnd.kafka.json.v2+json", "application/json"];

type Bare = Omit<Session, "broker">;

/** Makes the session's topic; answers why it could not. */
export async function makeTopic(session: Bare): Promise<string | undefined> {
  const { topic } = session;
  let last = "";
  for (const type of JSON_TYPES) {
    const body = { topic_name: topic, partitions_count: PARTITIONS };
    const reply = await session.ask("POST", "/admin/topics", { type, body });
    if (reply.status >= 200 && reply.status < 300) return note(session);
    last = said(reply);
  }
  const cluster = await clusterOf(session);
  if (cluster !== undefined) {
    const body = { topic_name: topic, partitions_count: PARTITIONS };
    const json = { type: "application/json", accept: "application/json" };
    const reply = await session.ask("POST", `/v3/clusters/${cluster}/topics`, { ...json, body });
    if (reply.status >= 200 && reply.status < 300) return note(session);
    last = said(reply);
  }
  // Some make a topic when the first record comes.
  const { reply, offsets } = await put(session as Session, [{ value: b64("first") }]);
  if (isCount(offsets[0]?.offset)) return note(session);
  return `it makes no topics (${last}; ${said(reply)})`;
}

function note(session: Bare): undefined {
  session.made.add(session.topic);
}

/** Deletes what was made; answers the topics that are still there. */
export async function deleteTopics(session: Bare): Promise<string[]> {
  if (session.made.size === 0) return [];
  const cluster = await clusterOf(session);
  const left: string[] = [];
  for (const topic of session.made) {
    const paths = cluster === undefined ? [] : [`/v3/clusters/${cluster}/topics/${topic}`];
    let isGone = false;
    for (const path of paths) {
      const { status } = await session.ask("DELETE", path, { accept: "application/json" });
      isGone ||= status >= 200 && status < 300;
    }
    if (!isGone) left.push(topic);
  }
  return left;
}

async function clusterOf(session: Bare): Promise<string | undefined> {
  const { data } = fieldsOf((await session.ask("GET", "/v3/clusters", { accept: "application/json" })).json);
  const id = Array.isArray(data) ? fieldsOf(data[0]).cluster_id : undefined;
  return typeof id === "string" ? id : undefined;
}
