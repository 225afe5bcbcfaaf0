// Brings a batch to the service: again and again with the same lines, hence the same keys, until every item has its
// answer or time is up.
import { setTimeout as delay } from "node:timers/promises";
import { readProblem } from "../../client/answers.ts";
import { sortAnswers } from "../../client/batch.ts";
import { isForLater } from "../../client/error.ts";
import { retryAfterMs } from "../../client/retry-after.ts";
import { backoffMs } from "../../domain/backoff.ts";
import { Failure } from "../failure.ts";
import { authorization, connectionReason, explain } from "../service.ts";
import { type Answer, readAnswers, reasonOf } from "./answer.ts";
import { post, type Reply } from "./post.ts";

/** What is sent: one line of the request, which is the same in every attempt. */
export interface Sendable {
  readonly text: string;
}

export interface ExchangeOptions {
  readonly url: string;
  readonly apiKey?: string | undefined;
  /** How long to go on without any item being answered. */
  readonly retryForMs: number;
  readonly signal: AbortSignal;
  /** Called before each further attempt, with its reason. */
  readonly onRetry: (reason: string) => void;
  /** First delay between attempts; tests make it short. */
  readonly delayBaseMs?: number;
  /** What to do when time is up. */
  readonly advice?: string;
}

/** Called once per item, with its final answer: accepted, or refused for good. */
export type Settle<Item extends Sendable> = (item: Item, answer: Answer) => void;

/** What one attempt brought for the items that it left open. */
type Attempt<Item extends Sendable> =
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
export async function exchange<Item extends Sendable>(
  options: ExchangeOptions,
  items: readonly Item[],
  settle: Settle<Item>,
): Promise<void> {
  const { retryForMs, signal, onRetry, delayBaseMs = DELAY_BASE_MS } = options;
  let open = items;
  let failingSince: number | undefined;
  let attempts = 0;
  while (open.length > 0) {
    const attempt = await attemptOf(options, open, settle);
    if (attempt.sort === "settled") return;
    if (attempt.sort === "refused") {
      if (attempt.open.length === open.length) return refused(options, open, attempt.answer, settle);
      open = attempt.open;
      continue;
    }
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
async function refused<Item extends Sendable>(
  options: ExchangeOptions,
  open: readonly Item[],
  answer: Answer,
  settle: Settle<Item>,
): Promise<void> {
  if (open.length === 1) return settle(open[0]!, answer);
  const middle = open.length >> 1;
  await exchange(options, open.slice(0, middle), settle);
  await exchange(options, open.slice(middle), settle);
}

async function attemptOf<Item extends Sendable>(
  options: ExchangeOptions,
  items: readonly Item[],
  settle: Settle<Item>,
): Promise<Attempt<Item>> {
  const { url, apiKey, signal } = options;
  let reply: Reply;
  try {
    reply = await post(`${url}/v1/operations`, items.map(({ text }) => `${text}\n`).join(""), {
      headers: { "content-type": "application/x-ndjson", ...authorization(apiKey) },
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
function wholeReply<Item extends Sendable>(
  url: string,
  { status, retryAfter, body }: Reply,
  open: readonly Item[],
): Attempt<Item> {
  if (isForLater(status)) {
    const afterMs = retryAfterMs(retryAfter, Date.now());
    return { sort: "later", open, reason: `answer ${explain(status, body)}`, afterMs };
  }
  if (status === 400 || status === 413 || status === 422) {
    return { sort: "refused", open, answer: { status, problem: readProblem(body) } };
  }
  throw new Failure(`${url}/v1/operations answered ${explain(status, body)}`);
}

/** What the answers to a batch mean for what is still open, in words. */
function settleAll<Item extends Sendable>(
  items: readonly Item[],
  answers: readonly Answer[],
  settle: Settle<Item>,
): Attempt<Item> {
  const sorted = sortAnswers(items, answers, settle);
  if (sorted.sort !== "later") return sorted;
  const { open, answer } = sorted;
  return {
    sort: "later",
    open,
    reason: answer === undefined ? "the answer was cut off" : `answer ${reasonOf(answer)}`,
  };
}

const IMPORT_AGAIN = "see that it runs, then import again: what was accepted stays, and --resume goes on from there";

function timeUp({ url, retryForMs, advice = IMPORT_AGAIN }: ExchangeOptions, reason: string): Failure {
  const seconds = Math.round(retryForMs / 1_000);
  return new Failure(`Gave up after ${seconds} s: ${url} accepts nothing (${reason}); ${advice}`);
}
