// Requests to the service that are made again while it is busy or away, for a bounded time.
import { setTimeout as delay } from "node:timers/promises";
import { isForLater } from "../../client/error.ts";
import { backoffMs } from "../../domain/backoff.ts";
import { askJson, Refusal, type ServiceRequest } from "../service.ts";

export interface PatienceOptions {
  readonly url: string;
  readonly apiKey?: string | undefined;
  /** How long to go on with one request that is not answered well. */
  readonly retryForMs: number;
  /** First delay between attempts; tests make it short. */
  readonly delayBaseMs?: number;
}

/** Asks the service; throws the last failure. */
export type Ask = <Body>(path: string, request?: ServiceRequest) => Promise<Body>;

const DELAY_BASE_MS = 100;
const DELAY_MAX_MS = 5_000;

/** Asks again after 429 and 5xx; every other failure is final. Safe for what may be asked twice. */
export function patiently({ url, apiKey, retryForMs, delayBaseMs = DELAY_BASE_MS }: PatienceOptions): Ask {
  return async <Body>(path: string, request?: ServiceRequest) => {
    const until = performance.now() + retryForMs;
    for (let attempts = 0; ; attempts++) {
      try {
        return await askJson<Body>(url, path, { apiKey, ...request });
      } catch (error) {
        const leftMs = until - performance.now();
        if (!(error instanceof Refusal) || !isForLater(error.status) || leftMs <= 0) throw error;
        const waitMs = error.retryAfterMs ?? backoffMs(attempts, delayBaseMs, DELAY_MAX_MS, Math.random);
        await delay(Math.min(waitMs, leftMs));
      }
    }
  };
}
