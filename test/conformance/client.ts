// A client of the service under test, which is known by its address alone. Whatever has to be applied is helped along by
// ticks: a service that nobody ticks, as on a platform with cron, conforms as well.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

/** The service under test. */
export interface Target {
  readonly url: string;
  /** An API key with every scope; undefined where none is needed. */
  readonly key: string | undefined;
  /** Address of the service's Kafka gateway, past which records can be written; undefined where it cannot be reached. */
  readonly gateway: string | undefined;
  /** The way that operations of the seven flows take. */
  readonly path: "kafka" | "direct" | "fallback";
}

/** What the service answered, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The text as JSON, undefined where it is none. Cases look at what they expect. */
  // biome-ignore lint/suspicious/noExplicitAny: the suite knows nothing of the service's types
  readonly body: any;
}

export interface Client extends Target {
  request(path: string, init?: RequestInit): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, data: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Sends one operation and waits until it has its outcome; answers the operation's resource. */
  apply(flow: string, type: string, data: unknown, headers?: Record<string, string>): Promise<Answer["body"]>;
  /** Waits until an operation has left the state `pending`. */
  settled(id: string): Promise<Answer["body"]>;
  /** Waits for `work` and ticks meanwhile. */
  ticking<Result>(work: Promise<Result>): Promise<Result>;
  /** Polls and ticks until `look` answers something. */
  until<Result>(what: string, look: () => Promise<Result | undefined | false>): Promise<Result>;
  /** A name that no other case has used. */
  tag(name: string): string;
}

const REQUEST_MS = 40_000;
const UNTIL_MS = 30_000;
const TICK_EVERY_MS = 150;
const JSON_TYPE = { "content-type": "application/json" };

/** Makes a client. */
export function createClient(target: Target): Client {
  const run = Math.random().toString(36).slice(2, 8);
  let serial = 0;
  const request: Client["request"] = (path, init = {}) => {
    const headers = new Headers(init.headers);
    if (target.key !== undefined && !headers.has("authorization")) headers.set("authorization", `Bearer ${target.key}`);
    return fetch(target.url + path, { signal: AbortSignal.timeout(REQUEST_MS), ...init, headers });
  };
  const get: Client["get"] = async (path, headers = {}) => read(await request(path, { headers }));
  const post: Client["post"] = async (path, data, headers = {}) => {
    const body = typeof data === "string" ? data : JSON.stringify(data);
    return read(await request(path, { method: "POST", body, headers: { ...JSON_TYPE, ...headers } }));
  };
  const tick = async (): Promise<void> => void (await read(await request("/v1/tick", { method: "POST" })));
  const until: Client["until"] = async (what, look) => {
    const endMs = performance.now() + UNTIL_MS;
    for (let i = 0; ; i++) {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      assert.ok(performance.now() < endMs, `waited ${UNTIL_MS / 1_000} s in vain for ${what}`);
      if (i > 1) await delay(TICK_EVERY_MS);
      await tick();
    }
  };
  const settled: Client["settled"] = (id) =>
    until(`operation ${id} to have its outcome`, async () => {
      const { status, body } = await get(`/v1/operations/${id}`);
      assert.equal(status, 200);
      return body.state !== "pending" && body;
    });
  return {
    ...target,
    request,
    get,
    post,
    until,
    settled,
    async apply(flow, type, data, headers) {
      const { status, body } = await post(`/v1/${flow}/${type}`, data, headers);
      assert.ok(status === 200 || status === 202, `${flow}.${type} answered ${status}: ${JSON.stringify(body)}`);
      return settled(body.id);
    },
    async ticking(work) {
      let done = false;
      const end = (): void => {
        done = true;
      };
      work.then(end, end);
      while (!done) {
        await tick();
        await Promise.race([work.catch(() => undefined), delay(TICK_EVERY_MS)]);
      }
      return work;
    },
    tag: (name) => `${name}-${run}-${(serial++).toString(36)}`,
  };
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  return { status: response.status, headers: response.headers, text, body };
}

/** Asserts that an answer is the problem document of a code. */
export function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.body?.code, code, `expected problem ${code}, got ${answer.status} ${answer.text.slice(0, 300)}`);
  assert.equal(answer.status, status);
  assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
  assert.equal(answer.body.status, status);
  assert.equal(answer.body.type, `/problems/${code}`);
  assert.equal(typeof answer.body.title, "string");
  assert.equal(typeof answer.body.retryable, "boolean");
}
