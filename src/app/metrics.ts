// The values of all metrics. Counts come from the position rows, so they are right whatever processes there are and
// however often they restart.
import { addCounts, type Counts, difference, NO_COUNTS } from "../domain/accounting.ts";
import type { Flow } from "../flows/define.ts";
import type { Clock, Delay } from "../ports/clock.ts";
import type { Backlog, Database, PositionRow } from "../ports/database.ts";
import type { Canary } from "./canary.ts";
import { BOUNDS, type Counted, countOf } from "./histogram.ts";
import type { Lag } from "./lag.ts";
import type { Meters } from "./meters.ts";
import { METRICS, type Metric } from "./metric-list.ts";
import { countedAt, countsByFlow, type PathCounts } from "./positions.ts";
import type { Vitals } from "./vitals.ts";

/** One line of a metric; a histogram's have suffixes. */
export interface Sample {
  readonly suffix?: "_bucket" | "_sum" | "_count";
  readonly labels: { readonly [name: string]: string };
  readonly value: number;
}

/** A metric with its lines: none where the value is not known. */
export interface Family extends Metric {
  readonly samples: readonly Sample[];
}

type Samples = Record<(typeof METRICS)[number]["name"], readonly Sample[]>;

export interface MetricsDeps {
  readonly version: string;
  readonly flows: readonly Flow[];
  readonly database: Database;
  readonly clock: Clock;
  readonly lag: () => Promise<Lag>;
  readonly vitals: Vitals;
  readonly meters: Meters;
  readonly breakerState: () => string;
  readonly canary: Canary;
  readonly delay: Delay;
}

/** Who scrapes gives up after ten seconds as a rule: by then the page says that the database does not answer. */
const DATABASE_MS_MAX = 5_000;

/** Every metric with its lines now. */
export type Metrics = () => Promise<readonly Family[]>;

/**
 * Makes the function that gathers. It never throws: what cannot be asked is left out. It reads positions and the small
 * tables of work to do, so its cost does not grow with the ledger or the graph.
 */
export function createMetrics(deps: MetricsDeps): Metrics {
  return async () => {
    const late = deps.delay(DATABASE_MS_MAX).then(() => null);
    const inTime = <Value>(work: Promise<Value>): Promise<Value | null> => Promise.race([work, late]);
    const asked = [inTime(readDatabase(deps.database)), deps.lag(), inTime(deps.canary.flights())] as const;
    const [held, lag, flights] = await Promise.all(asked);
    const samples: Samples = {
      ...databaseSamples(deps, held),
      ...lagSamples(deps, lag),
      ...processSamples(deps),
      tidegate_canary_seconds: [...(flights ?? [])].map(([flow, { ms }]) => ({ labels: { flow }, value: ms / 1_000 })),
      tidegate_up_database: only(held === null ? 0 : 1),
      tidegate_up_kafka: only(lag.reachable ? 1 : 0),
    };
    return METRICS.map((one) => ({ ...one, samples: samples[one.name] }));
  };
}

/** What only the database knows. */
interface Held {
  readonly rows: readonly PositionRow[];
  readonly parked: ReadonlyMap<string, number>;
  readonly backlog: Backlog;
}

async function readDatabase(database: Database): Promise<Held | null> {
  try {
    const [rows, parked, backlog] = await Promise.all([
      database.allPositions(),
      database.parkedCounts(),
      database.backlog(),
    ]);
    return { rows, parked, backlog };
  } catch {
    return null;
  }
}

const PATHS = ["kafka", "direct", "fallback", "prepared", "decided"] as const;
const OUTCOMES = ["applied", "superseded", "discarded"] as const;
const PLACES = ["first", "duplicate", "parked", "gap"] as const;
const BREAKER_STATES = ["closed", "half-open", "open"];

function databaseSamples({ flows, clock }: MetricsDeps, held: Held | null) {
  const byFlow = held === null ? [] : [...countsByFlow(flows, held.rows)].map(([flow, counts]) => ({ flow, counts }));
  const ofFlow = (value: (counts: PathCounts) => number): Sample[] =>
    byFlow.map(({ flow, counts }) => ({ labels: { flow }, value: value(counts) }));
  const total = (value: (backlog: Backlog) => number): Sample[] => (held === null ? [] : only(value(held.backlog)));
  return {
    tidegate_operations_total: byFlow.flatMap(({ flow, counts }) =>
      PATHS.flatMap((path) =>
        OUTCOMES.map((outcome) => ({ labels: { flow, path, outcome }, value: counts[path][outcome] })),
      ),
    ),
    tidegate_foreign_operations_total: ofFlow((counts) => sumOf(counts).foreign),
    tidegate_records_total: byFlow.flatMap(({ flow, counts }) =>
      PLACES.map((place) => ({ labels: { flow, place }, value: counts.kafka[place] })),
    ),
    tidegate_accounting_difference: held === null ? [] : differenceSamples(flows, held),
    tidegate_parked: held === null ? [] : parkedSamples(flows, held),
    tidegate_outbox: total(({ outbox }) => outbox),
    tidegate_outbox_oldest_seconds: total(({ oldestOutboxMs }) => ageSeconds(clock, oldestOutboxMs)),
    tidegate_retries: total(({ retries }) => retries),
    tidegate_retry_oldest_seconds: total(({ oldestRetryMs }) => ageSeconds(clock, oldestRetryMs)),
    tidegate_sweeps: total(({ sweeps }) => sweeps),
    tidegate_unseen_entities: total(({ unseen }) => unseen),
  };
}

function sumOf(counts: PathCounts): Counts {
  return PATHS.map((path) => counts[path]).reduce(addCounts, NO_COUNTS);
}

/** Row by row: two that are wrong in opposite ways do not make a right one. */
function differenceSamples(flows: readonly Flow[], { rows }: Held): Sample[] {
  const sums = new Map(flows.map(({ name }) => [name, 0]));
  for (const { key, counts } of rows) {
    const flow = countedAt(flows, key)?.flow ?? "";
    const held = sums.get(flow);
    if (held !== undefined) sums.set(flow, held + difference(counts));
  }
  return [...sums].map(([flow, value]) => ({ labels: { flow }, value }));
}

/** A record may name any flow: what is none of ours is summed, so that labels stay a closed list. */
function parkedSamples(flows: readonly Flow[], { parked }: Held): Sample[] {
  const own = flows.map(({ name }) => ({ labels: { flow: name }, value: parked.get(name) ?? 0 }));
  const all = [...parked.values()].reduce((sum, count) => sum + count, 0);
  const other = all - own.reduce((sum, { value }) => sum + value, 0);
  return [...own, { labels: { flow: "other" }, value: other }];
}

function lagSamples({ clock }: MetricsDeps, { flows }: Lag) {
  const known = [...(flows ?? [])].flatMap(([flow, { records, sinceMs }]) =>
    records === null ? [] : [{ flow, records, seconds: ageSeconds(clock, sinceMs) }],
  );
  return {
    tidegate_lag_records: known.map(({ flow, records }) => ({ labels: { flow }, value: records })),
    tidegate_lag_seconds: known.map(({ flow, seconds }) => ({ labels: { flow }, value: seconds })),
  };
}

function processSamples({ vitals, meters, breakerState, version }: MetricsDeps) {
  const skewMs = vitals.skewMs();
  const state = breakerState();
  return {
    tidegate_breaker_state: BREAKER_STATES.map((name) => ({ labels: { state: name }, value: name === state ? 1 : 0 })),
    tidegate_clock_skew_seconds: skewMs === null ? [] : only(skewMs / 1_000),
    tidegate_accept_duration_seconds: meters.accept.flatMap(({ flow, path, histogram }) => {
      const counted = histogram.counted();
      return countOf(counted) === 0 ? [] : histogramSamples({ flow, path }, counted);
    }),
    tidegate_apply_duration_seconds: histogramSamples({}, meters.apply.counted()),
    tidegate_tick_duration_seconds: histogramSamples({}, meters.tick.counted()),
    tidegate_build_info: [{ labels: { version }, value: 1 }],
  };
}

/** Buckets of the page hold what lies below them as well. */
function histogramSamples(labels: Sample["labels"], counted: Counted): Sample[] {
  let below = 0;
  const buckets = counted.buckets.map((count, i): Sample => {
    below += count;
    const le = i < BOUNDS.length ? String(BOUNDS[i]) : "+Inf";
    return { suffix: "_bucket", labels: { ...labels, le }, value: below };
  });
  return [...buckets, { suffix: "_sum", labels, value: counted.seconds }, { suffix: "_count", labels, value: below }];
}

function only(value: number): Sample[] {
  return [{ labels: {}, value }];
}

function ageSeconds(clock: Clock, sinceMs: number | null): number {
  return sinceMs === null ? 0 : Math.max(0, clock.nowMs() - sinceMs) / 1_000;
}
