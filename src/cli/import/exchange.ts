// Brings a batch to the service: again and again with the same lines, hence the same keys, until every item has its
// answer or time is up.
import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "../../domain/backoff.ts";
import { Failure } from "../failure.ts";
import { connectionReason, explain, readProblem, retryAfterMs } from "../service.ts";
import { type Answer, isForLater, readAnswers, reasonOf } from "./answer.ts";
import type { Item } from "./item.ts";
import { post, type Reply } from "./post.ts";

export interface ExchangeOptions {
  readonly url: string;
  /** How long to go on without any item being answered. */
  readonly retryForMs: number;
  readonly signal: AbortSignal;
  /** Called before each further attempt, with its reason. */
  readonly onRetry: (reason: string) => void;
  /** First delay between attempts; tests make it short. */
  readonly delayBaseMs?: number;
}

/** Called once per item, with its final answer: accepted, or refused for good. */
export type Settle = (item: Item, answer: Answer) => void;

/** What one attempt brought for the items that it left open. */
type Attempt =
  | { readonly sort: "settled" }
  | {
      readonly sort: "later";
      readonly open: readonly Item[];
      readonly reason: string;
      readonly afterMs?: number | undefined;
    }
  | { readonly sort: "refused"; readonly open: readonly Item[]; readonly answer: Answer };

const DELAY_BASE_MS = 100;
const DELAY_MAX_MS = 5_000;
/** A request that is not answered within this counts as lost. */
const ANSWER_TIMEOUT_MS = 60_000;

/** Sends items until each is settled, in order. Throws Failure when time is up, or the service is none of ours. */
export async function exchange(options: ExchangeOptions, items: readonly Item[], settle: Settle): Promise<void> {
  const { retryForMs, signal, onRetry, delayBaseMs = DELAY_BASE_MS } = options;
  let open = items;
  let failingSince: number | undefined;
  let attempts = 0;
  while (open.length > 0) {
    const attempt = await attemptOf(options, open, settle);
    if (attempt.sort === "settled") return;
    if (attempt.sort === "refused") return refused(options, attempt.open, attempt.answer, settle);
    const nowMs = performance.now();
    if (attempt.open.length < open.length || failingSince === undefined) {
      failingSince = nowMs;
      attempts = 0;
    }
    open = attempt.open;
    const leftMs = failingSince + retryForMs - nowMs;
    if (leftMs <= 0) throw timeUp(options, attempt.reason);
    onRetry(attempt.reason);
    const waitMs = attempt.afterMs ?? backoffMs(attempts++, delayBaseMs, DELAY_MAX_MS, Math.random);
    await delay(Math.min(waitMs, leftMs), undefined, { signal });
  }
}

/** The service refuses these items as a whole: alone, each can be told from the others. */
async function refused(options: ExchangeOptions, open: readonly Item[], answer: Answer, settle: Settle): Promise<void> {
  if (open.length === 1) return settle(open[0]!, answer);
  const middle = open.length >> 1;
  await exchange(options, open.slice(0, middle), settle);
  await exchange(options, open.slice(middle), settle);
}

async function attemptOf(options: ExchangeOptions, items: readonly Item[], settle: Settle): Promise<Attempt> {
  const { url, signal } = options;
  let reply: Reply;
  try {
    reply = await post(`${url}/v1/operations`, items.map(({ text }) => `${text}\n`).join(""), {
      contentType: "application/x-ndjson",
      timeoutMs: ANSWER_TIMEOUT_MS,
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    return { sort: "later", open: items, reason: connectionReason(error) };
  }
  return reply.status === 200 ? settleAll(items, readAnswers(reply.body), settle) : wholeReply(url, reply, items);
}

/** The request was answered as a whole, and not well. */
function wholeReply(url: string, { status, retryAfter, body }: Reply, open: readonly Item[]): Attempt {
  if (isForLater(status)) {
    const afterMs = retryAfterMs(retryAfter, Date.now());
    return { sort: "later", open, reason: `answer ${explain(status, body)}`, afterMs };
  }
  if (status === 400 || status === 413 || status === 422) {
    return { sort: "refused", open, answer: { status, problem: readProblem(body) } };
  }
  throw new Failure(`${url}/v1/operations answered ${explain(status, body)}`);
}

/** Settles what was answered for good. Items without an answer are open, and so are those that may be answered better. */
function settleAll(items: readonly Item[], answers: readonly Answer[], settle: Settle): Attempt {
  const last = answers.at(-1);
  // Fewer answers than items: the last one speaks for the rest, unless the connection was cut after it.
  const cut = answers.length < items.length && last !== undefined && last.problem !== undefined;
  const single = cut ? answers.length - 1 : Math.min(answers.length, items.length);
  const later: Item[] = [];
  let reason = "the answer was cut off";
  for (let i = 0; i < single; i++) {
    if (!isForLater(answers[i]!.status)) settle(items[i]!, answers[i]!);
    else {
      later.push(items[i]!);
      reason = `answer ${reasonOf(answers[i]!)}`;
    }
  }
  if (cut && !isForLater(last.status) && later.length === 0)
    return { sort: "refused", open: items.slice(single), answer: last };
  const open = [...later, ...items.slice(single)];
  return open.length === 0 ? { sort: "settled" } : { sort: "later", open, reason };
}

function timeUp({ url, retryForMs }: ExchangeOptions, reason: string): Failure {
  const seconds = Math.round(retryForMs / 1_000);
  return new Failure(
    `Gave up after ${seconds} s: ${url} accepts nothing (${reason}); see that it runs, then import again: what was accepted stays, and --resume goes on from there`,
  );
}
