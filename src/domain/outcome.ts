// What became of an operation. An outcome is history: written once, in the transaction of the effect (core-proof #20).

/** The way an operation took: through Kafka, with its flow's Kafka switched off, or after the broker failed. */
export type Path = "kafka" | "direct" | "fallback";

/** A terminal outcome. */
export type Outcome =
  | { readonly outcome: "applied"; readonly unseen?: true; readonly lost?: readonly string[] }
  | { readonly outcome: "superseded" }
  | { readonly outcome: "discarded" };

/** Why a record was set aside. */
export type ParkReason =
  | "undecodable"
  | "invalid"
  | "unknown_flow"
  | "unknown_version"
  | "id_conflict"
  | "no_stamp"
  | "stamp_ahead"
  | "too_large"
  | "handler_failed";

/** The ledger's row of an operation: written once, never changed. */
export interface LedgerRow {
  /** `tenant/operation id`. */
  readonly key: string;
  readonly flow: string;
  readonly type: string;
  readonly path: Path;
  readonly outcome: Outcome;
  /** Hash of flow, type and data; the same id with another hash is a conflict. */
  readonly hash: string;
  readonly stamp: string;
  /** Key of the entity the operation is about, and how many registers it wrote. */
  readonly entity: string;
  readonly registers: number;
  /** Database time of the transaction, milliseconds. */
  readonly atMs: number;
}

/** The outcome of a join: `won` and `lost` over all changes of the operation, and whether its entity exists now. */
export function outcomeOf(won: number, lost: readonly string[], alive: boolean, isDelete: boolean): Outcome {
  if (won === 0) return { outcome: "superseded" };
  return {
    outcome: "applied",
    ...(alive || isDelete ? {} : { unseen: true as const }),
    ...(lost.length > 0 ? { lost } : {}),
  };
}
