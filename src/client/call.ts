// One call: a request that is tried again, the same every time, until it is answered for good or time is up.
import { backoffMs } from "../domain/backoff.ts";
import { readProblem } from "./answers.ts";
import { isForLater, refusal, TidegateError } from "./error.ts";
import { retryAfterMs } from "./retry-after.ts";

/** Bounds of a call. */
export interface CallOptions {
  /** How long the call may take, all its attempts together. */
  readonly deadlineMs?: number | undefined;
  /** Gives the call up; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What sends a request. */
export type Send = (url: string, init: RequestInit) => Promise<Response>;

/** How calls are made, for all calls of a client. */
export interface Transport {
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly send: Send;
  readonly deadlineMs: number;
  readonly attemptMs: number;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
}

/** One request. */
export interface Call {
  readonly method: "GET" | "POST";
  /** With its query. */
  readonly path: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string;
  /** Time the service is asked to wait, on top of what an attempt may take. */
  readonly waitMs?: number;
  readonly key?: string;
}

/** An answer that is a success. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Time that is left of a call. */
export interface Deadline {
  readonly leftMs: () => number;
  readonly signal: AbortSignal | undefined;
}

/** Begins a call's time. Throws the signal's reason when it is given up already. */
export function begin(transport: Pick<Transport, "deadlineMs">, options: CallOptions = {}): Deadline {
  const { deadlineMs = transport.deadlineMs, signal } = options;
  signal?.throwIfAborted();
  const untilMs = performance.now() + deadlineMs;
  return { signal, leftMs: () => untilMs - performance.now() };
}

/** Makes a call whose answer must be a success; throws TidegateError, or the signal's reason. */
export async function call(transport: Transport, call: Call, options?: CallOptions): Promise<Reply> {
  const deadline = begin(transport, options);
  for (let attempts = 0; ; attempts++) {
    const tried = await attempt(transport, call, deadline);
    if (!(tried instanceof Failed)) return tried;
    await pauseOrThrow(transport, deadline, attempts, tried);
  }
}

/** Like {@link call}, for an answer in JSON. */
export async function callJson<Body>(transport: Transport, request: Call, options?: CallOptions): Promise<Body> {
  return parseReply<Body>(request, await call(transport, request, options));
}

/** Reads the JSON of an answer. */
export function parseReply<Body>({ path, key }: Call, { text, status }: Reply): Body {
  try {
    return JSON.parse(text) as Body;
  } catch (cause) {
    throw new TidegateError("unexpected_answer", `The answer of ${path} is not JSON`, { status, key, cause });
  }
}

/** An attempt that may go better later. */
export class Failed {
  readonly error: TidegateError;
  readonly afterMs: number | undefined;
  constructor(error: TidegateError, afterMs?: number) {
    this.error = error;
    this.afterMs = afterMs;
  }
}

/** One attempt: its success, or why to try again. Throws what no further attempt can mend. */
export async function attempt(transport: Transport, call: Call, deadline: Deadline): Promise<Reply | Failed> {
  const { waitMs = 0, key } = call;
  const attemptMs = Math.ceil(Math.min(transport.attemptMs + waitMs, deadline.leftMs()));
  const timeout = AbortSignal.timeout(Math.max(1, attemptMs));
  const signal = either(timeout, deadline.signal);
  try {
    const response = await orAborted(request(transport, call, signal), signal);
    const text = await orAborted(response.text(), signal);
    if (response.ok) return { status: response.status, headers: response.headers, text };
    return failedOrThrow(response, text, key);
  } catch (cause) {
    if (cause instanceof TidegateError) throw cause;
    deadline.signal?.throwIfAborted();
    return noAnswer(transport, timeout.aborted, key, cause);
  }
}

/** Sends a request; rejects as fetch does. Throws TidegateError for what no header can hold, however often it were sent. */
export function request(
  { url, apiKey, send }: Transport,
  { method, path, headers = {}, body, key }: Call,
  signal: AbortSignal,
): Promise<Response> {
  const all = { ...headers, ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }) };
  for (const header of Object.entries(all)) assertSendable(header, key);
  return send(url + path, {
    method,
    headers: all,
    signal,
    ...(body === undefined ? {} : { body }),
  });
}

function assertSendable([name, value]: [string, string], key: string | undefined): void {
  try {
    new Headers([[name, value]]);
  } catch (cause) {
    throw new TidegateError("invalid_input", `The header ${name} cannot hold this value`, { key, cause });
  }
}

/** What an answer that is no success means: try again, or an error that is thrown. */
export function failedOrThrow({ status, headers }: Response, text: string, key?: string): Failed {
  const error = refusal(status, readProblem(text), key);
  if (!isForLater(status)) throw error;
  return new Failed(error, retryAfterMs(headers.get("retry-after"), Date.now()));
}

/** What a request without an answer means. */
export function noAnswer({ url }: Transport, isLate: boolean, key: string | undefined, cause: unknown): Failed {
  const [code, what] = isLate
    ? (["deadline_exceeded", "did not answer in time"] as const)
    : (["unreachable", "cannot be reached"] as const);
  return new Failed(new TidegateError(code, `The service at ${url} ${what}`, { retryable: true, key, cause }));
}

/** A signal that aborts when one of both does. */
export function either(one: AbortSignal, other: AbortSignal | undefined): AbortSignal {
  return other === undefined ? one : AbortSignal.any([one, other]);
}

/** A promise that rejects when the signal aborts: what sends requests may not look at signals. */
export async function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  // Where the signal has aborted already, nobody waits for it: its own rejection must not end the program.
  promise.catch(() => undefined);
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop!);
  }
}

/** Waits before another attempt; throws the failure when time would be up by then. */
export async function pauseOrThrow(
  { backoff }: Transport,
  { leftMs, signal }: Deadline,
  attempts: number,
  { error, afterMs = 0 }: Failed,
): Promise<void> {
  // Added to what the service asks for, so that those it sends away do not all come back at once.
  const waitMs = afterMs + backoffMs(attempts, backoff.baseMs, backoff.maxMs, Math.random);
  if (waitMs >= leftMs()) throw error;
  await pause(waitMs, signal);
}

/** Resolves after a while; rejects with the signal's reason. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
  });
}
