// The schema in numbered steps; a step that was released is never changed. Statements can be repeated: of two processes
// that start at once, both run them. What the kinds of a service's own flows need stands beside them, see migrate.ts.
import { rangeIndex, referenceIndex, textIndex, timeIndexes } from "./indexes.ts";

const constraint = (label: string): string =>
  `CREATE CONSTRAINT tidegate_${label.toLowerCase()}_key IF NOT EXISTS FOR (n:${label}) REQUIRE n.key IS UNIQUE`;

const range = (...index: Parameters<typeof rangeIndex>): string => rangeIndex(...index).statement;

/** The label of the one node that says whose database this is. */
export const MARK = "Tidegate";

/** Versions count from 1; a step's place is its version. */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [
    // What everybody is found and locked by (without a constraint a MERGE reads every node of the label).
    ...[MARK, "Entity", "Position", "Ledger", "Outbox", "Parked", "Decision", "Retry", "Sweep"].map(constraint),
    ...["IdempotencyKey", "QueryAnswer", "Consumer"].map(constraint),
    // The references of the product's flows.
    ...["about", "activity", "message", "of", "session"].map((field) => referenceIndex(field).statement),
    range("ledger_at", "Ledger", "at"),
    range("outbox_due", "Outbox", "due"),
    range("outbox_at", "Outbox", "at"),
    range("retry_due", "Retry", "due"),
    range("retry_at", "Retry", "at"),
    range("parked_at", "Parked", "at"),
    range("parked_operation", "Parked", "operation"),
    range("parked_decided", "Parked", "isDue"),
    range("idempotencykey_at", "IdempotencyKey", "at"),
    range("queryanswer_expires", "QueryAnswer", "expires"),
    // The searchable kinds of the product's flows.
    ...["Memory", "Session"].flatMap((kind) => timeIndexes(kind)).map(({ statement }) => statement),
    textIndex("Memory").statement,
  ],
  [range("retry_flow", "Retry", "flow", "due")],
];
