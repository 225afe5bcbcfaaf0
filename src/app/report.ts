// Our positions as those of a consumer group, for people's lag dashboards. Best effort: nothing ever reads them back.
import { topicsOf } from "../flows/configure.ts";
import type { Flow } from "../flows/define.ts";
import { type Broker, NO_REQUESTS } from "../ports/broker.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import { type Allowance, affordable, NEEDS } from "./allowance.ts";
import type { Log } from "./log.ts";
import { placesIn } from "./positions.ts";

/** How often positions are reported at most. */
const REPORT_EVERY_MS = 10_000;

export interface ReportDeps {
  readonly flows: readonly Flow[];
  readonly broker: Broker;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** Makes the function that reports what has moved since it last did, where its requests are left. It never throws: a failure is a line of the log. */
export function createReport(deps: ReportDeps): (allowance: Allowance) => Promise<void> {
  const { flows, broker, database, clock, log } = deps;
  const cost = broker.requests ?? NO_REQUESTS;
  const needs = NEEDS.positions + cost.topics(topicsOf(flows).length) + cost.report;
  const reported = new Map<string, number>();
  let dueMs = 0;
  return async (allowance) => {
    if (broker.reportPosition === undefined || clock.nowMs() < dueMs || affordable(allowance, needs, 1) === 0) return;
    dueMs = clock.nowMs() + REPORT_EVERY_MS;
    try {
      const topics = await broker.topics(topicsOf(flows));
      const places = placesIn(topics, broker.cluster, await database.allPositions());
      const moved = places.filter(({ key, offset }) => offset > 0 && reported.get(key) !== offset);
      if (moved.length === 0) return;
      await broker.reportPosition(moved.map(({ topic, partition, offset }) => ({ topic, partition, offset })));
      for (const { key, offset } of moved) reported.set(key, offset);
    } catch (error) {
      log.reportFailed(error);
    }
  };
}
