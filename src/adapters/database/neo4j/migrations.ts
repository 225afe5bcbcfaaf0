// The schema in numbered steps; a step that was released is never changed. Statements can be repeated: of two processes
// that start at once, both run them.
import type { Shape } from "./shape.ts";

const constraint = (label: string): string =>
  `CREATE CONSTRAINT tidegate_${label.toLowerCase()}_key IF NOT EXISTS FOR (n:${label}) REQUIRE n.key IS UNIQUE`;

const range = (name: string, label: string, ...properties: string[]): string =>
  `CREATE INDEX tidegate_${name} IF NOT EXISTS FOR (n:${label}) ON (${properties.map((each) => `n.${each}`).join(", ")})`;

/** Who refers to whom, in the order of lists. */
const refers = (field: string): string => range(`refers_${field}`, "Entity", `_${field}`, "_sort");

/** What entities of a searchable kind are found by when no text is asked for. */
const times = (kind: string): string[] => [
  range(`${kind.toLowerCase()}_time`, kind, "tenant", "_time", "key"),
  range(`${kind.toLowerCase()}_user_time`, kind, "_user", "_time", "key"),
];

/** What they are found by when it is. The text is split into words before it is stored, as every database of ours does it. */
const words = (kind: string): string =>
  `CREATE FULLTEXT INDEX tidegate_${kind.toLowerCase()}_text IF NOT EXISTS FOR (n:${kind}) ON EACH [n._text] ` +
  "OPTIONS { indexConfig: { `fulltext.analyzer`: 'whitespace' } }";

/** The label of the one node that says whose database this is. */
export const MARK = "Tidegate";

/** Versions count from 1; a step's place is its version. */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [
    // What everybody is found and locked by (without a constraint a MERGE reads every node of the label).
    ...[MARK, "Entity", "Position", "Ledger", "Outbox", "Parked", "Decision", "Retry", "Sweep"].map(constraint),
    ...["IdempotencyKey", "QueryAnswer", "Consumer"].map(constraint),
    // Whoever is named by `user` is found by its relationships, see shape.ts.
    ...["about", "activity", "message", "of", "session"].map(refers),
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
    ...["Memory", "Session"].flatMap(times),
    words("Memory"),
  ],
  [range("retry_flow", "Retry", "flow", "due")],
];

/**
 * The indexes that kinds and references need and no step makes: those of flows of one's own. They have no number, because
 * they come with a flow and not with a release.
 */
export function ownIndexes(shape: Shape): string[] {
  const released = new Set(MIGRATIONS.flat());
  const fields = shape.fields.filter((field) => shape.relationsBy(field) === undefined);
  const searches = shape.kinds.flatMap((kind) => {
    const search = shape.searchOf(kind);
    if (search === undefined) return [];
    return [...times(kind), ...(search.text.length === 0 ? [] : [words(kind)])];
  });
  return [...fields.map(refers), ...searches].filter((statement) => !released.has(statement));
}
