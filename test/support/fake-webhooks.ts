// Webhooks in memory that answer by a script and remember every call.
import type { Json } from "../../src/domain/json.ts";
import type { WebhookCall, WebhookResult, Webhooks } from "../../src/ports/webhook.ts";

/** What a webhook does with a call; `attempt` is 1 for the first call with its id. A rejection is a lost connection. */
export type WebhookScript = (call: WebhookCall, attempt: number) => WebhookResult | Promise<WebhookResult>;

/** Webhooks and what reached them. */
export interface FakeWebhooks extends Webhooks {
  /** Calls that were sent, in order. */
  readonly calls: readonly WebhookCall[];
  /** How many calls carried this id. */
  count(id: string): number;
}

/** Webhooks by name; what does not settle within `timeoutMs` fails. */
export function fakeWebhooks(scripts: Readonly<Record<string, WebhookScript>>, timeoutMs = 10_000): FakeWebhooks {
  const byName = new Map(Object.entries(scripts));
  const calls: WebhookCall[] = [];
  const count = (id: string): number => calls.filter((call) => call.id === id).length;
  return {
    names: new Set(byName.keys()),
    calls,
    count,
    async call(call) {
      const script = byName.get(call.name);
      if (script === undefined) return failing(false, "no webhook of this name is configured");
      if (call.signal?.aborted === true) return failing(true, "cancelled before it was sent");
      calls.push(call);
      const ended = Promise.withResolvers<WebhookResult>();
      const timer = setTimeout(() => ended.resolve(failing(true, `no answer within ${timeoutMs} ms`)), timeoutMs);
      call.signal?.addEventListener("abort", () => ended.resolve(failing(true, "cancelled")), { once: true });
      const run = async (): Promise<WebhookResult> => script(call, count(call.id));
      const working = run().catch((error: unknown) => failing(true, `no answer: ${String(error)}`));
      return Promise.race([working, ended.promise]).finally(() => clearTimeout(timer));
    },
  };
}

/** Answers 200 with a body. */
export const answering =
  (body: Json, code = 200): WebhookScript =>
  () => ({ status: "answered", code, body });

/** Refuses with a status; another attempt may succeed after 408, 425, 429 and 5xx. */
export const refusing =
  (code: number, retryAfterMs?: number): WebhookScript =>
  () => ({
    ...failing(code >= 500 || [408, 425, 429].includes(code), `the receiver answered ${code}`),
    code,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

/** Never settles. */
export const hanging: WebhookScript = () => new Promise<never>(() => {});

/** One script per attempt; the last one stays. */
export const inTurn =
  (...scripts: readonly [WebhookScript, ...WebhookScript[]]): WebhookScript =>
  (call, attempt) =>
    (scripts[attempt - 1] ?? scripts.at(-1)!)(call, attempt);

function failing(retryable: boolean, reason: string): Extract<WebhookResult, { status: "failed" }> {
  return { status: "failed", retryable, reason };
}
