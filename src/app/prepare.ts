// Prepared work: what requests ask of the outside world is done from their retry rows, at least once, a bounded number at
// a time; each result is an operation of its own (core-proof #32).
import { stripeKey } from "../domain/accounting.ts";
import { backoffMs } from "../domain/backoff.ts";
import { asAppError } from "../domain/errors.ts";
import { ledgerKey } from "../domain/key.ts";
import { decodeRecord, encodeRecord, type Operation } from "../domain/operation.ts";
import { type StampClock, stampMs } from "../domain/stamp.ts";
import type { Data, Flow, OperationType } from "../flows/define.ts";
import type { Prepared, Surroundings } from "../flows/outside.ts";
import type { Clock, Delay, Entropy } from "../ports/clock.ts";
import type { Database, OutboxRow, RetryRow } from "../ports/database.ts";
import type { TextModel } from "../ports/text-model.ts";
import type { Webhooks } from "../ports/webhook.ts";
import { resultIdOf } from "./arrival.ts";
import type { Arrival } from "./decision.ts";
import { type Engine, findType } from "./engine.ts";
import { checkData } from "./intake.ts";
import type { Log } from "./log.ts";
import { createTogether, type Together } from "./together.ts";

export interface PrepareDeps {
  readonly flows: readonly Flow[];
  /** Names of the flows whose due requests this process takes up. */
  readonly takes: readonly string[];
  /** Names of the flows whose Kafka is on: their results go to the log. */
  readonly flowsOn: ReadonlySet<string>;
  readonly database: Database;
  readonly engine: Engine;
  readonly graph: Surroundings;
  readonly textModel: TextModel;
  readonly webhooks: Webhooks;
  readonly entropy: Entropy;
  readonly stampClock: StampClock;
  readonly clock: Clock;
  readonly delay: Delay;
  readonly random: () => number;
  readonly log: Log;
  /** Calls under way together. Their results wait for their transactions beside them. */
  readonly atOnce: number;
  /**
   * Whether an attempt may begin that nobody waits for: not where the clock is wrong by which results are stamped and
   * requests leased, nor where nothing is left of what is counted.
   */
  readonly mayAttempt: () => boolean;
  /** Attempts after which a failure is the result. */
  readonly attemptsMax: number;
}

export interface Prepare {
  /**
   * Takes up due requests as far as there is room, without waiting for them, unless nobody is to look for any. Answers how
   * many were taken up since the last call.
   */
  pump(mayLease?: boolean): Promise<number>;
  /** Takes up those of these requests that are due as soon as there is room; resolves when each has had its attempt, or somebody else is at it. */
  now(keys: readonly string[]): Promise<void>;
  /** Resolves when no attempt is under way. */
  idle(): Promise<void>;
  /** Aborts what is under way: it is taken up again later. */
  stop(): Promise<void>;
}

/** An attempt ends here at the latest. */
const ATTEMPT_MS = 60_000;
/** A lease lasts until a place was free and the attempt is over, whatever another process's clock says. */
const LEASE_MS = 2 * ATTEMPT_MS + 30_000;
const RETRY_BASE_MS = 1_000;
const RETRY_MAX_MS = 300_000;
/** Attempts whose results may wait for a slow database, for each call that may be under way. */
const ATTEMPTS_PER_CALL = 3;

export function createPrepare(deps: PrepareDeps): Prepare {
  const { database, clock } = deps;
  const takes = deps.flows
    .filter(({ name, types }) => deps.takes.includes(name) && Object.values(types).some(({ prepare }) => prepare))
    .map(({ name }) => name);
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();
  /** Rows that are leased. */
  const queue: RetryRow[] = [];
  /** Requests that somebody waits for: leased once there is a place. */
  const wanted: { readonly key: string; readonly done: (result: void | Promise<void>) => void }[] = [];
  let begun = 0;
  let hasEnded = false;
  let calling = 0;
  const together = createTogether({
    engine: deps.engine,
    delay: deps.delay,
    expectsMore: () => calling > 0 && !stopping.signal.aborted,
  });

  const isFree = (): boolean => calling < deps.atOnce && underWay.size < ATTEMPTS_PER_CALL * deps.atOnce;
  const start = (leased: RetryRow | Promise<RetryRow | undefined>): Promise<void> => {
    begun++;
    calling++;
    let isCalling = true;
    const called = (): void => {
      if (isCalling) calling--;
      isCalling = false;
      hasEnded = true;
      fill();
    };
    const attempt = (async () => {
      const row = await leased;
      if (row !== undefined) await attemptOne({ ...deps, together, called }, row, stopping.signal);
    })()
      .catch((error) => deps.log.tickFailed("prepare", error))
      .then(() => {
        underWay.delete(attempt);
        called();
      });
    underWay.add(attempt);
    return attempt;
  };
  const take = (): void => {
    while (isFree() && !stopping.signal.aborted) {
      const row = deps.mayAttempt() ? queue.shift() : undefined;
      if (row !== undefined) {
        start(row);
        continue;
      }
      const next = wanted.shift();
      if (next === undefined) return;
      const nowMs = clock.nowMs();
      next.done(start(database.leaseRetry(next.key, nowMs, nowMs + LEASE_MS)));
    }
  };
  const fill = (): void => {
    take();
    // A slot is never idle while something is due.
    if (hasEnded && queue.length === 0 && isFree() && deps.mayAttempt()) refill().catch(() => undefined);
  };
  let refilling: Promise<void> | undefined;
  const refill = (): Promise<void> => {
    refilling ??= lease().finally(() => {
      refilling = undefined;
    });
    return refilling;
  };
  const lease = async (): Promise<void> => {
    if (stopping.signal.aborted || queue.length > 0) return;
    const nowMs = clock.nowMs();
    queue.push(...(await database.leaseRetries(takes, nowMs, nowMs + LEASE_MS, deps.atOnce)));
    take();
  };

  return {
    async pump(mayLease = true) {
      // What is leased already and could not begin comes first.
      take();
      if (mayLease && isFree() && deps.mayAttempt()) await refill();
      const count = begun;
      begun = 0;
      return count;
    },
    async now(keys) {
      const attempts = keys.map((key) => new Promise<void>((done) => wanted.push({ key, done })));
      take();
      await Promise.all(attempts);
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    async stop() {
      stopping.abort();
      for (const { done } of wanted.splice(0)) done();
      await refilling?.catch(() => undefined);
      together.flush();
      await Promise.all(underWay);
      for (const { key, attempts, dueMs, reason } of queue.splice(0)) {
        await database.rescheduleRetry(key, attempts, dueMs, reason).catch(() => undefined);
      }
    },
  };
}

interface AttemptDeps extends PrepareDeps {
  readonly together: Together;
  /** Told when the call is over: somebody else may be called. */
  readonly called: () => void;
}

async function attemptOne(deps: AttemptDeps, row: RetryRow, stop: AbortSignal): Promise<void> {
  const request = requestOf(row);
  const found = findType(deps.flows, request.flow, request.type);
  if (found?.type.prepare === undefined) throw new Error(`Cannot prepare ${request.flow}.${request.type}`);
  const { result, run } = found.type.prepare;
  const signal = AbortSignal.any([stop, AbortSignal.timeout(ATTEMPT_MS)]);
  const isLastAttempt = row.attempts + 1 >= deps.attemptsMax;
  let prepared: Prepared;
  try {
    const { graph, textModel, webhooks } = deps;
    prepared = await run(request, { graph, textModel, webhooks, isLastAttempt, signal });
    deps.called();
    // The last attempt answers a failure as the result, but what was cut off by a stop has not failed.
    if (isLastAttempt && stop.aborted) prepared = { retry: row.reason };
    if ("data" in prepared) {
      const type = found.flow.types[result]!;
      await applyResult(deps, row, resultOf(deps, request, result, type, prepared.data));
      return;
    }
  } catch (error) {
    prepared = { retry: asAppError(error).message };
    deps.log.prepareFailed(request, error);
  }
  if (stop.aborted) return deps.database.rescheduleRetry(row.key, row.attempts, row.dueMs, row.reason);
  const waitMs = backoffMs(row.attempts, RETRY_BASE_MS, RETRY_MAX_MS, deps.random);
  const dueMs = deps.clock.nowMs() + Math.max(waitMs, prepared.afterMs ?? 0);
  await deps.database.rescheduleRetry(row.key, row.attempts + 1, dueMs, prepared.retry.slice(0, 500));
}

/** The operation of a row; the service wrote the record itself. */
function requestOf(row: RetryRow): Operation {
  const decoded = decodeRecord(row.record);
  if ("fault" in decoded) throw new Error(`Cannot read the request ${row.key}: ${decoded.fault}`);
  const { record } = decoded;
  const { id, flow, type, version, partitionKey, data, traceparent, tracestate } = record;
  const trace = {
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
  };
  return { id, flow, type, version, tenant: record.tenant!, stamp: record.stamp!, partitionKey, data, ...trace };
}

/** The result as an operation: its id is derived from the request's, its stamp is its own and later. */
function resultOf(deps: PrepareDeps, request: Operation, name: string, type: OperationType, data: Data): Operation {
  const id = resultIdOf(request, deps.entropy.macs);
  return {
    ...request,
    id,
    type: name,
    version: type.version,
    stamp: deps.stampClock.next(request.stamp),
    data: checkData(type, { id: request.data.id!, request: request.id, ...data }),
  };
}

async function applyResult(deps: AttemptDeps, row: RetryRow, result: Operation): Promise<void> {
  const { path } = row.row;
  const stripe = stripeKey("prepared", result.flow, result.data.request as string);
  const arrival: Arrival = {
    ...deps.engine.arrival(result, path, stripe),
    ...(deps.flowsOn.has(result.flow) ? { outbox: outboxRow(deps, result) } : {}),
  };
  // Whoever comes second finds the result's id taken and changes nothing; the request is terminal either way.
  await deps.together.apply(arrival);
}

function outboxRow({ flows }: PrepareDeps, result: Operation): OutboxRow {
  return {
    key: ledgerKey(result.tenant, result.id),
    topic: flows.find(({ name }) => name === result.flow)!.topicOf(result),
    partitionKey: result.partitionKey,
    record: encodeRecord(result, stampMs(result.stamp)),
    reason: "",
    fatal: false,
    attempts: 0,
    dueMs: 0,
  };
}
