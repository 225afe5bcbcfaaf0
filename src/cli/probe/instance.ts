// A consumer instance by hand, in any format: what the checks of reading, seeking and committing look at.
import { fieldsOf } from "../../adapters/broker/proxy-answer.ts";
import { META, type Reply, type Session, said, typeOf } from "./session.ts";

/** An instance of the session. */
export interface Instance {
  readonly path: string;
  post(resource: string, body?: object): Promise<Reply>;
  read(query?: string): Promise<Reply>;
}

/** A read waits so long at most. */
const READ_MS = 1_000;

/** Makes an instance, uses it, deletes it. Throws an Error that says what the proxy answered. */
export async function withProbe<Result>(
  session: Session,
  format: string,
  use: (instance: Instance) => Promise<Result>,
  group = `tidegate-probe-${crypto.randomUUID()}`,
): Promise<Result> {
  const name = `probe-${crypto.randomUUID()}`;
  const path = `/consumers/${group}/instances/${name}`;
  const commits = session.dialect === "strimzi" ? { "enable.auto.commit": false } : { "auto.commit.enable": "false" };
  const body = { name, format, "auto.offset.reset": "earliest", ...commits };
  if (session.signal.aborted) throw new Error("the time was over");
  try {
    const created = await session.ask("POST", `/consumers/${group}`, { type: META, body });
    if (created.status !== 200) throw new Error(`it makes no consumer instance: ${said(created)}`);
    return await use({
      path,
      post: (resource, content) =>
        session.ask("POST", path + resource, { type: META, ...(content === undefined ? {} : { body: content }) }),
      read: (query = `?timeout=${READ_MS}&max_bytes=4000000`) =>
        session.ask("GET", `${path}/records${query}`, { accept: typeOf(format) }),
    });
  } finally {
    // Also where no answer said that there is one.
    await session.ask("DELETE", path, { type: META, always: true });
  }
}

/** An instance that is assigned partition 0 and stands at an offset. */
export function standingAt<Result>(
  session: Session,
  format: string,
  offset: number,
  use: (instance: Instance) => Promise<Result>,
): Promise<Result> {
  return withProbe(session, format, async (instance) => {
    const place = { topic: session.topic, partition: 0 };
    const assigned = await instance.post("/assignments", { partitions: [place] });
    if (assigned.status !== 204) throw new Error(`it assigns no partitions: ${said(assigned)}`);
    const sought = await instance.post("/positions", { offsets: [{ ...place, offset }] });
    if (sought.status !== 204) throw new Error(`it does not seek: ${said(sought)}`);
    return use(instance);
  });
}

/** Reads until something other than an empty list comes, a few times. */
export async function readSome(instance: Instance, query?: string): Promise<Reply> {
  let reply = await instance.read(query);
  for (let i = 0; i < 4 && reply.status === 200 && entriesOf(reply).length === 0; i++)
    reply = await instance.read(query);
  return reply;
}

/** Records of an answer. */
export function entriesOf({ json }: Reply): ReturnType<typeof fieldsOf>[] {
  return Array.isArray(json) ? json.map(fieldsOf) : [];
}
