// The service's own report. Readiness stays true while Kafka is down: the fallback works.
import type { Broker } from "../ports/broker.ts";
import type { Clock } from "../ports/clock.ts";
import type { Backlog, Database } from "../ports/database.ts";
import type { Canary } from "./canary.ts";
import type { Lag } from "./lag.ts";
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
  readonly lag: () => Promise<Lag>;
  readonly canary: Canary;
  /** Looks at the broker itself: what is wrong with it, in one line that says what to do; null when all is well. */
  readonly diagnose: () => Promise<string | null>;
  /** Age of the oldest unapplied operation of a flow beyond which the service is not ready; 0 sets no limit. */
  readonly unappliedMsMax: number;
}

export interface Health {
  kafka(): Promise<KafkaHealth>;
  readiness(): Promise<Readiness>;
}

/** How long a diagnosis counts, so that probes cost the proxy little. */
const DIAGNOSIS_FRESH_MS = 10_000;

export function createHealth(deps: HealthDeps): Health {
  const { broker, database, clock, vitals } = deps;
  let diagnosis: Promise<string | null> = Promise.resolve(null);
  let freshUntilMs = 0;
  const diagnose = (): Promise<string | null> => {
    if (clock.nowMs() >= freshUntilMs) {
      freshUntilMs = clock.nowMs() + DIAGNOSIS_FRESH_MS;
      diagnosis = deps.diagnose();
    }
    return diagnosis;
  };
  const ageOf = (atMs: number | null): number | null => (atMs === null ? null : clock.nowMs() - atMs);
  const backlog = async (): Promise<Backlog | Error> => {
    try {
      const { oldestOutboxMs, oldestRetryMs, ...held } = await database.backlog();
      return { ...held, oldestOutboxMs: ageOf(oldestOutboxMs), oldestRetryMs: ageOf(oldestRetryMs) };
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  };
  return {
    async kafka() {
      const asked = await backlog();
      const held = asked instanceof Error ? null : asked;
      const common = {
        breaker: deps.breakerState(),
        outbox: held?.outbox ?? null,
        outboxOldestMs: held?.oldestOutboxMs ?? null,
        flowsOn: [...deps.flowsOn],
      };
      try {
        const known = new Set((await broker.topics(deps.topics)).map(({ name }) => name));
        const topicsMissing = deps.topics.filter((topic) => !known.has(topic));
        const wrong = await diagnose();
        const faults = [
          ...(wrong === null ? [] : [wrong]),
          ...(held?.fatal ?? []),
          ...topicsMissing.map((topic) => `topic ${topic} is missing: run "tidegate topics create"`),
        ];
        const detail = faults.length === 0 ? "Kafka answers and every topic exists" : faults.join("; ");
        return { ok: faults.length === 0, reachable: true, detail, topicsMissing, ...common };
      } catch (error) {
        const detail = (await diagnose()) ?? (error instanceof Error ? error.message : String(error));
        return { ok: false, reachable: false, detail, topicsMissing: [], ...common };
      }
    },
    async readiness() {
      const [held, late] = await Promise.all([backlog(), lateFlows(deps)]);
      const reasons: string[] = [];
      if (held instanceof Error) reasons.push(held.message);
      const clockSkewMs = vitals.skewMs();
      if (clockSkewMs !== null && Math.abs(clockSkewMs) > CLOCK_SKEW_MS_MAX) {
        reasons.push(`this clock is ${clockSkewMs} ms from the database's: nothing is minted`);
      }
      reasons.push(...late);
      return { ready: reasons.length === 0, reasons, clockSkewMs, backlog: held instanceof Error ? null : held };
    },
  };
}

/**
 * The silence alarm: flows whose operations wait too long, whatever keeps them. What cannot be known is no reason, and
 * neither are rows of the outbox: their operations are applied, and it is Kafka that is down.
 */
async function lateFlows({ clock, lag, canary, unappliedMsMax }: HealthDeps): Promise<string[]> {
  if (unappliedMsMax === 0) return [];
  const [{ flows }, flights] = await Promise.all([lag(), canary.flights()]);
  const nowMs = clock.nowMs();
  const late = (ageMs: number, flow: string, what: string): string[] => {
    if (ageMs <= unappliedMsMax) return [];
    const [age, limit] = [ageMs, unappliedMsMax].map((ms) => `${Math.floor(ms / 1_000)} s`);
    return [`flow ${flow}: ${what} is ${age} old (limit ${limit})`];
  };
  return [
    ...[...(flows ?? [])].flatMap(([flow, { sinceMs }]) =>
      late(sinceMs === null ? 0 : nowMs - sinceMs, flow, "the oldest unapplied operation"),
    ),
    ...[...flights].flatMap(([flow, { ms, arrived }]) => late(arrived ? 0 : ms, flow, "a canary that has not arrived")),
  ];
}
