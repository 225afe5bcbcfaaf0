// One call to a chat-completions endpoint: its attempts, within one deadline, and what each answer means.
import * as z from "zod";
import { backoffMs } from "../../domain/backoff.ts";
import { AppError } from "../../domain/errors.ts";
import { type RequestFetch, readText, words } from "../broker/proxy-call.ts";
import { limitedSender } from "./openai-limit.ts";

/** Where the endpoint is, and its bounds. */
export interface ChatOptions {
  readonly url: string;
  /** The model's name at the endpoint. */
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly fetch: RequestFetch;
  readonly timeoutMs: number;
  readonly attempts: number;
  /** Tokens that an answer may take. */
  readonly outputTokensMax: number;
  readonly answerBytesMax: number;
}

/** Model and bound are put into the request. `check` answers undefined to what is not to be believed. */
export type ChatCall = <Answer>(
  action: string,
  request: object,
  check: (value: unknown) => Answer | undefined,
  signal: AbortSignal | undefined,
) => Promise<Answer>;

/** `again`: whether another attempt makes sense, as often as there are attempts or once. */
interface Failure {
  readonly reason: string;
  readonly again: "always" | "once" | "never";
  readonly waitMs?: number;
  readonly cause?: unknown;
}

const BACKOFF_BASE_MS = 250;
const BACKOFF_MAX_MS = 5_000;
const ENVELOPE = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1) });

/** Calls an endpoint; the function it returns throws AppError `model_unavailable` alone, with no secret in its words. */
export function chatCaller(options: ChatOptions): ChatCall {
  const url = addressOf(options.url);
  const headers = headersOf(options.apiKey);
  const limited = limitedSender(url, options.model, options.outputTokensMax);

  const attempt = async <Answer>(
    asked: object,
    check: (value: unknown) => Answer | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly answer: Answer } | Failure> => {
    try {
      const response = await limited(async (limit) => {
        const body = JSON.stringify({ model: options.model, ...asked, ...limit });
        // A redirect would send the texts, and the key, to a host that nobody configured.
        return options.fetch(new Request(url, { method: "POST", headers, body, signal, redirect: "manual" }));
      });
      if (response.status !== 200) return refusal(response);
      const text = await readText(response, options.answerBytesMax);
      if (text === undefined) {
        return { reason: `the endpoint's answer is larger than ${options.answerBytesMax} bytes`, again: "never" };
      }
      const answer = check(contentOf(text));
      return answer === undefined
        ? { reason: "the endpoint's answer is not what was asked for", again: "once", waitMs: 0 }
        : { answer };
    } catch (cause) {
      return { reason: `no answer from the endpoint: ${words(cause)}`, again: "always", cause };
    }
  };

  const attemptAll = async <Answer>(
    action: string,
    deadline: Deadline,
    tryOnce: () => Promise<{ readonly answer: Answer } | Failure>,
  ): Promise<Answer> => {
    for (let attempts = 1, doubts = 0; ; attempts++) {
      const result = await Promise.race([tryOnce(), deadline.over]);
      if ("answer" in result) return result.answer;
      if (result.again === "once") doubts++;
      const again = result.again === "always" || (result.again === "once" && doubts === 1);
      const waitMs = result.waitMs ?? backoffMs(attempts, BACKOFF_BASE_MS, BACKOFF_MAX_MS, Math.random);
      if (deadline.reason() !== undefined || !again || attempts >= options.attempts || waitMs >= deadline.leftMs()) {
        const after = attempts === 1 ? "" : ` after ${attempts} attempts`;
        throw new AppError("model_unavailable", `Cannot ${action}: ${deadline.reason() ?? result.reason}${after}`, {
          cause: result.cause,
          ...(result.waitMs ? { retryAfterMs: result.waitMs } : {}),
        });
      }
      await pause(waitMs, deadline.signal);
    }
  };

  return async (action, request, check, signal) => {
    const deadline = deadlineOf(options.timeoutMs, signal);
    try {
      return await attemptAll(action, deadline, () => attempt(request, check, deadline.signal));
    } finally {
      deadline.release();
    }
  };
}

function addressOf(text: string): string {
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("The address of a text model must not hold a user or a password");
  }
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/chat/completions`;
  url.hash = "";
  return url.href;
}

function headersOf(apiKey: string | undefined): Record<string, string> {
  const headers = { "content-type": "application/json", accept: "application/json" };
  if (apiKey === undefined) return headers;
  // The platform's own complaint would repeat the key.
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new TypeError("The key of a text model must be visible ASCII characters");
  return { ...headers, authorization: `Bearer ${apiKey}` };
}

/** What an answer other than 200 means. Its body is not repeated: endpoints quote keys and texts in it. */
function refusal(response: Response): Failure {
  response.body?.cancel().catch(() => {});
  const reason = `the endpoint answered ${response.status}`;
  if (response.status !== 429 && response.status !== 503) return { reason, again: "never" };
  const waitMs = retryAfterMs(response.headers.get("retry-after"));
  return waitMs === undefined ? { reason, again: "always" } : { reason, again: "always", waitMs };
}

/** Seconds or a date; undefined when it is neither. */
function retryAfterMs(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1_000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - Date.now());
}

function contentOf(text: string): unknown {
  try {
    return JSON.parse(ENVELOPE.parse(JSON.parse(text)).choices[0]!.message.content);
  } catch {
    return undefined;
  }
}

/** Aborts at the deadline or with the caller; `over` settles then, also when what was called ignores its signal. */
interface Deadline {
  readonly signal: AbortSignal;
  readonly over: Promise<Failure>;
  /** Why it is over; undefined before. */
  reason(): string | undefined;
  leftMs(): number;
  release(): void;
}

function deadlineOf(ms: number, caller: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  const { signal } = controller;
  const startMs = performance.now();
  const late = `no answer within ${ms} ms`;
  const timer = setTimeout(() => controller.abort(new DOMException(late, "TimeoutError")), ms);
  const cancel = () => controller.abort(caller?.reason);
  caller?.addEventListener("abort", cancel, { once: true });
  const reason = () => (!signal.aborted ? undefined : caller?.aborted === true ? "cancelled" : late);
  const over = new Promise<Failure>((resolve) => {
    const settle = () => resolve({ reason: reason()!, again: "never", cause: signal.reason });
    signal.addEventListener("abort", settle, { once: true });
  });
  return {
    signal,
    over,
    reason,
    leftMs: () => ms - (performance.now() - startMs),
    release() {
      clearTimeout(timer);
      caller?.removeEventListener("abort", cancel);
    },
  };
}

/** Waits, but not beyond an abort. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
