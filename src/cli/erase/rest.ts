// What was accepted and is not applied yet is in no list. An erasure that did not wait for it would leave it behind, and
// once its session is gone nothing lists it any more.
import { setTimeout as delay } from "node:timers/promises";
import type { Check } from "../../app/check.ts";
import { backoffMs } from "../../domain/backoff.ts";
import { Failure } from "../failure.ts";
import { Refusal } from "../service.ts";
import { AGAIN, type ErasedFlow } from "./deletes.ts";
import type { Ask, PatienceOptions } from "./patient.ts";

export interface RestOptions extends PatienceOptions {
  readonly ask: Ask;
  /** Called once when nobody can tell what is not applied yet, with the reason; the erasure goes on without knowing. */
  readonly onUnseen: (reason: string) => void;
}

/** Settles when everything is applied that was accepted before the call. Throws Failure. */
export type WaitForRest = () => Promise<void>;

/** Where partitions ended, by topic and partition. */
type Marks = ReadonlyMap<string, number>;

const FLOWS: readonly ErasedFlow[] = ["session", "chat-messages", "memory"];
const POLL_BASE_MS = 50;
const POLL_MAX_MS = 1_000;

export function createRest({ ask, retryForMs, delayBaseMs = POLL_BASE_MS, onUnseen }: RestOptions): WaitForRest {
  let isSeen = true;
  return async () => {
    if (!isSeen) return;
    const until = performance.now() + retryForMs;
    let marks: Marks | undefined;
    for (let attempts = 0; ; attempts++) {
      const check = await look(ask);
      if (typeof check === "string") {
        isSeen = false;
        return onUnseen(check);
      }
      marks ??= marksOf(check);
      if (pendingIn(check) === 0 || (marks !== undefined && isPast(check, marks))) return;
      if (performance.now() >= until) throw restless(check, retryForMs);
      await delay(backoffMs(attempts, delayBaseMs, POLL_MAX_MS, Math.random));
    }
  };
}

/** The accounting, or why it does not tell what is pending. */
async function look(ask: Ask): Promise<Check | string> {
  try {
    const check = await ask<Check>("/v1/check");
    const tells = FLOWS.every((flow) => check.flows[flow]?.pending !== null);
    return tells ? check : "the service cannot tell how much is pending";
  } catch (error) {
    if (error instanceof Refusal && error.status === 403) return "the API key does not allow GET /v1/check";
    throw error;
  }
}

function pendingIn({ flows }: Check): number {
  return FLOWS.reduce((sum, flow) => sum + (flows[flow]?.pending ?? 0), 0);
}

/** Partitions of the erased flows with where they end; one of a log that is no more has no end. */
function partitionsOf({ partitions }: Check) {
  return partitions.flatMap(({ flow, topic, partition, position, end }) =>
    end !== null && FLOWS.some((name) => name === flow) ? [{ name: `${topic}/${partition}`, position, end }] : [],
  );
}

/**
 * Where the logs end now: with others writing all the time, nothing pending may never be seen. Undefined while something
 * is pending in a partition that nothing was read of yet, since such a one is not listed.
 */
function marksOf(check: Check): Marks | undefined {
  const partitions = partitionsOf(check);
  const listed = partitions.reduce((sum, { position, end }) => sum + Math.max(0, end - position), 0);
  return listed === pendingIn(check) ? new Map(partitions.map(({ name, end }) => [name, end])) : undefined;
}

function isPast(check: Check, marks: Marks): boolean {
  const positions = new Map(partitionsOf(check).map(({ name, position }) => [name, position]));
  return [...marks].every(([name, end]) => (positions.get(name) ?? 0) >= end);
}

function restless(check: Check, retryForMs: number): Failure {
  const pending = FLOWS.filter((flow) => (check.flows[flow]?.pending ?? 0) > 0);
  const counts = pending.map((flow) => `${flow} ${check.flows[flow]!.pending}`).join(", ");
  return new Failure(
    `What was accepted is not all applied after ${Math.round(retryForMs / 1_000)} s (pending: ${counts}), and what is not applied cannot be erased; see that the consumer runs, then ${AGAIN}`,
  );
}
