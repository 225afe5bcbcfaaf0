// What clients are told about an operation that was accepted.
import type { AppError } from "../domain/errors.ts";
import type { Json } from "../domain/json.ts";
import type { Operation } from "../domain/operation.ts";
import type { LedgerRow, Path } from "../domain/outcome.ts";
import type { StoredEntity } from "../domain/projection.ts";
import { isDeleted } from "../domain/state.ts";
import { kindOfType, present } from "../flows/define.ts";
import { type Draft, entityOf } from "./intake.ts";
import type { Answered, Queries, Room } from "./queries.ts";

/** Answer to one submission. */
export type Answer =
  | {
      readonly status: 200 | 202;
      readonly id: string;
      readonly flow: string;
      readonly type: string;
      readonly path: Path;
      /** `queued` in Kafka; `pending` while its prepared work is still to be done. */
      readonly outcome: "queued" | "pending" | "applied" | "superseded" | "discarded";
      readonly stamp: string;
      readonly entity: { readonly kind: string; readonly id: string };
      readonly unseen?: true;
      readonly lost?: readonly string[];
      /** Why the operation did not take the way of its flow. */
      readonly because?: string;
      /** The entity as it stands now, null when it or its owner is deleted; synchronous paths only. */
      readonly values?: { readonly [name: string]: Json } | null;
      /** The answer to a query; synchronous paths only. */
      readonly result?: Answered;
    }
  | { readonly problem: AppError };

/** An operation with the draft it was made of. */
interface Answerable {
  readonly draft: Draft;
  readonly operation: Operation;
}

/** An entity, and whether its owner's deletion keeps it from readers. */
type Shown = Pick<StoredEntity, "state" | "hidden">;

/** The record is in Kafka. */
export function queuedAnswer({ operation, draft }: Answerable): Answer {
  const { id, flow, type, stamp } = operation;
  const { kind, id: entityId } = entityOf(draft.flow, draft.type, operation);
  return { status: 202, id, flow, type, path: "kafka", outcome: "queued", stamp, entity: { kind, id: entityId } };
}

/** Its effect is there, and its prepared work still to be done. */
export function pendingAnswer(attempt: Answerable, row: LedgerRow, because?: string): Answer {
  const why = because === undefined ? {} : { because };
  return { ...queuedAnswer(attempt), path: row.path, outcome: "pending", ...why } as Answer;
}

/** The answer to an applied operation; to a query with what it found. */
export async function answerWithResult(
  queries: Queries,
  attempt: Answerable,
  row: LedgerRow,
  entity: Shown,
  { because, room }: { readonly because?: string | undefined; readonly room: Room },
): Promise<Answer> {
  const answer = appliedAnswer(attempt, row, entity, because);
  if (attempt.draft.type.query === undefined) return answer;
  const result = await queries.answered(row.key, room).catch(() => undefined);
  return result === undefined ? answer : ({ ...answer, result } as Answer);
}

/** It is applied: what became of it, and the entity as it stands. */
export function appliedAnswer(
  { operation, draft }: Answerable,
  row: LedgerRow,
  entity: Shown,
  because?: string,
): Answer {
  const { id, flow, type } = operation;
  const { kind, id: entityId, key } = entityOf(draft.flow, draft.type, operation);
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
    ...(kindOfType(draft.flow, draft.type) === null
      ? {}
      : { values: entity.hidden || isDeleted(entity.state) ? null : present(draft.flow, key, entity.state) }),
  };
}
