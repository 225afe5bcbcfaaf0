// The synchronous way: operations whose Kafka is off or failed are applied at once, by the handlers that ticks use.
import { AppError, asAppError, isForHalves } from "../domain/errors.ts";
import { ledgerKey } from "../domain/key.ts";
import type { GraphModel } from "../domain/model.ts";
import type { Operation } from "../domain/operation.ts";
import { ABSENT } from "../domain/projection.ts";
import { logTopic } from "../flows/define.ts";
import type { ProduceResult } from "../ports/broker.ts";
import type { Delay } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import { type Answer, answerWithResult, appliedAnswer, pendingAnswer } from "./answer.ts";
import type { Arrival, Result } from "./decision.ts";
import type { Engine } from "./engine.ts";
import { type Draft, entityOf, type Identity, type Intake } from "./intake.ts";
import type { Log } from "./log.ts";
import type { Prepare } from "./prepare.ts";
import { createRoom, type Queries, type Room } from "./queries.ts";
import { current } from "./visible.ts";
import type { Vitals } from "./vitals.ts";

/** What both ways of accepting need. */
export interface SyncDeps {
  readonly intake: Intake;
  readonly engine: Engine;
  readonly model: GraphModel;
  readonly database: Database;
  readonly vitals: Vitals;
  readonly log: Log;
  readonly prepare: Prepare;
  readonly queries: Queries;
  readonly delay: Delay;
}

/** A submission on its way: a draft with its identity, then its operation. */
export interface Attempt {
  readonly index: number;
  readonly draft: Draft;
  readonly identity: Identity;
  readonly operation: Operation;
  /** The operation's record, for the log now or by the outbox later. */
  readonly record: string;
  /** Its idempotency key was reserved by an earlier request: the ledger may know its outcome. */
  readonly repeated: boolean;
}

/** A synchronous application and why it is one. */
export interface SyncAttempt {
  readonly attempt: Attempt;
  readonly path: "direct" | "fallback";
  readonly failure: Exclude<ProduceResult, { status: "ok" }> | undefined;
}

/** What a client waits before it tries again. */
export const RETRY_AFTER_MS = 5_000;

/** What came of a group: whose prepared work is to be done, and what keeps anything behind it from being tried. */
interface AppliedGroup {
  readonly waiting: readonly SyncAttempt[];
  readonly halted?: AppError;
}

/**
 * Applies synchronously, in one transaction, or in halves where one item is at fault or all are too much at a time; an
 * error goes to the callers. Behind a half that nobody could take nothing is tried: sent again, that would be later than
 * what follows it.
 */
export async function applyNow(
  deps: SyncDeps,
  attempts: readonly SyncAttempt[],
  tenant: string,
  answers: Answer[],
  room = createRoom(),
): Promise<AppliedGroup> {
  const refuse = (refused: readonly SyncAttempt[], error: AppError): AppliedGroup => {
    for (const { attempt, failure } of refused) {
      answers[attempt.index] = { problem: notAccepted(deps.intake, attempt, tenant, failure, error) };
    }
    return { waiting: [], ...(error.code === "internal" ? {} : { halted: error }) };
  };
  try {
    const arrivals = attempts.map((attempt) => arrivalOf(deps, attempt));
    const { results } = await deps.engine.apply({ arrivals, advances: [], parked: [] });
    for (const attempt of attempts) {
      answers[attempt.attempt.index] = await syncAnswer(deps, attempt, results.get(attempt.attempt.operation.id), room);
    }
    const waiting = attempts.filter(({ attempt }) => {
      const result = results.get(attempt.operation.id);
      return result?.status === "done" && result.waiting;
    });
    return { waiting };
  } catch (error) {
    if (attempts.length > 1 && isForHalves(asAppError(error))) {
      const half = Math.ceil(attempts.length / 2);
      const first = await applyNow(deps, attempts.slice(0, half), tenant, answers, room);
      const rest = attempts.slice(half);
      if (first.halted !== undefined) {
        // Not tried, so that nothing of it may stand, whatever may of what is before it.
        const untried = new AppError("graph_unavailable", first.halted.message, { cause: first.halted });
        return { ...refuse(rest, untried), waiting: first.waiting };
      }
      const second = await applyNow(deps, rest, tenant, answers, room);
      return { ...second, waiting: [...first.waiting, ...second.waiting] };
    }
    deps.log.applyFailed(attempts.length, error, attempts[0]!.attempt.operation);
    return refuse(attempts, asAppError(error));
  }
}

/** Does prepared work within the time the client waits; what takes longer goes on, and ticks take it up again. */
export async function prepareNow(
  deps: SyncDeps,
  waiting: readonly SyncAttempt[],
  answers: Answer[],
  waitMs: number,
): Promise<void> {
  const keys = waiting.map(({ attempt: { operation } }) => ledgerKey(operation.tenant, operation.id));
  try {
    await Promise.race([deps.prepare.now(keys), deps.delay(waitMs)]);
    const rows = await deps.database.ledgerRows(keys);
    const entities = await current(deps, [...new Set([...rows.values()].map((row) => row.entity))]);
    for (const [i, { attempt, failure }] of waiting.entries()) {
      const row = rows.get(keys[i]!);
      if (row === undefined) continue;
      answers[attempt.index] = appliedAnswer(attempt, row, entities.get(row.entity) ?? ABSENT, failure?.reason);
    }
  } catch (error) {
    // The requests are accepted all the same: their answers say that they are pending.
    deps.log.tickFailed("prepare", error);
  }
}

function arrivalOf({ engine, vitals }: SyncDeps, { attempt, path, failure }: SyncAttempt): Arrival {
  const { operation, draft, record } = attempt;
  const arrival = engine.arrival(operation, path);
  if (failure === undefined) return { ...arrival, refuseUnseen: vitals.isDrained(draft.flow.name) };
  // A query changes nothing, so a complete log can do without it.
  if (draft.type.query !== undefined) return arrival;
  const outbox = {
    key: ledgerKey(operation.tenant, operation.id),
    topic: logTopic(draft.flow, draft.type, operation),
    partitionKey: operation.partitionKey,
    record,
    reason: failure.reason,
    fatal: failure.status === "fatal",
    attempts: 0,
    dueMs: 0,
  };
  return { ...arrival, outbox };
}

async function syncAnswer(
  deps: SyncDeps,
  { attempt, failure }: SyncAttempt,
  result: Result | undefined,
  room: Room,
): Promise<Answer> {
  const { kind, id } = entityOf(attempt.draft.flow, attempt.draft.type, attempt.operation);
  if (result?.status === "refused") {
    return { problem: new AppError("not_found", `There is no ${kind} ${JSON.stringify(id)}`) };
  }
  if (result?.status !== "done") return { problem: mismatch() };
  if (result.waiting) return pendingAnswer(attempt, result.row, failure?.reason);
  return answerWithResult(deps.queries, attempt, result.row, result, { because: failure?.reason, room });
}

/** 503: nothing is anywhere, or one attempt may still land (core-proof #30). */
function notAccepted(
  intake: Intake,
  { draft, identity }: Attempt,
  tenant: string,
  failure: SyncAttempt["failure"],
  error: AppError,
): AppError {
  if (failure?.status !== "unknown" && !error.ambiguous) {
    if (error.code === "internal") return error;
    const detail = `Nothing was accepted: ${failure === undefined ? "" : `Kafka: ${failure.reason}; `}the database cannot be reached`;
    return new AppError("nothing_accepted", detail, { cause: error, retryAfterMs: RETRY_AFTER_MS });
  }
  const detail =
    "An attempt may still take effect; retry with the retry token, and the operation keeps its id and stamp";
  return new AppError("outcome_unknown", detail, {
    cause: error,
    retryAfterMs: RETRY_AFTER_MS,
    extra: { id: identity.id, stamp: identity.stamp, retryToken: intake.retryToken(draft, identity, tenant) },
  });
}

/** 422: the key stands for another body. */
export function mismatch(): AppError {
  const detail = "The idempotency key was used before for another body";
  return new AppError("idempotency_mismatch", detail, { faults: [{ pointer: "#/key", detail }] });
}
