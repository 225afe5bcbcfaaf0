// Webhooks that actions call, by configured name only. The contract is in these comments; test/contract/webhook.ts holds
// adapters to it.
import type { Json } from "../domain/json.ts";

/** One signed call. */
export interface WebhookCall {
  /** A configured name; never an address. */
  readonly name: string;
  /** The operation's id: the receiver's idempotency key, the same for every attempt. */
  readonly id: string;
  readonly body: Json;
  readonly signal?: AbortSignal;
}

/**
 * What came of a call. `answered`: a 2xx, `body` null when it had none (or 202 said: later). `failed`: with `retryable`
 * another attempt may succeed, `retryAfterMs` when the receiver said when.
 */
export type WebhookResult =
  | { readonly status: "answered"; readonly code: number; readonly body: Json }
  | {
      readonly status: "failed";
      readonly retryable: boolean;
      readonly reason: string;
      readonly code?: number;
      readonly retryAfterMs?: number;
    };

/** Calls webhooks. Never throws; settles at its own deadline; reads a bounded answer; follows no redirect. */
export interface Webhooks {
  /** The configured names. */
  readonly names: ReadonlySet<string>;
  call(call: WebhookCall): Promise<WebhookResult>;
}
