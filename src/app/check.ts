// The accounting: every record has its place, every accepted operation its outcome. The equation can fail, and says so.
import {
  addCounts,
  type Counts,
  generationAfter,
  isClosed,
  NO_COUNTS,
  parsePositionKey,
  positionKey,
  resetKey,
} from "../domain/accounting.ts";
import type { Flow } from "../flows/define.ts";
import type { Broker } from "../ports/broker.ts";
import type { Database, PositionRow } from "../ports/database.ts";

/** One partition's position against its log. */
export interface PartitionCheck {
  readonly topic: string;
  readonly partition: number;
  readonly generation: string;
  readonly position: number;
  /** Null when the broker does not answer, or the position belongs to a log that is no more. */
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
  const ends = await readEnds(deps, rows);
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
      end: ends?.get(key)?.end ?? null,
      counts,
      closed: isClosed(counts),
    });
  }
  const parked = await deps.database.parkedCounts();
  const { outbox, sweeps, unseen } = await deps.database.backlog();
  const flows = Object.fromEntries(
    deps.flows.map((flow) => [
      flow.name,
      flowCheck(byFlow.get(flow.name)!, parked.get(flow.name) ?? 0, pendingOf(flow, ends, rows)),
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

/** Where each partition of the flows' topics ends, by the key of its position; null when the broker does not answer. */
type Ends = ReadonlyMap<string, { readonly topic: string; readonly end: number }> | null;

async function readEnds({ flows, broker }: CheckDeps, rows: readonly PositionRow[]): Promise<Ends> {
  const resets = new Map(rows.map(({ key, next }) => [key, next]));
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
    const keyOf = (topic: string, partition: number): string => {
      const { generation } = topics.find(({ name }) => name === topic)!;
      const count = resets.get(resetKey(broker.cluster, topic, partition, generation)) ?? 0;
      return positionKey(broker.cluster, topic, partition, generationAfter(generation, count));
    };
    return new Map(read.map(({ topic, partition, end }) => [keyOf(topic, partition), { topic, end }]));
  } catch {
    return null;
  }
}

/** What lies between the positions and the ends of a flow's topic; a log shorter than its position is read again. */
function pendingOf(flow: Flow, ends: Ends, rows: readonly PositionRow[]): number | null {
  if (ends === null) return null;
  const positions = new Map(rows.map(({ key, next }) => [key, next]));
  let pending = 0;
  for (const [key, { topic, end }] of ends) {
    if (topic !== flow.topic) continue;
    const position = positions.get(key) ?? 0;
    pending += position <= end ? end - position : end;
  }
  return pending;
}
