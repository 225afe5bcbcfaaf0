// What the service answers, as clients see it. A test holds these types against the service's own.
import type { ErrorCode } from "../domain/errors.ts";
import type { Json } from "../domain/json.ts";
import type { Path } from "../domain/outcome.ts";

/** What an operation shows of itself once it has its outcome. */
interface Ended {
  /** Nothing has created the entity yet. */
  readonly unseen?: true;
  /** Fields in which a later operation stands. */
  readonly lost?: readonly string[];
  /** Whether what it wrote stands now. */
  readonly current?: boolean | "partly";
  readonly appliedAt?: string;
  /**
   * What a query found, while it is kept and the key may see it; of many operations together once each, until they make
   * 4 MiB: ask for one alone.
   */
  readonly result?: Found;
  /** Why it is parked, or why its prepared work is still to be done. */
  readonly reason?: string;
  readonly detail?: string;
}

/** What an operation is about. */
export interface Entity {
  readonly kind: string;
  readonly id: string;
}

/** The answer to a query. */
export interface Found {
  readonly items: readonly { readonly [name: string]: Json }[];
  readonly asOf: string;
  readonly positions: { readonly [partition: string]: number };
  /** More was found than an answer holds: what comes first is there. */
  readonly truncated?: true;
}

/** The answer to an operation that was accepted. */
export interface Answer extends Ended {
  /** 202 while it is on its way, 200 once it has its outcome. */
  readonly status: 200 | 202;
  readonly id: string;
  readonly flow: string;
  readonly type: string;
  readonly path: Path;
  /** `queued` in Kafka; `pending` while its work with the outside world is to be done; else its outcome. */
  readonly outcome: "queued" | "pending" | "applied" | "superseded" | "discarded" | "parked";
  readonly stamp: string;
  readonly entity: Entity;
  /** Why the operation did not take the way of its flow. */
  readonly because?: string;
  /** The entity as it stands now, null when it or its owner is deleted; synchronous paths only. */
  readonly values?: { readonly [name: string]: Json } | null;
}

/** The answer to an operation of a batch that was refused. */
export interface Refused {
  readonly status: number;
  readonly problem: Problem;
}

/** An RFC 9457 problem. */
export interface Problem {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  /** Stable: branch on it. */
  readonly code?: ErrorCode;
  readonly retryable?: boolean;
  /** Where, as JSON Pointers, and what. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly [extra: string]: unknown;
}

/** What became of an operation. */
export interface OperationStatus extends Ended {
  readonly id: string;
  readonly state: "pending" | "parked" | "applied" | "superseded" | "discarded";
  readonly flow?: string;
  readonly type?: string;
  readonly path?: Path;
  readonly stamp?: string;
  readonly entity?: Entity;
  readonly attempts?: number;
  readonly dueAt?: string;
}

/** A record set aside. */
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

/** Reads a problem; a text that is none is an empty one. */
export function readProblem(text: string): Problem {
  try {
    const problem: unknown = JSON.parse(text);
    return typeof problem === "object" && problem !== null && !Array.isArray(problem) ? (problem as Problem) : {};
  } catch {
    return {};
  }
}
