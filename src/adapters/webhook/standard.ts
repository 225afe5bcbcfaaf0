// Webhooks over HTTP, signed as Standard Webhooks says: https://www.standardwebhooks.com
import { Webhook } from "standardwebhooks";
import type { Clock } from "../../ports/clock.ts";
import type { WebhookCall, WebhookResult, Webhooks } from "../../ports/webhook.ts";
import type { RequestFetch } from "../broker/proxy-call.ts";
import { readAnswer } from "./answer.ts";
import { isAddress, isPublicAddress } from "./public-address.ts";
import { addressProblem, isSecret, type WebhookTarget } from "./targets.ts";

/** Which webhooks there are, how to reach them, and the bounds of a call. */
export interface StandardWebhooksOptions {
  readonly targets: ReadonlyMap<string, WebhookTarget>;
  readonly fetch: RequestFetch;
  readonly clock: Clock;
  /** Of a whole call, from the look-up of the name to the last byte of the answer. Default 10,000. */
  readonly timeoutMs?: number;
  /** Bytes of an answer that are read. Default 65,536. */
  readonly answerBytesMax?: number;
  /** Allows http, and hosts that are not public. Default false. */
  readonly allowInsecure?: boolean;
  /**
   * Looks up all addresses of a name; each must be public. Without it only addresses and names that say of themselves
   * that they are near are refused. `fetch` looks the name up again: this catches a wrong entry, not a name server
   * that changes its answer in between.
   */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 65_536;
const CAUSES_MAX = 8;
/** Why nothing goes on after a call. Given, because making the usual exception each time costs as much as signing. */
const ENDED = new Error("The call is over");

interface Caller {
  readonly url: URL;
  readonly signer: Webhook;
}

/**
 * Signed webhooks. See the Webhooks port for what it promises. Reasons name neither addresses nor secrets. A target
 * that cannot be called (see `parseTargets`) fails every call.
 */
export function standardWebhooks(options: StandardWebhooksOptions): Webhooks {
  const { targets, fetch, clock, resolve, allowInsecure = false } = options;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const bytesMax = options.answerBytesMax ?? ANSWER_BYTES_MAX;
  const callers = new Map([...targets].map(([name, target]) => [name, callerOf(target, allowInsecure)]));

  const attempt = async ({ id, body, name }: WebhookCall, caller: Caller, signal: AbortSignal) => {
    const refused = allowInsecure || resolve === undefined ? undefined : await refusal(name, caller.url, resolve);
    if (refused !== undefined) return refused;
    if (signal.aborted) return failed(true, "cancelled before it was sent");
    const response = await fetch(signed(caller, id, JSON.stringify(body), clock.nowMs(), signal));
    return readAnswer(response, { bytesMax, nowMs: clock.nowMs(), signal });
  };
  return {
    names: new Set(targets.keys()),
    async call(call) {
      const caller = callers.get(call.name);
      if (caller === undefined) return failed(false, "no webhook of this name is configured");
      if (typeof caller === "string") return failed(false, `webhook "${call.name}" ${caller}`);
      // Headers would trim, change or refuse anything else, and the signature is over the id as it is.
      if (!/^[\x21-\x7e]+$/.test(call.id)) return failed(false, "the operation's id does not fit a header");
      return within(timeoutMs, call.signal, (signal) => attempt(call, caller, signal));
    },
  };
}

/** What calls a target, or why nothing can. */
function callerOf({ url, secret }: WebhookTarget, allowInsecure: boolean): Caller | string {
  const problem = addressProblem(url, allowInsecure);
  if (problem !== undefined) return problem;
  return isSecret(secret) ? { url: new URL(url), signer: new Webhook(secret) } : "must have a Standard Webhooks secret";
}

/** Why the addresses that a name leads to must not be called. */
async function refusal(
  name: string,
  { hostname }: URL,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<WebhookResult | undefined> {
  if (isAddress(hostname)) return undefined;
  const addresses = await resolve(hostname);
  if (addresses.length === 0) return failed(true, `the host of webhook "${name}" has no address`);
  if (addresses.every(isPublicAddress)) return undefined;
  return failed(false, `the host of webhook "${name}" has an address that is not public`);
}

function signed({ url, signer }: Caller, id: string, body: string, nowMs: number, signal: AbortSignal): Request {
  return new Request(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(nowMs / 1_000)),
      "webhook-signature": signer.sign(id, new Date(nowMs), body),
    },
    body,
    signal,
    // A redirect would take the call to a host that nobody configured.
    redirect: "manual",
  });
}

/** Settles with `work`, with the deadline or with the caller's signal, whichever is first; then nothing goes on. */
async function within(
  ms: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<WebhookResult>,
): Promise<WebhookResult> {
  if (outer?.aborted === true) return failed(true, "cancelled before it was sent");
  const controller = new AbortController();
  const ended = Promise.withResolvers<WebhookResult>();
  const timer = setTimeout(() => ended.resolve(failed(true, `no answer within ${ms} ms`)), ms);
  const cancel = (): void => ended.resolve(failed(true, "cancelled"));
  outer?.addEventListener("abort", cancel, { once: true });
  const working = work(controller.signal).catch((error: unknown) => failed(true, `no answer: ${codeOf(error)}`));
  try {
    return await Promise.race([working, ended.promise]);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", cancel);
    controller.abort(ENDED);
  }
}

/** The innermost code of an error, or its name: messages may hold the whole address. */
function codeOf(error: unknown, depth = 0): string {
  if (typeof error !== "object" || error === null || depth > CAUSES_MAX) return "unknown error";
  const { cause, code, errors } = error as { cause?: unknown; code?: unknown; errors?: readonly unknown[] };
  const inner = cause ?? errors?.[0];
  if (inner !== undefined && inner !== error) return codeOf(inner, depth + 1);
  if (typeof code === "string" && /^[A-Z][A-Z0-9_]*$/.test(code)) return code;
  return error instanceof Error && /^[A-Za-z]{1,40}$/.test(error.name) ? error.name : "unknown error";
}

function failed(retryable: boolean, reason: string): WebhookResult {
  return { status: "failed", retryable, reason };
}
