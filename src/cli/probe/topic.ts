// The topic of a probe: made where the proxy can make one, and deleted where it can delete one.
import { fieldsOf, isCount } from "../../adapters/broker/proxy-answer.ts";
import { type Ask, b64, put, type Session, said } from "./session.ts";

const PARTITIONS = 2;
const JSON_TYPES = ["application/vnd.kafka.json.v2+json", "application/json"];

type Bare = Omit<Session, "broker">;

/** Makes the session's topic; answers why it could not. A topic that may have been made counts as made. */
export async function makeTopic(session: Bare): Promise<string | undefined> {
  const { topic } = session;
  const body = { topic_name: topic, partitions_count: PARTITIONS };
  let last = "";
  const isMade = async (path: string, ask: Ask): Promise<boolean> => {
    if (session.signal.aborted) return false;
    const reply = await session.ask("POST", path, { ...ask, body });
    last = said(reply);
    const { status } = reply;
    if (status === 0 || (status >= 200 && status < 300)) session.made.add(topic);
    return status >= 200 && status < 300;
  };
  for (const type of JSON_TYPES) if (await isMade("/admin/topics", { type })) return undefined;
  const cluster = await clusterOf(session);
  const json = { type: "application/json", accept: "application/json" };
  if (cluster !== undefined && (await isMade(`/v3/clusters/${cluster}/topics`, json))) return undefined;
  if (session.signal.aborted) return "the time was over";
  // Some make a topic when the first record comes.
  const { reply, offsets } = await put(session as Session, [{ value: b64("first") }]);
  if (reply.status === 0 || isCount(offsets[0]?.offset)) session.made.add(topic);
  return isCount(offsets[0]?.offset) ? undefined : `it makes no topics (${last}; ${said(reply)})`;
}

/** Deletes what was made; answers the topics that are still there, or may be. */
export async function deleteTopics(session: Bare): Promise<string[]> {
  if (session.made.size === 0) return [];
  const cluster = await clusterOf(session);
  const left: string[] = [];
  for (const topic of session.made) {
    const path = `/v3/clusters/${cluster}/topics/${topic}`;
    const { status } =
      cluster === undefined ? { status: 0 } : await session.ask("DELETE", path, { accept: "application/json" });
    if (status !== 404 && (status < 200 || status >= 300)) left.push(topic);
  }
  return left;
}

async function clusterOf(session: Bare): Promise<string | undefined> {
  const { data } = fieldsOf((await session.ask("GET", "/v3/clusters", { accept: "application/json" })).json);
  const id = Array.isArray(data) ? fieldsOf(data[0]).cluster_id : undefined;
  return typeof id === "string" ? id : undefined;
}
