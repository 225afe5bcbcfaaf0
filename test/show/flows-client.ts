// The client of the show: sends the steps of a scenario in batches, waits for rest where a step asks for it, and keeps
// what it was answered.
import { appendFileSync } from "node:fs";
import { waitFor } from "../support/tidegate-process.ts";
import type { Item, Step } from "./flows-scenario.ts";
import { readCheck } from "./stage.ts";

/** An operation as it was accepted. */
export interface Accepted {
  readonly id: string;
  readonly flow: string;
  readonly type: string;
  readonly path: "kafka" | "direct" | "fallback";
  readonly entity: { readonly kind: string; readonly id: string };
}

/** Called before each batch with the share of the step's operations that were sent. */
export type BeforeBatch = (step: string, share: number) => Promise<void> | void;

interface Status {
  readonly state: "pending" | "parked" | "applied" | "superseded" | "discarded";
  readonly result?: { readonly items: readonly { readonly id: string }[] };
}

const BATCH_ITEMS = 100;
/** As a client does that has lost an answer. */
const SENT_TWICE_EVERY = 5;
const STATUSES_MAX = 1_000;
const REQUEST_MS = 60_000;
const REST_MS = 120_000;

/** Sends a scenario; answers what was accepted, in order. Ids go to the file as they are answered. */
export async function sendScenario(
  url: string,
  steps: readonly Step[],
  acceptedFile: string,
  beforeBatch: BeforeBatch = () => undefined,
): Promise<Accepted[]> {
  const accepted: Accepted[] = [];
  let settled = 0;
  let batches = 0;
  for (const { name, rest, items } of steps) {
    if (rest) {
      await waitForOutcomes(
        url,
        accepted.slice(settled).map(({ id }) => id),
      );
      settled = accepted.length;
    }
    for (let from = 0; from < items.length; from += BATCH_ITEMS) {
      await beforeBatch(name, from / items.length);
      const batch = items.slice(from, from + BATCH_ITEMS);
      const answers = await send(url, batch);
      if (++batches % SENT_TWICE_EVERY === 0) assertSame(answers, await send(url, batch));
      appendFileSync(acceptedFile, answers.map(({ id, flow }) => `${JSON.stringify({ id, flow })}\n`).join(""));
      accepted.push(...answers);
    }
  }
  await waitForOutcomes(
    url,
    accepted.slice(settled).map(({ id }) => id),
  );
  return accepted;
}

async function send(url: string, items: readonly Item[]): Promise<Accepted[]> {
  const answers = (await post(`${url}/v1/operations`, items)) as (Accepted & { status: number })[];
  for (const [i, answer] of answers.entries()) {
    const { flow, type } = items[i]!;
    if (answer.status >= 300) throw new Error(`${flow}.${type} was answered ${JSON.stringify(answer)}`);
  }
  return answers;
}

function assertSame(first: readonly Accepted[], second: readonly Accepted[]): void {
  const other = first.find(({ id }, i) => second[i]?.id !== id);
  if (other !== undefined)
    throw new Error(`${other.flow}.${other.type} sent again under its key became another operation`);
}

/**
 * Rest as a client can know it, also while Kafka is down: each operation has its outcome, and no sweep is still to be
 * done. What prepared work reads is there then.
 */
async function waitForOutcomes(url: string, ids: readonly string[]): Promise<void> {
  let pending = ids;
  await waitFor(`${ids.length} outcomes at ${url}`, REST_MS, async () => {
    const statuses = await readStatuses(url, pending);
    const odd = statuses.find(({ state }) => state === "parked" || state === "discarded");
    if (odd !== undefined) throw new Error(`An operation was not applied: ${JSON.stringify(odd)}`);
    pending = pending.filter((_, i) => statuses[i]!.state === "pending");
    return pending.length === 0 && (await readCheck(url)).sweeps === 0;
  });
}

/**
 * What the queries found, as ids, in the order of the operations: the same on every path when the graph was. Memories
 * are told apart by when they were made, so their order is that of two runs only by luck.
 */
export async function readFound(url: string, accepted: readonly Accepted[]): Promise<string[]> {
  const queries = accepted.filter(({ type }) => type === "query");
  const statuses = await readStatuses(
    url,
    queries.map(({ id }) => id),
  );
  return statuses.map(({ result }, i) => {
    const { flow } = queries[i]!;
    const ids = result?.items.map(({ id }) => id) ?? [];
    return [flow, ...(flow === "memory" ? ids.sort() : ids)].join(" ");
  });
}

async function readStatuses(url: string, ids: readonly string[]): Promise<Status[]> {
  const statuses: Status[] = [];
  for (let from = 0; from < ids.length; from += STATUSES_MAX) {
    const page = (await post(
      `${url}/v1/operations/statuses`,
      ids.slice(from, from + STATUSES_MAX),
    )) as (Status | null)[];
    const lost = page.indexOf(null);
    if (lost !== -1) throw new Error(`${url} does not know operation ${ids[from + lost]}`);
    statuses.push(...(page as Status[]));
  }
  return statuses;
}

async function post(url: string, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
