// What the checks of `tidegate probe` share: requests with their time, records put and read back, topics to clear away.
import { fieldsOf, isCount } from "../../adapters/broker/proxy-answer.ts";
import { type ProxyCall, proxyCaller } from "../../adapters/broker/proxy-call.ts";
import type { Dialect } from "../../config/kafka-url.ts";
import type { Broker, ReadRecord } from "../../ports/broker.ts";

/** An answer, or why there was none. */
export interface Reply {
  /** 0 without an answer. */
  readonly status: number;
  readonly json: unknown;
  readonly text: string;
  readonly ms: number;
  readonly failure?: string;
}

/** A request as the checks write it; an object body goes as JSON. */
export interface Ask {
  readonly type?: string;
  readonly accept?: string;
  readonly body?: object | string;
  /** Asked although the time of the examination is over. */
  readonly always?: true;
}

/** A proxy under examination. */
export interface Session {
  readonly url: string;
  readonly dialect: Dialect;
  /** A topic of two partitions that nobody else uses. */
  readonly topic: string;
  /** Records are read back with our own adapter: by offset, in every dialect. */
  readonly broker: Broker;
  /** The end of the whole examination. */
  readonly signal: AbortSignal;
  ask(method: "GET" | "POST" | "DELETE", path: string, ask?: Ask): Promise<Reply>;
  /** Topics that came into being, or may have, to be deleted in the end. */
  readonly made: Set<string>;
}

export const META = "application/vnd.kafka.v2+json";
export const typeOf = (format: string): string => `application/vnd.kafka.${format}.v2+json`;
/** One request takes no longer. */
export const ASK_MS = 5_000;
/** Of what a proxy says. */
const DETAIL_CHARS = 160;
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

/** Makes the `ask` of a session; what is asked always ends with `last`, where there is one. */
export function asker(
  options: Pick<Parameters<typeof proxyCaller>[0], "url" | "fetch" | "headers">,
  signal: AbortSignal,
  last = signal,
): Session["ask"] {
  const call: ProxyCall = proxyCaller({ ...options, answerBytesMax: ANSWER_BYTES_MAX });
  return async (method, path, { type, accept = META, body, always } = {}) => {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const beganMs = performance.now();
    const answer = await call({
      method,
      path,
      accept,
      ...(type === undefined ? {} : { contentType: type }),
      ...(text === undefined ? {} : { body: text }),
      signal: AbortSignal.any([always ? last : signal, AbortSignal.timeout(ASK_MS)]),
      parse: (whole) => whole,
    });
    const ms = Math.round(performance.now() - beganMs);
    if (answer.kind !== "answered") {
      const failure = ms >= ASK_MS - 50 ? `no answer within ${ASK_MS / 1_000} s` : answer.reason;
      return { status: 0, json: undefined, text: "", ms, failure };
    }
    return { status: answer.status, json: parse(String(answer.body)), text: String(answer.body), ms };
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Status and code of an answer in words. */
export function said({ status, json, failure }: Reply): string {
  if (failure !== undefined) return failure;
  const { error_code, message, error } = fieldsOf(json);
  const text = [message, error].find((each) => typeof each === "string");
  const code = typeof error_code === "number" && error_code !== status ? `/${error_code}` : "";
  return `${status}${code}${typeof text === "string" ? ` (${text.slice(0, DETAIL_CHARS)})` : ""}`;
}

/** What a produce said of its records. */
export interface Put {
  readonly reply: Reply;
  readonly offsets: readonly {
    readonly offset: number | null;
    readonly partition: number | null;
    readonly entry: unknown;
  }[];
}

/** Produces to the session's topic. */
export async function put(
  session: Session,
  records: readonly object[],
  format = "binary",
  path = `/topics/${session.topic}`,
): Promise<Put> {
  const reply = await session.ask("POST", path, { type: typeOf(format), body: { records } });
  const { offsets } = fieldsOf(reply.json);
  const entries = Array.isArray(offsets) ? offsets : [];
  return {
    reply,
    offsets: entries.map((entry: unknown) => {
      const { offset, partition } = fieldsOf(entry);
      return { entry, offset: isCount(offset) ? offset : null, partition: isCount(partition) ? partition : null };
    }),
  };
}

/** Produces one record to partition 0; answers its offset, or what was said instead. */
export async function putOne(session: Session, record: object, format = "binary"): Promise<number | string> {
  const { reply, offsets } = await put(session, [{ partition: 0, ...record }], format);
  return offsets[0]?.offset ?? refusalOf(reply, offsets[0]?.entry);
}

function refusalOf(reply: Reply, entry: unknown): string {
  const { error_code, error, message } = fieldsOf(entry);
  if (error_code === undefined || error_code === null) return said(reply);
  const text = String(error ?? message ?? "").slice(0, DETAIL_CHARS);
  return `${reply.status}, and ${String(error_code)} for the record${text === "" ? "" : ` (${text})`}`;
}

/** The record of partition 0 at an offset; undefined when it is not there. */
export async function getOne(session: Session, offset: number): Promise<ReadRecord | undefined> {
  const from = [{ topic: session.topic, partition: 0, offset }];
  const budget = { waitMs: 0, bytesMax: 4_000_000, recordsMax: 1, signal: session.signal };
  const [read] = await session.broker.read(from, budget);
  const record = read?.records[0];
  return record?.offset === offset ? record : undefined;
}

export const b64 = (bytes: string | readonly number[]): string => Buffer.from(bytes as string).toString("base64");
export const textOf = (bytes: Uint8Array | null): string => (bytes === null ? "null" : Buffer.from(bytes).toString());
