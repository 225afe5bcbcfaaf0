// Submitting operations: one, or many in batches. Every one has an idempotency key, so that trying again does nothing twice.
import { type Answer, type Problem, type Refused, readProblem } from "./answers.ts";
import { sortAnswers } from "./batch.ts";
import {
  attempt,
  begin,
  type CallOptions,
  call,
  callJson,
  type Deadline,
  Failed,
  parseReply,
  pauseOrThrow,
  type Transport,
} from "./call.ts";
import { refusal, TidegateError } from "./error.ts";
import type { DataOf, FlowList, FlowName, Item, TypeName } from "./typed.ts";

/** How an operation is submitted. */
export interface SubmitOptions extends CallOptions {
  /** Idempotency key: sending the same again under it changes nothing. The client makes one where there is none. */
  readonly key?: string | undefined;
  /** A stamp that the operation comes after; by default the greatest that this client has seen, null for none. */
  readonly after?: string | null | undefined;
  /** How long to wait for the outcome, 30 seconds at most; without it the answer comes as soon as it is accepted. */
  readonly waitMs?: number | undefined;
  /** Counts where the flow is partitioned by request. */
  readonly partitionKey?: string | undefined;
}

/** How many operations are submitted. */
export interface SubmitManyOptions extends CallOptions {
  /** A stamp that all of them come after; by default the greatest that this client has seen, null for none. */
  readonly after?: string | null | undefined;
}

/** The submissions of a client. */
export interface Submits<Flows extends FlowList> {
  /**
   * Submits one operation. An answer means that it is accepted: it will have its one outcome, or has it. Throws
   * TidegateError; its `key` lets the same operation be submitted again without doing anything twice.
   *
   * @example
   * ```ts
   * const { id } = await client.submit("memory", "create", { user: "ada", content: "The tide turns every six hours" });
   * ```
   */
  submit<Name extends FlowName<Flows>, Type extends TypeName<Flows, Name>>(
    flow: Name,
    type: Type,
    data: DataOf<Flows, Name, Type>,
    options?: SubmitOptions,
  ): Promise<Answer>;
  /**
   * Submits many operations in batches, one after the other, and answers each, in order. Their order among each other is
   * that of the list. `deadlineMs` bounds each batch. Throws TidegateError when a batch finds no answer in time; the keys of
   * the items that the caller gave let all be submitted again.
   *
   * @example
   * ```ts
   * const answers = await client.submitMany([
   *   { flow: "session", type: "create", data: { id: "tides", user: "ada" } },
   *   { flow: "chat-messages", type: "create", data: { session: "tides", user: "ada", content: "When is high tide?" } },
   * ]);
   * const refused = answers.filter((answer) => "problem" in answer);
   * ```
   */
  submitMany(items: readonly Item<Flows>[], options?: SubmitManyOptions): Promise<(Answer | Refused)[]>;
}

/** The greatest stamp a client has seen. */
export interface Seen {
  readonly stamp: string | undefined;
  see(stamp: string | undefined): void;
}

const WAIT_SECONDS_MAX = 30;

/** The submissions over a transport. */
export function createSubmits<Flows extends FlowList>(transport: Transport, seen: Seen): Submits<Flows> {
  return {
    async submit(flow, type, data, { key = newKey(), waitMs = 0, partitionKey, after = seen.stamp, ...options } = {}) {
      const seconds = Math.min(WAIT_SECONDS_MAX, Math.ceil(waitMs / 1_000));
      const headers = {
        "content-type": "application/json",
        "idempotency-key": key,
        ...afterHeader(after),
        ...(partitionKey === undefined ? {} : { "tidegate-partition-key": partitionKey }),
        ...(seconds === 0 ? {} : { prefer: `wait=${seconds}` }),
      };
      const path = `/v1/${encodeURIComponent(flow)}/${encodeURIComponent(type)}`;
      const request = {
        method: "POST",
        path,
        headers,
        body: JSON.stringify(data),
        key,
        waitMs: seconds * 1_000,
      } as const;
      const reply = await call(transport, request, options);
      const answer = { ...parseReply<Answer>(request, reply), status: reply.status } as Answer;
      seen.see(answer.stamp);
      return answer;
    },
    async submitMany(items, { after, ...options } = {}) {
      const answers: (Answer | Refused)[] = [];
      const order = createOrder(seen, after);
      for (const batch of batchesOf(items.map(toLine))) {
        answers.push(...(await submitBatch(transport, batch, order, options)));
      }
      return answers;
    },
  };
}

const afterHeader = (after: string | null | undefined): { readonly "tidegate-after"?: string } =>
  after === undefined || after === null ? {} : { "tidegate-after": after };

/** A key that nobody else has. Not `randomUUID`, which browsers keep from pages over plain http. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One line of a batch, the same in every attempt. */
interface Line {
  readonly text: string;
  readonly bytes: number;
}

const encoder = new TextEncoder();

function toLine<Flows extends FlowList>(item: Item<Flows>): Line {
  const text = `${JSON.stringify({ ...item, key: item.key ?? newKey() })}\n`;
  return { text, bytes: encoder.encode(text).byteLength };
}

const BATCH_ITEMS_MAX = 500;
const BATCH_BYTES_MAX = 1_048_576;

function* batchesOf(lines: readonly Line[]): Generator<readonly Line[]> {
  let batch: Line[] = [];
  let bytes = 0;
  for (const line of lines) {
    if (batch.length === BATCH_ITEMS_MAX || (batch.length > 0 && bytes + line.bytes > BATCH_BYTES_MAX)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(line);
    bytes += line.bytes;
  }
  if (batch.length > 0) yield batch;
}

/** What batches and their parts come after: what is sent later comes after what was answered, whichever instance takes it. */
interface Order {
  headers(): { readonly "tidegate-after"?: string };
  see(answer: Answer | Refused): void;
}

function createOrder(seen: Seen, given: string | null | undefined): Order {
  let after = given === undefined ? seen.stamp : given;
  return {
    headers: () => afterHeader(after),
    see(answer) {
      if (!("stamp" in answer)) return;
      seen.see(answer.stamp);
      if (after !== null && (after === undefined || answer.stamp > after)) after = answer.stamp;
    },
  };
}

/** Sends lines, again and again those that are open, until each has its answer. */
async function submitBatch(
  transport: Transport,
  lines: readonly Line[],
  order: Order,
  options: CallOptions,
): Promise<(Answer | Refused)[]> {
  const answers = new Map<Line, Answer | Refused>();
  await settle(transport, lines, order, begin(transport, options), answers);
  return lines.map((line) => answers.get(line)!);
}

async function settle(
  transport: Transport,
  lines: readonly Line[],
  order: Order,
  deadline: Deadline,
  answers: Map<Line, Answer | Refused>,
): Promise<void> {
  let open = lines;
  for (let attempts = 0; open.length > 0; attempts++) {
    const sent = await attemptBatch(transport, open, order, deadline);
    if ("refused" in sent) return halves(transport, open, order, deadline, answers, sent.refused);
    if (sent instanceof Failed) {
      await pauseOrThrow(transport, deadline, attempts, sent);
      continue;
    }
    const sorted = sortAnswers(open, sent.answers, (line, answer) => {
      answers.set(line, answer);
      order.see(answer);
    });
    if (sorted.sort === "settled") return;
    if (sorted.sort === "refused" && sorted.open.length === open.length) {
      return halves(transport, open, order, deadline, answers, sorted.answer as Refused);
    }
    open = sorted.open;
    if (sorted.sort === "later")
      await pauseOrThrow(transport, deadline, attempts, new Failed(openError(sorted.answer)));
  }
}

type Sent = Failed | { readonly answers: readonly (Answer | Refused)[] } | { readonly refused: Refused };

async function attemptBatch(
  transport: Transport,
  lines: readonly Line[],
  order: Order,
  deadline: Deadline,
): Promise<Sent> {
  const body = lines.map(({ text }) => text).join("");
  const all = { "content-type": "application/x-ndjson", ...order.headers() };
  try {
    const reply = await attempt(transport, { method: "POST", path: "/v1/operations", headers: all, body }, deadline);
    return reply instanceof Failed ? reply : { answers: readAnswers(reply.text) };
  } catch (error) {
    // What is refused as a whole may hold one item that deserves it.
    if (!(error instanceof TidegateError) || ![400, 413, 422].includes(error.status ?? 0)) throw error;
    return { refused: { status: error.status!, problem: error.problem } };
  }
}

/** Alone, each item can be told from the others. */
async function halves(
  transport: Transport,
  lines: readonly Line[],
  order: Order,
  deadline: Deadline,
  answers: Map<Line, Answer | Refused>,
  refused: Refused,
): Promise<void> {
  if (lines.length === 1) {
    answers.set(lines[0]!, refused);
    return;
  }
  const middle = lines.length >> 1;
  await settle(transport, lines.slice(0, middle), order, deadline, answers);
  await settle(transport, lines.slice(middle), order, deadline, answers);
}

/** Lines that can be read; what follows one that was cut off has no answer. */
function readAnswers(text: string): (Answer | Refused)[] {
  const answers: (Answer | Refused)[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const answer = readProblem(line) as unknown as Partial<Answer | Refused>;
    if (answer.status === undefined) return answers;
    answers.push(answer as Answer | Refused);
  }
  return answers;
}

function openError(answer: Answer | Refused | undefined): TidegateError {
  const problem: Problem = answer !== undefined && "problem" in answer ? answer.problem : {};
  if (answer !== undefined) return refusal(answer.status, problem, undefined);
  return new TidegateError("unreachable", "The answer to a batch was cut off", { retryable: true });
}

/** Fates of operations by their ids, in order; null for an id that the service never gave to this tenant. */
export function statusesOf<Status>(
  transport: Transport,
  ids: readonly string[],
  options?: CallOptions,
): Promise<(Status | null)[]> {
  const headers = { "content-type": "application/json" };
  const request = { method: "POST", path: "/v1/operations/statuses", headers, body: JSON.stringify(ids) } as const;
  return callJson(transport, request, options);
}
