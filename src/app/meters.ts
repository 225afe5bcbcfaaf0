// What this process measures itself: how long accepting, ticks and transactions take. A thread hands over what it
// measured, and the server adds it to its own.
import type { Path } from "../domain/outcome.ts";
import type { Flow } from "../flows/define.ts";
import type { Accept } from "./accept.ts";
import type { Answer } from "./answer.ts";
import type { Engine } from "./engine.ts";
import { type Counted, createHistogram, type Histogram } from "./histogram.ts";
import type { Tick, TickReport } from "./tick.ts";

/** Flow of a request with several operations, and of one whose flow does not exist. */
const BATCH = "batch";
const OTHER = "other";

const PATHS = ["kafka", "direct", "fallback", "none"] as const satisfies readonly (Path | "none")[];

/** One histogram among those of the requests. */
export interface AcceptSeries {
  readonly flow: string;
  /** `none` where the answer was a problem. */
  readonly path: (typeof PATHS)[number];
  readonly histogram: Histogram;
}

/** What was measured since it was last taken, by the name of the series. Plain data: it travels between threads. */
export type Measured = { readonly [series: string]: Counted };

export interface Meters {
  /** In the order of the flows. */
  readonly accept: readonly AcceptSeries[];
  readonly tick: Histogram;
  readonly apply: Histogram;
  /** Notes one request by its answers. */
  noteAccept(flow: string, answers: readonly Answer[], ms: number): void;
  /** Empties every histogram; null when there is nothing to hand over. */
  take(): Measured | null;
  merge(measured: Measured): void;
}

export function createMeters(flows: readonly Flow[]): Meters {
  const names = [...flows.map(({ name }) => name), BATCH, OTHER];
  const accept = names.flatMap((flow) => PATHS.map((path) => ({ flow, path, histogram: createHistogram() })));
  const tick = createHistogram();
  const apply = createHistogram();
  const series = new Map([
    ["tick", tick],
    ["apply", apply],
  ]);
  const byFlow = new Map<string, Record<AcceptSeries["path"], Histogram>>();
  for (const flow of names) {
    const own = accept.filter((one) => one.flow === flow);
    for (const { path, histogram } of own) series.set(`accept/${flow}/${path}`, histogram);
    byFlow.set(flow, Object.fromEntries(own.map(({ path, histogram }) => [path, histogram])) as never);
  }
  return {
    accept,
    tick,
    apply,
    noteAccept(flow, answers, ms) {
      const first = answers[0];
      if (first === undefined) return;
      const own = byFlow.get(answers.length > 1 ? BATCH : flow) ?? byFlow.get(OTHER)!;
      own["problem" in first ? "none" : first.path].note(ms);
    },
    take() {
      const taken = [...series].flatMap(([name, histogram]) => {
        const counted = histogram.take();
        return counted === null ? [] : [[name, counted] as const];
      });
      return taken.length === 0 ? null : Object.fromEntries(taken);
    },
    merge(measured) {
      for (const [name, counted] of Object.entries(measured)) series.get(name)?.add(counted);
    },
  };
}

/** Time that only goes forward, milliseconds. */
export type Stopwatch = () => number;

/** An `accept` that is timed per call, whatever the call holds. Nobody waits for the noting. */
export function timedAccept(accept: Accept, meters: Meters, nowMs: Stopwatch): Accept {
  return (submissions, tenant, preferences) => {
    const begunMs = nowMs();
    const answering = accept(submissions, tenant, preferences);
    answering.then(
      (answers) => meters.noteAccept(submissions[0]?.flow ?? "", answers, nowMs() - begunMs),
      () => undefined,
    );
    return answering;
  };
}

/** An engine whose transactions are timed, also those that fail. */
export function timedEngine(engine: Engine, meters: Meters, nowMs: Stopwatch): Engine {
  return {
    arrival: (operation, path, countedBy) => engine.arrival(operation, path, countedBy),
    async apply(request) {
      const begunMs = nowMs();
      try {
        return await engine.apply(request);
      } finally {
        meters.apply.note(nowMs() - begunMs);
      }
    },
  };
}

/** A tick that is timed where it found work or failed: an idle one only waits. */
export function timedTick(tick: Tick, meters: Meters, nowMs: Stopwatch): Tick {
  return async (budget) => {
    const begunMs = nowMs();
    const report = await tick(budget);
    if (!isIdle(report)) meters.tick.note(nowMs() - begunMs);
    return report;
  };
}

function isIdle({ records, gap, relayed, swept, more, failures }: TickReport): boolean {
  return !more && records + gap + relayed + swept === 0 && failures.length === 0;
}
