// The only place that knows the fallback rule: produce where the flow's Kafka is on, apply where it is off, apply with
// an outbox row where producing failed; an error only when all that failed too.
import { AppError, asAppError } from "../domain/errors.ts";
import type { Json } from "../domain/json.ts";
import { keyPart, ledgerKey } from "../domain/key.ts";
import { encodeRecord, type Operation } from "../domain/operation.ts";
import type { LedgerRow, Path } from "../domain/outcome.ts";
import { type EntityState, isDeleted } from "../domain/state.ts";
import { present } from "../flows/define.ts";
import type { Broker, ProduceResult } from "../ports/broker.ts";
import type { Database, KeyRow } from "../ports/database.ts";
import type { Arrival, Result } from "./decision.ts";
import type { Engine } from "./engine.ts";
import { type Draft, entityOf, type Identity, type Intake, operationMs, type Submission } from "./intake.ts";
import type { Log } from "./log.ts";
import { currentTrace } from "./tracing.ts";
import type { Vitals } from "./vitals.ts";

/** Answer to one submission. */
export type Answer =
  | {
      readonly status: 200 | 202;
      readonly id: string;
      readonly flow: string;
      readonly type: string;
      readonly path: Path;
      readonly outcome: "queued" | "applied" | "superseded" | "discarded";
      readonly stamp: string;
      readonly entity: { readonly kind: string; readonly id: string };
      readonly unseen?: true;
      readonly lost?: readonly string[];
      /** Why the operation did not take the way of its flow. */
      readonly because?: string;
      /** The entity as it stands now, null when it is deleted; synchronous paths only. */
      readonly values?: { readonly [name: string]: Json } | null;
    }
  | { readonly problem: AppError };

export interface AcceptDeps {
  readonly intake: Intake;
  readonly engine: Engine;
  readonly broker: Broker;
  readonly database: Database;
  readonly vitals: Vitals;
  readonly log: Log;
  /** Names of the flows whose Kafka is on. */
  readonly flowsOn: ReadonlySet<string>;
}

/** Takes submissions of one tenant; answers each, in order. Never throws. */
export type Accept = (submissions: readonly Submission[], tenant: string) => Promise<Answer[]>;

/** A submission on its way: a draft with its identity, then its operation. */
interface Attempt {
  readonly index: number;
  readonly draft: Draft;
  readonly identity: Identity;
  readonly operation: Operation;
  /** The operation's record, for the log now or by the outbox later. */
  readonly record: string;
  /** Its idempotency key was reserved by an earlier request: the ledger may know its outcome. */
  readonly repeated: boolean;
}

/** Below every topic's record limit: what is accepted can always reach the log. */
const RECORD_BYTES_MAX = 1_000_000;

const encoder = new TextEncoder();

function isTooLarge(record: string): boolean {
  return record.length * 3 > RECORD_BYTES_MAX && encoder.encode(record).byteLength > RECORD_BYTES_MAX;
}

/** A synchronous application and why it is one. */
interface SyncAttempt {
  readonly attempt: Attempt;
  readonly path: "direct" | "fallback";
  readonly failure: Exclude<ProduceResult, { status: "ok" }> | undefined;
}

export function createAccept(deps: AcceptDeps): Accept {
  return async (submissions, tenant) => {
    const answers: Answer[] = new Array(submissions.length);
    // Steps that have nothing to do are not awaited: most requests carry one operation without a key.
    const drafts = identify(deps, submissions, tenant, answers);
    const keyed = drafts.filter(({ key }) => key !== undefined);
    const reserved = keyed.length > 0 ? await reserve(deps, keyed, tenant, answers) : NOTHING_RESERVED;
    const attempts = firstOfEach(makeAttempts(deps, drafts, reserved, tenant, answers), answers);
    const isKnown = attempts.first.some(({ repeated }) => repeated);
    const unanswered = isKnown ? await answerKnown(deps, attempts.first, answers) : attempts.first;

    const [on, off] = partition(unanswered, ({ draft }) => deps.flowsOn.has(draft.flow.name));
    const failed = on.length > 0 ? await produceAll(deps, on, answers) : [];
    const direct = off.map((attempt): SyncAttempt => ({ attempt, path: "direct", failure: undefined }));
    if (direct.length + failed.length > 0) await applyAll(deps, [...direct, ...failed], tenant, answers);

    for (const { index, like } of attempts.repeated) answers[index] = answers[like]!;
    return answers;
  };
}

/** A checked submission with the identity it would have if it were new. */
interface Identified {
  readonly index: number;
  readonly draft: Draft;
  readonly identity: Identity;
  readonly key: string | undefined;
}

const NOTHING_RESERVED: ReadonlyMap<number, KeyRow> = new Map();

/** Checks and identifies; what fails is answered here. */
function identify(
  { intake, vitals }: AcceptDeps,
  submissions: readonly Submission[],
  tenant: string,
  answers: Answer[],
): Identified[] {
  const drafts: Identified[] = [];
  for (let index = 0; index < submissions.length; index++) {
    const submission = submissions[index]!;
    try {
      vitals.assertMinting();
      const draft = intake.check(submission);
      const identity =
        draft.retryToken === undefined ? intake.identity(draft, tenant) : intake.readToken(draft, tenant);
      drafts.push({ index, draft, identity, key: submission.key });
    } catch (error) {
      answers[index] = { problem: asAppError(error) };
    }
  }
  return drafts;
}

/** Operations and their records, under the identity that was reserved where there is one. */
function makeAttempts(
  { intake }: AcceptDeps,
  drafts: readonly Identified[],
  reserved: ReadonlyMap<number, KeyRow>,
  tenant: string,
  answers: Answer[],
): Attempt[] {
  const trace = currentTrace();
  const attempts: Attempt[] = [];
  for (const { index, draft, identity } of drafts) {
    if (answers[index] !== undefined) continue;
    const row = reserved.get(index);
    const fixed = row === undefined ? identity : { id: row.operationId, stamp: row.stamp };
    const operation = intake.operation(draft, fixed, tenant, trace);
    const record = encodeRecord(operation, operationMs(operation));
    if (isTooLarge(record)) {
      const detail = `The operation's record has more than ${RECORD_BYTES_MAX} bytes`;
      answers[index] = { problem: new AppError("payload_too_large", detail) };
    } else attempts.push({ index, draft, identity: fixed, operation, record, repeated: fixed.id !== identity.id });
  }
  return attempts;
}

/** Reserves idempotency keys before the first attempt (core-proof #25); answers the rows that stand, by index. */
async function reserve(
  { database, intake }: AcceptDeps,
  keyed: readonly Identified[],
  tenant: string,
  answers: Answer[],
): Promise<Map<number, KeyRow>> {
  const standing = new Map<number, KeyRow>();
  const rows = keyed.map(({ draft, identity, key }) => ({
    key: `${keyPart(tenant)}/${keyPart(key!)}`,
    operationId: identity.id,
    stamp: identity.stamp,
    hash: intake.bodyHash(draft),
  }));
  try {
    for (const [i, row] of (await database.reserveKeys(rows)).entries()) {
      const { index } = keyed[i]!;
      if (row.hash === rows[i]!.hash) standing.set(index, row);
      else answers[index] = { problem: mismatch() };
    }
  } catch (error) {
    for (const { index } of keyed) answers[index] = { problem: keysUnreachable(error) };
  }
  return standing;
}

function keysUnreachable(cause: unknown): AppError {
  const detail = "Nothing was accepted: the database that keeps idempotency keys cannot be reached";
  return new AppError("nothing_accepted", detail, { cause, retryAfterMs: RETRY_AFTER_MS });
}

/**
 * Answers repeated attempts whose outcome the ledger holds, with the answer that was given then. The others are made
 * again with the same id and stamp: should the record be in the log already, the ledger will know the duplicate.
 */
async function answerKnown(deps: AcceptDeps, attempts: readonly Attempt[], answers: Answer[]): Promise<Attempt[]> {
  const [repeated, fresh] = partition(attempts, (attempt) => attempt.repeated);
  const keyOf = ({ operation }: Attempt): string => ledgerKey(operation.tenant, operation.id);
  try {
    const rows = await deps.database.ledgerRows(repeated.map(keyOf));
    const entities = await deps.database.entities([...new Set([...rows.values()].map((row) => row.entity))]);
    const unknown: Attempt[] = [];
    for (const attempt of repeated) {
      const row = rows.get(keyOf(attempt));
      if (row === undefined) unknown.push(attempt);
      else if (row.path === "kafka") answers[attempt.index] = queuedAnswer(attempt);
      else answers[attempt.index] = appliedAnswer(attempt, row, entities.get(row.entity)!.state);
    }
    return [...fresh, ...unknown];
  } catch (error) {
    for (const { index } of repeated) answers[index] = { problem: keysUnreachable(error) };
    return fresh;
  }
}

function mismatch(): AppError {
  const detail = "The idempotency key was used before for another body";
  return new AppError("idempotency_mismatch", detail, { faults: [{ pointer: "#/key", detail }] });
}

/** Of several attempts with one id (a key repeated within a batch) only the first is made. */
function firstOfEach(attempts: readonly Attempt[], answers: Answer[]) {
  const seen = new Map<string, number>();
  const first: Attempt[] = [];
  const repeated: { index: number; like: number }[] = [];
  for (const attempt of attempts) {
    const like = seen.get(attempt.operation.id);
    if (like === undefined) {
      seen.set(attempt.operation.id, attempt.index);
      first.push(attempt);
    } else if (answers[attempt.index] === undefined) repeated.push({ index: attempt.index, like });
  }
  return { first, repeated };
}

/** Produces; answers what is in the log and hands back what has to fall back. */
async function produceAll(deps: AcceptDeps, attempts: readonly Attempt[], answers: Answer[]): Promise<SyncAttempt[]> {
  const results = await deps.broker.produce(
    attempts.map(({ draft, operation, record }) => ({
      topic: draft.flow.topic,
      key: operation.partitionKey,
      value: record,
    })),
  );
  const failed: SyncAttempt[] = [];
  for (const [i, attempt] of attempts.entries()) {
    const result = results[i] ?? { status: "unknown", reason: "the broker gave no result for this record" };
    if (result.status === "ok") {
      answers[attempt.index] = queuedAnswer(attempt);
    } else failed.push({ attempt, path: "fallback", failure: result });
  }
  if (failed.length > 0) deps.log.fallback(failed.length, failed[0]!.failure!, failed[0]!.attempt.operation);
  return failed;
}

/** Applies synchronously, in one transaction; an error goes to the callers. */
async function applyAll(
  deps: AcceptDeps,
  attempts: readonly SyncAttempt[],
  tenant: string,
  answers: Answer[],
): Promise<void> {
  try {
    const arrivals = attempts.map((attempt) => arrivalOf(deps, attempt));
    const { results } = await deps.engine.apply({ arrivals, advances: [], parked: [] });
    for (const attempt of attempts) {
      answers[attempt.attempt.index] = syncAnswer(attempt, results.get(attempt.attempt.operation.id));
    }
  } catch (error) {
    deps.log.applyFailed(attempts.length, error, attempts[0]!.attempt.operation);
    for (const { attempt, failure } of attempts) {
      answers[attempt.index] = { problem: notAccepted(deps.intake, attempt, tenant, failure, asAppError(error)) };
    }
  }
}

function arrivalOf({ engine, vitals }: AcceptDeps, { attempt, path, failure }: SyncAttempt): Arrival {
  const { operation, draft, record } = attempt;
  const arrival = engine.arrival(operation, path);
  if (failure === undefined) return { ...arrival, refuseUnseen: vitals.isDrained(draft.flow.name) };
  const outbox = {
    key: ledgerKey(operation.tenant, operation.id),
    topic: draft.flow.topic,
    partitionKey: operation.partitionKey,
    record,
    reason: failure.reason,
    fatal: failure.status === "fatal",
    attempts: 0,
    dueMs: 0,
  };
  return { ...arrival, outbox };
}

function queuedAnswer({ operation, draft }: Attempt): Answer {
  const { id, flow, type, stamp } = operation;
  const { kind, id: entityId } = entityOf(draft.flow, operation);
  return { status: 202, id, flow, type, path: "kafka", outcome: "queued", stamp, entity: { kind, id: entityId } };
}

function syncAnswer({ attempt, failure }: SyncAttempt, result: Result | undefined): Answer {
  const { kind, id } = entityOf(attempt.draft.flow, attempt.operation);
  if (result?.status === "refused") {
    return { problem: new AppError("not_found", `There is no ${kind} ${JSON.stringify(id)}`) };
  }
  if (result?.status !== "done") return { problem: mismatch() };
  return appliedAnswer(attempt, result.row, result.state, failure?.reason);
}

function appliedAnswer({ operation, draft }: Attempt, row: LedgerRow, state: EntityState, because?: string): Answer {
  const { id, flow, type } = operation;
  const { kind, id: entityId, key } = entityOf(draft.flow, operation);
  return {
    status: 200,
    id,
    flow,
    type,
    path: row.path,
    ...row.outcome,
    stamp: row.stamp,
    entity: { kind, id: entityId },
    ...(because === undefined ? {} : { because }),
    values: isDeleted(state) ? null : present(draft.flow, key, state),
  };
}

const RETRY_AFTER_MS = 5_000;

/** 503: nothing is anywhere, or one attempt may still land (core-proof #30). */
function notAccepted(
  intake: Intake,
  { draft, identity }: Attempt,
  tenant: string,
  failure: SyncAttempt["failure"],
  error: AppError,
): AppError {
  if (error.code === "internal") return error;
  if (failure?.status !== "unknown" && !error.ambiguous) {
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

function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): [yes: Item[], no: Item[]] {
  const yes: Item[] = [];
  const no: Item[] = [];
  for (const item of items) (test(item) ? yes : no).push(item);
  return [yes, no];
}
