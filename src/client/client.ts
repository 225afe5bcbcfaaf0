// The client of a Tidegate service.
import type { Flows as ProductFlows } from "../flows/index.ts";
import type { OperationStatus } from "./answers.ts";
import { begin, type CallOptions, callJson, pause, type Send, type Transport } from "./call.ts";
import { TidegateError } from "./error.ts";
import { createReads, type Reads } from "./reads.ts";
import { createSubmits, type Seen, type Submits, statusesOf } from "./submit.ts";
import type { FlowList } from "./typed.ts";
import { type WatchAllOptions, type WatchedOperation, watch, watchAll } from "./watch.ts";

/** Where the service is, and how patient the client is. */
export interface ClientOptions {
  /** The service's address, for example `http://127.0.0.1:8787`. */
  readonly url: string;
  /** API key, where the service has keys. */
  readonly apiKey?: string | undefined;
  /** What sends requests; the platform's fetch by default. A service binding of a Worker goes here. */
  readonly fetch?: Send | undefined;
  /** How long a call may take, all its attempts together. Default 60 seconds. */
  readonly deadlineMs?: number | undefined;
  /** How long one attempt may take, beyond what the service is asked to wait. Default 15 seconds. */
  readonly attemptMs?: number | undefined;
  /** Delays between attempts, with jitter: from `baseMs`, doubled each time, up to `maxMs`. Default 100 ms to 5 seconds. */
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number } | undefined;
  /** The greatest stamp that an earlier client has seen: what this one submits comes after it. */
  readonly after?: string | undefined;
}

/**
 * A client. Calls are tried again, under the same idempotency key, when the service is not reached, is busy (429) or fails
 * (5xx), until it answers for good or time is up; then they throw TidegateError. What it submits comes after all that it
 * has seen, whatever the clocks of the service's parts say.
 */
export interface Client<Flows extends FlowList = ProductFlows> extends Submits<Flows>, Reads<Flows> {
  /** The greatest stamp seen so far; hand it on to have others come after it. */
  readonly after: string | undefined;
  /** What became of an operation; throws `not_found` for an id that the service never gave out. */
  operation(id: string, options?: CallOptions): Promise<OperationStatus>;
  /** The same of many, in order; null for an id that the service never gave out. */
  statuses(ids: readonly string[], options?: CallOptions): Promise<(OperationStatus | null)[]>;
  /**
   * Waits until an operation is no longer `pending`; throws `deadline_exceeded` when that takes longer than the call may.
   *
   * @example
   * ```ts
   * const { id } = await client.submit("summarization", "generate", { session: "tides" });
   * const { state } = await client.settled(id, { deadlineMs: 30_000 });
   * ```
   */
  settled(id: string, options?: CallOptions): Promise<OperationStatus>;
  /** The life of an operation as it happens, to the end. */
  watch(id: string, options?: CallOptions): AsyncGenerator<OperationStatus>;
  /** All operations as they get their outcome; it has no end, but a signal can give it one. */
  watchAll(options?: WatchAllOptions): AsyncGenerator<WatchedOperation>;
}

const STATUS_IDS_MAX = 1_000;
/** How often a wait looks again: soon at first, ever less often. */
const LOOK_MS = [20, 50, 100, 200, 500, 1_000];

/**
 * A client of the service at an address. With flows of one's own, `createClient<typeof flows>` knows their data.
 *
 * @example
 * ```ts
 * const client = createClient({ url: "http://127.0.0.1:8787" });
 * await client.submit("session", "create", { id: "tides", user: "ada", title: "The tides" });
 * const said = await client.submit("chat-messages", "create", {
 *   session: "tides",
 *   user: "ada",
 *   content: "When does the tide turn in Lisbon?",
 * });
 * for await (const { content } of client.messages("tides", { after: said })) console.log(content);
 * ```
 */
export function createClient<Flows extends FlowList = ProductFlows>(options: ClientOptions): Client<Flows> {
  const transport = transportOf(options);
  let greatest = options.after;
  const seen: Seen = {
    get stamp() {
      return greatest;
    },
    see(stamp) {
      if (stamp !== undefined && (greatest === undefined || stamp > greatest)) greatest = stamp;
    },
  };
  const operation = async (id: string, bounds?: CallOptions): Promise<OperationStatus> => {
    const path = `/v1/operations/${encodeURIComponent(id)}`;
    const status = await callJson<OperationStatus>(transport, { method: "GET", path }, bounds);
    seen.see(status.stamp);
    return status;
  };
  return {
    ...createSubmits<Flows>(transport, seen),
    ...createReads<Flows>(transport),
    get after() {
      return seen.stamp;
    },
    operation,
    async statuses(ids, bounds) {
      const statuses: (OperationStatus | null)[] = [];
      for (let i = 0; i < ids.length; i += STATUS_IDS_MAX) {
        statuses.push(...(await statusesOf<OperationStatus>(transport, ids.slice(i, i + STATUS_IDS_MAX), bounds)));
      }
      for (const status of statuses) seen.see(status?.stamp);
      return statuses;
    },
    async settled(id, bounds = {}) {
      const { leftMs, signal } = begin(transport, bounds);
      for (let looks = 0; ; looks++) {
        const status = await operation(id, { ...bounds, deadlineMs: leftMs() });
        if (status.state !== "pending") return status;
        const lookMs = LOOK_MS[Math.min(looks, LOOK_MS.length - 1)]!;
        if (lookMs >= leftMs()) {
          throw new TidegateError("deadline_exceeded", `Operation ${id} is still pending`, { retryable: true });
        }
        await pause(lookMs, signal);
      }
    },
    watch: (id, bounds) => seenBy(watch(transport, id, bounds), (status) => seen.see(status.stamp)),
    watchAll: (bounds) => seenBy(watchAll(transport, bounds), ({ status }) => seen.see(status.stamp)),
  };
}

async function* seenBy<Item>(items: AsyncGenerator<Item>, see: (item: Item) => void): AsyncGenerator<Item> {
  for await (const item of items) {
    see(item);
    yield item;
  }
}

function transportOf(options: ClientOptions): Transport {
  const { url, apiKey, deadlineMs = 60_000, attemptMs = 15_000, backoff = { baseMs: 100, maxMs: 5_000 } } = options;
  if (!/^https?:/.test(url) || !URL.canParse(url)) {
    throw new TypeError(`Cannot use the address ${JSON.stringify(url)}: give one like http://127.0.0.1:8787`);
  }
  // Called as a function of its own: browsers refuse a fetch that is a member of something else.
  const send: Send = options.fetch ?? ((address, init) => fetch(address, init));
  return { url: url.replace(/\/+$/, ""), apiKey, send, deadlineMs, attemptMs, backoff };
}
