// The graph from the log alone: ticks from the first record to the last, into an empty database. Nothing is called out.
import { AppError } from "../domain/errors.ts";
import type { Database } from "../ports/database.ts";
import type { Check } from "./check.ts";
import type { Consumed, TickBudget } from "./consume.ts";
import { NOTHING_CONSUMED } from "./consume.ts";
import type { Tick } from "./tick.ts";

/** What was read, and what keeps the graph from being equal to the one the log's operations made. */
export interface Rebuilt extends Omit<Consumed, "more"> {
  readonly obstacles: readonly string[];
}

/** Ticks to rest; throws AppError `broker_unavailable` or `graph_unavailable` when a tick could not do its work. */
export async function rebuild(tick: Tick, budget: TickBudget, database: Pick<Database, "backlog">): Promise<Rebuilt> {
  const total = { ...NOTHING_CONSUMED };
  for (let more = true; more; ) {
    const report = await tick({ ...budget, waitMs: 0 });
    if (report.failures.length > 0)
      throw new AppError("broker_unavailable", `Cannot rebuild: ${report.failures.join("; ")}`);
    for (const name of ["records", "first", "duplicate", "parked", "gap"] as const) total[name] += report[name];
    more = report.more || report.records + report.decided + report.swept > 0;
  }
  const { more: _, ...counts } = total;
  const { retries } = await database.backlog();
  const obstacles = [
    ...(counts.gap > 0 ? [`retention removed ${counts.gap} records from the log`] : []),
    ...(retries > 0 ? [`${retries} requests have no result in the log: they are pending again`] : []),
  ];
  return { ...counts, obstacles };
}

/** What the database that is in use knows and the log does not (core-proof #36). */
export function obstaclesIn(check: Check): string[] {
  const direct = Object.values(check.flows).reduce((sum, flow) => sum + flow.byPath.direct, 0);
  const unread = new Set(check.partitions.filter(({ flow }) => flow === null).map(({ topic }) => topic));
  return [
    ...(direct > 0
      ? [`${direct} operations were applied directly, with their flow's Kafka off, and are not in the log`]
      : []),
    ...(check.decidedDirectly > 0
      ? [
          `${check.decidedDirectly} decisions about parked records were made with their flow's Kafka off, and are not in the log`,
        ]
      : []),
    ...(unread.size > 0 ? [`no flow reads ${[...unread].join(", ")} any more; EVENT_TOPICS can name a topic`] : []),
    ...(check.retries > 0 ? [`${check.retries} requests still wait for their prepared work`] : []),
    ...(check.outbox > 0 ? [`${check.outbox} operations wait in the outbox and are not in the log yet`] : []),
  ];
}
