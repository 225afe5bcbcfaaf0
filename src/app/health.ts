// The service's own report. Readiness stays true while Kafka is down: the fallback works.
import type { Broker } from "../ports/broker.ts";
import type { Clock } from "../ports/clock.ts";
import type { Backlog, Database } from "../ports/database.ts";
import { CLOCK_SKEW_MS_MAX, type Vitals } from "./vitals.ts";

/** Kafka as this process sees it. Red (`ok: false`) also while outbox rows wait that will not heal by themselves. */
export interface KafkaHealth {
  readonly ok: boolean;
  readonly reachable: boolean;
  readonly detail: string;
  readonly breaker: string;
  readonly topicsMissing: readonly string[];
  readonly outbox: number | null;
  readonly outboxOldestMs: number | null;
  readonly flowsOn: readonly string[];
}

export interface Readiness {
  readonly ready: boolean;
  /** Why not. */
  readonly reasons: readonly string[];
  readonly clockSkewMs: number | null;
  readonly backlog: Backlog | null;
}

export interface HealthDeps {
  readonly broker: Broker;
  readonly database: Database;
  readonly clock: Clock;
  readonly vitals: Vitals;
  readonly topics: readonly string[];
  readonly flowsOn: ReadonlySet<string>;
  readonly breakerState: () => string;
}

export interface Health {
  kafka(): Promise<KafkaHealth>;
  readiness(): Promise<Readiness>;
}

export function createHealth(deps: HealthDeps): Health {
  const { broker, database, clock, vitals } = deps;
  const backlog = (): Promise<Backlog | null> => database.backlog().catch(() => null);
  return {
    async kafka() {
      const held = await backlog();
      const oldest = held?.oldestOutboxMs ?? null;
      const common = {
        breaker: deps.breakerState(),
        outbox: held?.outbox ?? null,
        outboxOldestMs: oldest === null ? null : clock.nowMs() - oldest,
        flowsOn: [...deps.flowsOn],
      };
      try {
        const known = new Set((await broker.topics(deps.topics)).map(({ name }) => name));
        const topicsMissing = deps.topics.filter((topic) => !known.has(topic));
        const faults = [...(held?.fatal ?? []), ...topicsMissing.map((topic) => `topic ${topic} is missing`)];
        const detail = faults.length === 0 ? "Kafka answers and every topic exists" : faults.join("; ");
        return { ok: faults.length === 0, reachable: true, detail, topicsMissing, ...common };
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        return { ok: false, reachable: false, detail, topicsMissing: [], ...common };
      }
    },
    async readiness() {
      const held = await backlog();
      const reasons: string[] = [];
      if (held === null) reasons.push("the database cannot be reached");
      const clockSkewMs = vitals.skewMs();
      if (clockSkewMs !== null && Math.abs(clockSkewMs) > CLOCK_SKEW_MS_MAX) {
        reasons.push(`this clock is ${clockSkewMs} ms from the database's: nothing is minted`);
      }
      return { ready: reasons.length === 0, reasons, clockSkewMs, backlog: held };
    },
  };
}
