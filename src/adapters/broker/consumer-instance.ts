// One consumer instance of a v2 proxy, for as long as one read or one report takes. Its name is random, it is assigned
// (never subscribed), and nothing rests on it: an instance that is gone is an answer, `InstanceGone`.
import type { ReadFrom } from "../../ports/broker.ts";
import { complaint, fieldsOf, unavailable } from "./proxy-answer.ts";
import type { ProxyAnswer, ProxyCall } from "./proxy-call.ts";

/** In what a dialect's consumer instances differ from those of others. */
export interface InstanceManner {
  /** Body of the request that creates one, binary and without auto-commit; `waitMs` is what a read of it may wait. */
  create(name: string, waitMs: number): object;
  /** What a dialect commits for "read on at `next`". */
  committed(next: number): number;
}

/** Where instances are made. */
export interface InstancePlace {
  readonly call: ProxyCall;
  readonly manner: InstanceManner;
  readonly group: string;
  /** Origins beside the proxy's own to which its `base_uri` may lead. */
  readonly origins: readonly string[];
}

/** The proxy does not know the instance: it restarted, another replica answered, or it ended it for idling. */
export class InstanceGone extends Error {
  override name = "InstanceGone";
}

/** An instance that exists at the proxy until it is closed. */
export interface ConsumerInstance {
  assign(places: readonly ReadFrom[], signal?: AbortSignal): Promise<void>;
  /** Only ever before the first read: Confluent's proxy keeps what it has fetched (kafka-over-http case 18). */
  seek(places: readonly ReadFrom[], signal?: AbortSignal): Promise<void>;
  /** Records as the proxy gives them, or that they are too large for `bytesMax`. */
  records(
    bounds: { readonly timeoutMs: number; readonly bytesMax: number },
    signal?: AbortSignal,
  ): Promise<readonly unknown[] | "too_large">;
  commit(places: readonly ReadFrom[], signal?: AbortSignal): Promise<void>;
}

const META = "application/vnd.kafka.v2+json";
const BINARY = "application/vnd.kafka.binary.v2+json";
const NAME_TAKEN = 409;
const TOO_LARGE = 422;
const CREATE_ATTEMPTS = 2;
const DELETE_MS = 2_000;

/**
 * Makes an instance, lets `work` use it and deletes it, whatever happens. Throws AppError `broker_unavailable`, or
 * InstanceGone when the proxy has lost it in between.
 */
export async function withInstance<Result>(
  place: InstancePlace,
  waitMs: number,
  signal: AbortSignal | undefined,
  work: (instance: ConsumerInstance) => Promise<Result>,
): Promise<Result> {
  const { path, base, failure } = await create(place, waitMs, signal);
  const at = { ...(base === undefined ? {} : { base }), path };
  try {
    if (failure !== undefined) throw failure;
    return await work(instanceAt(place, at));
  } finally {
    const deleting = place.call({
      method: "DELETE",
      ...at,
      contentType: META,
      accept: META,
      signal: AbortSignal.timeout(DELETE_MS),
    });
    // Whoever has given up must not wait for the proxy to clear away.
    if (signal?.aborted !== true) await deleting;
  }
}

interface Address {
  readonly path: string;
  readonly base?: string;
}

async function create(
  { call, manner, group, origins }: InstancePlace,
  waitMs: number,
  signal: AbortSignal | undefined,
): Promise<Address & { readonly failure?: Error }> {
  for (let attempt = 1; ; attempt++) {
    const name = `tidegate-${crypto.randomUUID()}`;
    const path = `/consumers/${encodeURIComponent(group)}/instances/${name}`;
    const body = JSON.stringify(manner.create(name, waitMs));
    const creating = `/consumers/${encodeURIComponent(group)}`;
    const answer = await call({ method: "POST", path: creating, contentType: META, accept: META, body, signal });
    if (answer.kind === "answered" && answer.status === 200) {
      return { path, ...baseOf(fieldsOf(answer.body).base_uri, path, origins) };
    }
    if (isAnswered(answer, NAME_TAKEN) && attempt < CREATE_ATTEMPTS) continue;
    // Without an answer of the proxy's own there may be an instance, under a name that is known.
    const failure = failed(answer, "create a consumer instance");
    if (answer.kind === "lost" || (answer.kind === "answered" && answer.status >= 500)) return { path, failure };
    throw failure;
  }
}

/**
 * Behind a balancer the instance lives in the one replica that `base_uri` names. It is followed only to an origin that
 * the operator has allowed; else the address is composed from the configured one.
 */
function baseOf(uri: unknown, path: string, origins: readonly string[]): { readonly base?: string } {
  if (typeof uri !== "string" || !URL.canParse(uri)) return {};
  const url = new URL(uri);
  const end = decodeURIComponent(url.pathname).endsWith(decodeURIComponent(path)) ? path.length : undefined;
  if (end === undefined || !origins.includes(url.origin)) return {};
  return { base: `${url.origin}${url.pathname.slice(0, url.pathname.length - end)}` };
}

function instanceAt({ call, manner }: InstancePlace, { path, base }: Address): ConsumerInstance {
  const at = base === undefined ? {} : { base };
  const post = async (action: string, resource: string, body: object, signal?: AbortSignal): Promise<void> => {
    const request = { method: "POST", ...at, path: path + resource, contentType: META, accept: META } as const;
    const answer = await call({ ...request, body: JSON.stringify(body), signal });
    if (answer.kind !== "answered" || answer.status < 200 || answer.status > 299) throw failed(answer, action);
  };
  return {
    assign: (places, signal) =>
      post(
        "assign partitions",
        "/assignments",
        { partitions: places.map(({ topic, partition }) => ({ topic, partition })) },
        signal,
      ),
    seek: (places, signal) =>
      post(
        "seek",
        "/positions",
        { offsets: places.map(({ topic, partition, offset }) => ({ topic, partition, offset })) },
        signal,
      ),
    commit(places, signal) {
      const offsets = places.map(({ topic, partition, offset }) => ({
        topic,
        partition,
        offset: manner.committed(offset),
      }));
      return post("report positions", "/offsets", { offsets: offsets.filter(({ offset }) => offset >= 0) }, signal);
    },
    async records({ timeoutMs, bytesMax }, signal) {
      const query = `?timeout=${Math.floor(timeoutMs)}&max_bytes=${Math.floor(bytesMax)}`;
      const answer = await call({ method: "GET", ...at, path: `${path}/records${query}`, accept: BINARY, signal });
      if (isAnswered(answer, TOO_LARGE)) return "too_large";
      if (answer.kind !== "answered" || answer.status !== 200) throw failed(answer, "read records");
      if (!Array.isArray(answer.body)) throw unavailable("read records", "proxy answered 200 without records");
      return answer.body;
    },
  };
}

function isAnswered(answer: ProxyAnswer, status: number): boolean {
  return answer.kind === "answered" && answer.status === status;
}

/** What a 404 says when it is about a topic, not about the instance: Karapace uses 40403 for both (case 1). */
const ABOUT_A_TOPIC = /topic|partition/i;

function failed(answer: ProxyAnswer, action: string): Error {
  if (answer.kind !== "answered") return unavailable(action, answer.reason, answer.cause);
  const said = `proxy answered ${answer.status}${complaint(answer.body)}`;
  if (answer.status === 404 && !ABOUT_A_TOPIC.test(complaint(answer.body))) return new InstanceGone(said);
  return unavailable(action, said);
}
