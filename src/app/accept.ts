// The only place that knows the fallback rule: produce where the flow's Kafka is on, apply where it is off, apply with
// an outbox row where producing failed; an error only when all that failed too.
import { AppError, asAppError } from "../domain/errors.ts";
import { keyPart, ledgerKey } from "../domain/key.ts";
import { encodeRecord } from "../domain/operation.ts";
import { ABSENT } from "../domain/projection.ts";
import { logTopic } from "../flows/define.ts";
import type { Broker } from "../ports/broker.ts";
import type { KeyRow } from "../ports/database.ts";
import { type Answer, answerWithResult, queuedAnswer } from "./answer.ts";
import {
  type Attempt,
  applyNow,
  mismatch,
  prepareNow,
  RETRY_AFTER_MS,
  type SyncAttempt,
  type SyncDeps,
} from "./apply-now.ts";
import { type Draft, type Identity, operationMs, type Submission } from "./intake.ts";
import { createRoom } from "./queries.ts";
import { currentTrace } from "./tracing.ts";
import { current } from "./visible.ts";

export interface AcceptDeps extends SyncDeps {
  readonly broker: Broker;
  /** Names of the flows whose Kafka is on. */
  readonly flowsOn: ReadonlySet<string>;
}

/** How a client wants to be answered. */
export interface Preferences {
  /** How long a synchronous answer may wait for prepared work. Default 5 seconds; 0 does not wait. */
  readonly waitMs?: number;
}

/** See {@link Preferences}. */
export const WAIT_MS = 5_000;

/** Takes submissions of one tenant; answers each, in order. Never throws. */
export type Accept = (
  submissions: readonly Submission[],
  tenant: string,
  preferences?: Preferences,
) => Promise<Answer[]>;

/** Below every topic's record limit: what is accepted can always reach the log. */
const RECORD_BYTES_MAX = 1_000_000;

const encoder = new TextEncoder();

function isTooLarge(record: string): boolean {
  return record.length * 3 > RECORD_BYTES_MAX && encoder.encode(record).byteLength > RECORD_BYTES_MAX;
}

export function createAccept(deps: AcceptDeps): Accept {
  return async (submissions, tenant, { waitMs = WAIT_MS } = {}) => {
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
    if (direct.length + failed.length > 0) {
      const { waiting } = await applyNow(deps, [...direct, ...failed], tenant, answers);
      if (keyed.length > 0) await releaseRefused(deps, off, tenant, answers);
      if (waiting.length > 0 && waitMs > 0) await prepareNow(deps, waiting, answers, waitMs);
    }

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
    key: reservedKey(draft, tenant, key!),
    operationId: identity.id,
    stamp: identity.stamp,
    hash: reservedHash(draft, tenant, intake.bodyHash(draft)),
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

/**
 * A 404 is a refusal before acceptance (core-proof #22), so its key is free again: the same request is a new operation then.
 * One key never stands for two that take effect (#25), because only a key goes whose operation nobody can apply any more:
 * its id was minted for this request, whose one attempt is over, and was given to no other, which the database looks at
 * as it removes the key. With a retry token there was an earlier attempt, which may still land.
 */
async function releaseRefused(
  { database, log }: AcceptDeps,
  tried: readonly Attempt[],
  tenant: string,
  answers: Answer[],
) {
  const refused = tried.flatMap(({ index, draft, identity, repeated }) => {
    const answer = answers[index];
    if (answer === undefined || !("problem" in answer) || answer.problem.code !== "not_found") return [];
    if (draft.key === undefined || draft.retryToken !== undefined || repeated) return [];
    return [{ key: reservedKey(draft, tenant, draft.key), operationId: identity.id }];
  });
  if (refused.length === 0) return;
  await database.releaseKeys(refused).catch((error) => log.tickFailed("release idempotency keys", error));
}

/**
 * What the service asks itself has keys of its own, which no client can take: every client's has one slash. They name no
 * tenant, because parked records belong to the whole service: whoever decides, one decision about each at a time.
 */
function reservedKey({ type }: Draft, tenant: string, key: string): string {
  return `${type.internal ? "/decision" : keyPart(tenant)}/${keyPart(key)}`;
}

/** An operation is its tenant's: the same decision of another tenant is another one, which comes second. */
function reservedHash({ type }: Draft, tenant: string, bodyHash: string): string {
  return type.internal ? `${keyPart(tenant)}/${bodyHash}` : bodyHash;
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
    const entities = await current(deps, [...new Set([...rows.values()].map((row) => row.entity))]);
    const unknown: Attempt[] = [];
    const room = createRoom();
    for (const attempt of repeated) {
      const row = rows.get(keyOf(attempt));
      if (row === undefined) unknown.push(attempt);
      else if (row.path === "kafka") answers[attempt.index] = queuedAnswer(attempt);
      else {
        const entity = entities.get(row.entity) ?? ABSENT;
        answers[attempt.index] = await answerWithResult(deps.queries, attempt, row, entity, { room });
      }
    }
    return [...fresh, ...unknown];
  } catch (error) {
    for (const { index } of repeated) answers[index] = { problem: keysUnreachable(error) };
    return fresh;
  }
}

/** Of several attempts with one id (a key repeated within a batch) only the first is made. */
function firstOfEach(attempts: readonly Attempt[], answers: Answer[]) {
  if (attempts.length < 2) return { first: attempts, repeated: [] };
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
      topic: logTopic(draft.flow, draft.type, operation),
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

function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): [yes: Item[], no: Item[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
