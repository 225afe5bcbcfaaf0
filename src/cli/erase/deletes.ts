// Deletes as ordinary operations. A key is made of what is deleted and the round, so that whatever is repeated is the
// same operation. A later round is needed for what was created again after an earlier erasure: its key is spent.
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "../../domain/backoff.ts";
import { Failure } from "../failure.ts";
import { isAccepted, reasonOf } from "../import/answer.ts";
import { exchange } from "../import/exchange.ts";
import type { Ask, PatienceOptions } from "./patient.ts";

/** What can be deleted, by its flow. */
export type ErasedFlow = "chat-messages" | "memory" | "session";

const BATCH_ITEMS = 500;
const POLL_BASE_MS = 50;
const POLL_MAX_MS = 1_000;
/** What to do after an erasure that did not get to its end. */
export const AGAIN = "run the same command again: what was deleted stays deleted, and it goes on from there";

export interface DeletesOptions extends PatienceOptions {
  readonly ask: Ask;
  /** How long to wait until accepted deletes have their outcome. */
  readonly outcomeForMs: number;
}

/** Deletes entities of a flow; settles when every delete has its outcome. Throws Failure. */
export type Delete = (flow: ErasedFlow, ids: readonly string[], round: number) => Promise<void>;

export function createDeletes(options: DeletesOptions): Delete {
  return async (flow, ids, round) => {
    for (let from = 0; from < ids.length; from += BATCH_ITEMS) {
      const operations = await send(options, flow, ids.slice(from, from + BATCH_ITEMS), round);
      await waitForOutcomes(options, operations);
    }
  };
}

/** Sends one batch; answers the operations' ids. */
async function send(
  options: DeletesOptions,
  flow: ErasedFlow,
  ids: readonly string[],
  round: number,
): Promise<string[]> {
  const items = ids.map((id) => ({
    id,
    text: JSON.stringify({ flow, type: "delete", key: keyOf(flow, id, round), data: { id } }),
  }));
  const operations: string[] = [];
  const signal = new AbortController().signal;
  await exchange({ ...options, signal, onRetry: () => undefined, advice: AGAIN }, items, (item, answer) => {
    if (isAccepted(answer)) operations.push(answer.id!);
    // With its flow's Kafka off, the service says at once that there is nothing to delete.
    else if (answer.status !== 404) {
      throw new Failure(`The service does not delete ${flow} ${JSON.stringify(item.id)}: ${reasonOf(answer)}`);
    }
  });
  return operations;
}

/** The key of a delete: ids may be longer than a key may be, hence the hash. */
export function keyOf(flow: ErasedFlow, id: string, round: number): string {
  return `erase:${createHash("sha256")
    .update(JSON.stringify([flow, id, round]))
    .digest("hex")}`;
}

interface Status {
  readonly id: string;
  readonly state: string;
}

async function waitForOutcomes({ ask, outcomeForMs }: DeletesOptions, operations: readonly string[]): Promise<void> {
  const until = performance.now() + outcomeForMs;
  let open = operations;
  for (let attempts = 0; open.length > 0; attempts++) {
    const statuses = await ask<readonly (Status | null)[]>("/v1/operations/statuses", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(open),
    });
    const parked = statuses.find((status) => status?.state === "parked");
    if (parked) throw new Failure(`The delete ${parked.id} is parked: see "tidegate operations ${parked.id}"`);
    open = open.filter((_, i) => statuses[i]?.state === "pending");
    if (open.length === 0) return;
    if (performance.now() >= until) {
      const seconds = Math.round(outcomeForMs / 1_000);
      throw new Failure(
        `${open.length} deletes were accepted, and are not applied after ${seconds} s; see that the consumer runs, then ${AGAIN}`,
      );
    }
    await delay(backoffMs(attempts, POLL_BASE_MS, POLL_MAX_MS, Math.random));
  }
}
