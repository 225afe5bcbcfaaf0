// Due requests of several flows one after the other, so that a flow whose calls hang does not stand before all others.
import type { RetryRow } from "../../ports/database.ts";

/** The first of each flow, then the second of each, and so on; of one flow the longest due first. */
export function inTurn(rows: readonly RetryRow[]): RetryRow[] {
  const flows = [...Map.groupBy(rows, ({ flow }) => flow).values()];
  for (const own of flows) own.sort((a, b) => a.dueMs - b.dueMs || (a.key < b.key ? -1 : 1));
  const turns = Math.max(0, ...flows.map(({ length }) => length));
  return Array.from({ length: turns }, (_, turn) => flows.flatMap((own) => own[turn] ?? [])).flat();
}
