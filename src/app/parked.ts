// Dead letters: what was set aside is listed, inspected, and decided about. A decision is an operation in the log of the
// record's own topic; ticks carry it out, so a rebuild does the same (core-proof #36).
import { stripeKey } from "../domain/accounting.ts";
import { AppError, asAppError } from "../domain/errors.ts";
import { ledgerKey } from "../domain/key.ts";
import { type DecodedRecord, decodeRecord, hashText } from "../domain/operation.ts";
import type { LedgerRow, ParkReason } from "../domain/outcome.ts";
import { isAhead, isStamp } from "../domain/stamp.ts";
import type { Flow } from "../flows/define.ts";
import type { Clock, Entropy } from "../ports/clock.ts";
import type { Database, DecisionRow, ParkedFilter, ParkedRow } from "../ports/database.ts";
import type { Accept } from "./accept.ts";
import { type Allowance, affordable, NEEDS } from "./allowance.ts";
import type { Answer } from "./answer.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { NO_KIND } from "./decision.ts";
import type { Engine } from "./engine.ts";
import type { Submission } from "./intake.ts";
import type { Log } from "./log.ts";
import type { createReceive } from "./receive.ts";

/** A parked record as operators see it. */
export interface ParkedRecord {
  /** Its name: `topic/partition/offset`, and `@log` where the log has an id. */
  readonly record: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly reason: string;
  readonly detail: string;
  /** Replays in vain so far. */
  readonly attempts: number;
  readonly flow: string | null;
  readonly operation: string | null;
  readonly parkedAt: string;
}

/** Its value as well: base64, and as text where it is UTF-8. */
export interface InspectedRecord extends ParkedRecord {
  readonly bytes: string | null;
  readonly text: string | null;
}

/** What a decision by filter did. `next` goes on with the records after these. */
export interface Decided {
  /** Parked records that the filter matches now. */
  readonly matched: number;
  /** Decisions that were accepted. */
  readonly done: number;
  readonly refused: readonly { readonly record: string; readonly detail: string }[];
  readonly next: string | null;
}

/** Records are named in full, or by coordinates alone while those name one record. */
export interface DeadLetters {
  list(filter: ParkedFilter, cursor: string, limit: number): Promise<{ items: ParkedRecord[]; next: string | null }>;
  /** Throws AppError `not_found`. */
  inspect(record: string): Promise<InspectedRecord>;
  /** Replays a record, or the text of an edited one; throws `not_found`, or `invalid_input` for text that would be parked again. */
  replay(record: string, tenant: string, value?: string): Promise<Answer>;
  discard(record: string, tenant: string): Promise<Answer>;
  /** Decides about at most `limit` records; with `dryRun` only counts them. */
  decideAll(
    verdict: "replay" | "discard",
    filter: ParkedFilter,
    options: { readonly dryRun: boolean; readonly cursor: string; readonly limit: number },
    tenant: string,
  ): Promise<Decided>;
}

export interface DeadLettersDeps {
  readonly flows: readonly Flow[];
  readonly database: Database;
  readonly accept: Accept;
  readonly receive: ReturnType<typeof createReceive>;
  readonly clock: Clock;
}

export function createDeadLetters(deps: DeadLettersDeps): DeadLetters {
  const { database } = deps;
  const find = async (record: string): Promise<ParkedRow> => {
    const [row, other] = await database.parkedNamed(record);
    if (row === undefined) throw new AppError("not_found", `No record ${JSON.stringify(record)} is parked`);
    if (other === undefined || row.key === record) return row;
    throw new AppError("not_found", `${record} names records of two logs: say ${row.key} or ${other.key}`);
  };
  const decide = async (
    rows: readonly ParkedRow[],
    tenant: string,
    type: string,
    value?: string,
  ): Promise<Answer[]> => {
    const submissions = rows.map((row): Submission => {
      const flow = deps.flows.find(({ topics }) => topics.includes(row.topic))?.name ?? "";
      const data = { record: row.key, ...(value === undefined ? {} : { value }) };
      return { flow, type, data, internal: true, ...inTurn(row) };
    });
    const answers = await deps.accept(submissions, tenant);
    return answers.map((answer, i) => refusedAs(answer, rows[i]!));
  };
  return {
    async list(filter, cursor, limit) {
      const { rows, next } = await database.listParked(filter, readCursor(cursor), limit);
      return { items: rows.map(shown), next: next === null ? null : writeCursor(next) };
    },
    async inspect(record) {
      const row = await find(record);
      return { ...shown(row), bytes: row.bytes, text: row.bytes === null ? null : textOf(row.bytes) };
    },
    async replay(record, tenant, value) {
      const row = await find(record);
      if (value !== undefined) assertTakeable(deps, row, value);
      const [answer] = await decide([row], tenant, value === undefined ? "replayed" : "edited", value);
      return answer!;
    },
    async discard(record, tenant) {
      const [answer] = await decide([await find(record)], tenant, "discarded");
      return answer!;
    },
    async decideAll(verdict, filter, { dryRun, cursor, limit }, tenant) {
      const matched = await database.countParked(filter);
      if (dryRun) return { matched, done: 0, refused: [], next: null };
      const { rows, next } = await database.listParked(filter, readCursor(cursor), limit);
      const answers = await decide(rows, tenant, verdict === "replay" ? "replayed" : "discarded");
      const refused = answers.flatMap((answer, i) =>
        "problem" in answer ? [{ record: rows[i]!.key, detail: answer.problem.message }] : [],
      );
      return { matched, done: rows.length - refused.length, refused, next: next === null ? null : writeCursor(next) };
    },
  };
}

/**
 * One decision about a record at a time, each later than the one before: then the last one is what was carried out, for a
 * rebuild as well. A decision that is asked for twice is one.
 */
function inTurn({ key, attempts, decided }: ParkedRow): Pick<Submission, "key" | "after"> {
  const after = decided === "" ? {} : { after: decided.slice(0, decided.indexOf("|")) };
  return { key: `${key}/${attempts}`, ...after };
}

/** Ticks carry decisions out; one that is behind takes longer. */
const PENDING_RETRY_MS = 1_000;

function refusedAs(answer: Answer, { key, topic }: ParkedRow): Answer {
  if (!("problem" in answer)) return answer;
  const { code } = answer.problem;
  if (code === "not_found") return { problem: new AppError(code, `No flow has the topic ${topic} any more`) };
  if (code !== "idempotency_mismatch") return answer;
  const detail = `Another decision about ${key} is accepted and not carried out yet`;
  return { problem: new AppError("decision_pending", detail, { retryAfterMs: PENDING_RETRY_MS }) };
}

function shown(row: ParkedRow): ParkedRecord {
  const { key: record, topic, partition, offset, reason, detail, attempts, flow, operationKey, atMs } = row;
  const operation =
    operationKey === null ? null : decodeURIComponent(operationKey.slice(operationKey.indexOf("/") + 1));
  return { record, topic, partition, offset, reason, detail, attempts, flow, operation, parkedAt: iso(atMs) };
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** An edited record has to be one that can be taken, and the same operation as far as that was known. */
function assertTakeable({ receive, clock }: DeadLettersDeps, row: ParkedRow, value: string): void {
  const refuse = (detail: string): AppError =>
    new AppError("invalid_input", `The edited record cannot be taken: ${detail}`, {
      faults: [{ pointer: "#/value", detail }],
    });
  // Before the record is received, which would set the clock by a stamp of ours.
  const decoded = decodeRecord(value);
  if ("fault" in decoded) throw refuse(decoded.fault);
  const { stamp } = decoded.record;
  const held = row.bytes === null ? undefined : recordOf(row.bytes)?.stamp;
  if (stamp !== held) {
    if (row.flow !== null && held !== undefined && isStamp(held)) throw refuse("its stamp stays as it was");
    if (stamp !== undefined && isStamp(stamp) && isAhead(stamp, clock.nowMs())) {
      throw refuse("its stamp lies more than 60 seconds ahead of the service's clock");
    }
  }
  const received = receive({ offset: row.offset, key: null, value: encode(value) }, row, row.key);
  if ("parked" in received) throw refuse(received.parked.detail);
  const { tenant, id, flow } = received.arrival.operation;
  if (row.operationKey !== null && row.operationKey !== ledgerKey(tenant, id)) {
    throw refuse("it is another operation: id and tenant stay as they were");
  }
  if (row.flow !== null && row.flow !== flow) throw refuse(`it is of another flow than ${row.flow}`);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

function textOf(base64: string): string | null {
  try {
    return utf8.decode(bytesOf(base64));
  } catch {
    return null;
  }
}

export interface SettleDeps {
  readonly database: Database;
  readonly engine: Engine;
  readonly receive: ReturnType<typeof createReceive>;
  readonly entropy: Entropy;
  readonly log: Log;
}

const ROWS_MAX = 200;

/** Carries out decisions about parked records, at most 200. Answers how many, those in vain included. */
export async function settleDecisions(deps: SettleDeps, allowance?: Allowance): Promise<number> {
  const due = await deps.database.dueDecisions(affordable(allowance, NEEDS.decision, ROWS_MAX));
  for (const { row, decision } of due) {
    let failed: Failed | undefined;
    try {
      failed = await settleOne(deps, row, decision);
    } catch (error) {
      const { code, cause } = asAppError(error);
      if (code !== "internal") throw error;
      // One record that nothing can be done with must not hold up the others.
      deps.log.tickFailed("carry out a decision", error);
      failed = { reason: "handler_failed", detail: String(cause ?? error) };
    }
    if (failed === undefined) continue;
    await deps.database.noteReplay(
      row.key,
      decision.version,
      failed.reason,
      failed.detail.toWellFormed().slice(0, 500),
    );
  }
  return due.length;
}

/** Why a decision was carried out in vain. */
interface Failed {
  readonly reason: ParkReason;
  readonly detail: string;
}

async function settleOne(deps: SettleDeps, row: ParkedRow, decision: DecisionRow): Promise<Failed | undefined> {
  if (decision.verdict === "discard") {
    const discarded = discardedRow(deps, row, decision);
    await deps.engine.apply({
      arrivals: [],
      advances: [],
      parked: [],
      unparking: { key: row.key, ...(discarded === undefined ? {} : { discarded }) },
    });
    return undefined;
  }
  // A record that could not be read at all cannot be read from here either.
  if (decision.value === null && row.bytes === null) return row;
  const value = decision.value === null ? (row.bytes === null ? null : bytesOf(row.bytes)) : encode(decision.value);
  const received = deps.receive({ offset: row.offset, key: null, value }, row, row.key);
  if ("parked" in received) return received.parked;
  const { flow, id } = received.arrival.operation;
  const { conflictRow: _, ...arrival } = received.arrival;
  const { results } = await deps.engine.apply({
    arrivals: [{ ...arrival, countedBy: stripeKey("decided", flow, id) }],
    advances: [],
    parked: [],
    unparking: { key: row.key },
  });
  if (results.get(id)?.status !== "conflict") return undefined;
  return { reason: "id_conflict", detail: "The id was used before for another operation" };
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The ledger row of a discarded operation; undefined for records of strangers, who hold no id of ours. */
function discardedRow({ entropy }: SettleDeps, row: ParkedRow, { version }: DecisionRow) {
  if (row.flow === null || row.operationKey === null) return undefined;
  const decoded = row.bytes === null ? undefined : recordOf(row.bytes);
  const ledger: Omit<LedgerRow, "atMs"> = {
    key: row.operationKey,
    flow: row.flow,
    type: decoded?.type ?? "",
    path: "kafka",
    outcome: { outcome: "discarded" },
    // As any other record of the operation has it: that one is a duplicate then.
    hash: decoded === undefined ? "" : entropy.hash(hashText(decoded)),
    stamp: decoded?.stamp ?? version.slice(0, version.indexOf("|")),
    entity: row.operationKey.replace("/", `/${NO_KIND}/`),
    registers: 0,
  };
  return { row: ledger, countedBy: stripeKey("decided", row.flow, row.operationKey) };
}

function recordOf(base64: string): DecodedRecord | undefined {
  const text = textOf(base64);
  const decoded = text === null ? undefined : decodeRecord(text);
  return decoded !== undefined && "record" in decoded ? decoded.record : undefined;
}
