// The accounting: every record has its place, every accepted operation its outcome. The equation can fail, and says so.
import { addCounts, type Counts, isClosed, NO_COUNTS, parsePositionKey } from "../domain/accounting.ts";
import type { Flow } from "../flows/define.ts";
import type { Broker } from "../ports/broker.ts";
import type { Database } from "../ports/database.ts";

/** One partition's position against its log. */
export interface PartitionCheck {
  readonly topic: string;
  readonly partition: number;
  readonly generation: string;
  readonly position: number;
  /** Null when the broker does not answer, or knows no such partition any more. */
  readonly end: number | null;
  readonly counts: Counts;
  /** records = first + duplicate + parked + gap. */
  readonly closed: boolean;
}

/** One flow: accepted = applied + superseded + parked + discarded + pending, over client operations by id. */
export interface FlowCheck {
  readonly accounted: number;
  readonly applied: number;
  readonly superseded: number;
  readonly parked: number;
  readonly discarded: number;
  /** Records between our positions and the ends; null when the broker does not answer. */
  readonly pending: number | null;
  readonly byPath: { readonly kafka: number; readonly direct: number; readonly fallback: number };
  /** Operations of foreign producers: a term of their own. */
  readonly foreign: number;
}

export interface Check {
  readonly closed: boolean;
  /** No backlog, no outbox row, no sweep row. */
  readonly atRest: boolean;
  readonly outbox: number;
  readonly sweeps: number;
  readonly unseen: number;
  readonly partitions: readonly PartitionCheck[];
  readonly flows: { readonly [flow: string]: FlowCheck };
}

export interface CheckDeps {
  readonly flows: readonly Flow[];
  readonly broker: Broker;
  readonly database: Database;
}

export async function check(deps: CheckDeps): Promise<Check> {
  const rows = await deps.database.allPositions();
  const ends = await readEnds(deps);
  const partitions: PartitionCheck[] = [];
  const byFlow = new Map(
    deps.flows.map((flow) => [flow.name, { kafka: NO_COUNTS, direct: NO_COUNTS, fallback: NO_COUNTS }]),
  );
  let closed = true;
  for (const { key, next, counts } of rows) {
    if (key.startsWith("reset/")) continue;
    closed &&= isClosed(counts);
    const place = parsePositionKey(key);
    const flow = place.path === "kafka" ? deps.flows.find(({ topic }) => topic === place.topic)?.name : place.flow;
    const sums = byFlow.get(flow ?? "");
    if (sums !== undefined) sums[place.path] = addCounts(sums[place.path], counts);
    if (place.path !== "kafka") continue;
    const { topic, partition, generation } = place;
    partitions.push({
      topic,
      partition,
      generation,
      position: next,
      end: ends?.get(endKey(topic, partition)) ?? null,
      counts,
      closed: isClosed(counts),
    });
  }
  const parked = await deps.database.parkedCounts();
  const { outbox, sweeps, unseen } = await deps.database.backlog();
  const flows = Object.fromEntries(
    deps.flows.map((flow) => [
      flow.name,
      flowCheck(byFlow.get(flow.name)!, parked.get(flow.name) ?? 0, pendingOf(flow, ends, partitions)),
    ]),
  );
  const atRest = outbox + sweeps === 0 && Object.values(flows).every(({ pending }) => pending === 0);
  return { closed, atRest, outbox, sweeps, unseen, partitions, flows };
}

function flowCheck(
  byPath: { kafka: Counts; direct: Counts; fallback: Counts },
  parked: number,
  pending: number | null,
): FlowCheck {
  const { applied, superseded, foreign } = addCounts(addCounts(byPath.kafka, byPath.direct), byPath.fallback);
  return {
    accounted: applied + superseded - foreign + parked + (pending ?? 0),
    applied,
    superseded,
    parked,
    discarded: 0,
    pending,
    byPath: { kafka: byPath.kafka.first, direct: byPath.direct.first, fallback: byPath.fallback.first },
    foreign,
  };
}

const endKey = (topic: string, partition: number): string => `${topic}/${partition}`;

/** End of every partition of the flows' topics; null when the broker does not answer. */
async function readEnds({ flows, broker }: CheckDeps): Promise<Map<string, number> | null> {
  try {
    const topics = await broker.topics([...new Set(flows.map(({ topic }) => topic))]);
    const from = topics.flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({
        topic: name,
        partition,
        offset: Number.MAX_SAFE_INTEGER,
      })),
    );
    if (from.length === 0) return new Map();
    const read = await broker.read(from, { waitMs: 0, bytesMax: 1, recordsMax: 1 });
    return new Map(read.map(({ topic, partition, end }) => [endKey(topic, partition), end]));
  } catch {
    return null;
  }
}

/** What lies between the newest generation's positions and the ends of a flow's topic. */
function pendingOf(flow: Flow, ends: Map<string, number> | null, partitions: readonly PartitionCheck[]): number | null {
  if (ends === null) return null;
  let pending = 0;
  for (const [key, end] of ends) {
    if (!key.startsWith(`${flow.topic}/`)) continue;
    const reached = partitions
      .filter(({ topic, partition }) => endKey(topic, partition) === key)
      .map(({ position }) => position);
    pending += Math.max(0, end - Math.max(0, ...reached.filter((position) => position <= end)));
  }
  return pending;
}
