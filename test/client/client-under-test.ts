// A client whose service is in this process, and what tests of it share.
import { expect } from "vitest";
import { type Client, createClient, TidegateError } from "../../src/client/index.ts";
import type { startService } from "../support/service.ts";

export const URL_OF_TESTS = "http://tidegate.test";
export const BACKOFF = { baseMs: 1, maxMs: 5 };

export type Service = Awaited<ReturnType<typeof startService>>;

/** A client whose requests go straight into a service. */
export function clientOf(service: Service, options: Partial<Parameters<typeof createClient>[0]> = {}): Client {
  const send = async (url: string, init: RequestInit): Promise<Response> =>
    service.app.request(url.slice(URL_OF_TESTS.length), init);
  return createClient({ url: URL_OF_TESTS, fetch: send, backoff: BACKOFF, ...options });
}

export const memory = { user: "ada", content: "The tide turns every six hours" };

/** What a call that has to fail failed with. */
export async function failureOf(promise: Promise<unknown>): Promise<TidegateError> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(TidegateError);
  return error;
}
