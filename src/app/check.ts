// The accounting: every record has its place, every accepted operation its outcome. The equation can fail, and says so.
import { addCounts, type Counts, isClosed, NO_COUNTS, parsePositionKey } from "../domain/accounting.ts";
import type { Flow } from "../flows/define.ts";
import type { Broker } from "../ports/broker.ts";
import type { Database, PositionRow } from "../ports/database.ts";
import { countedAt, countsByFlow, type Ends, isReset, type PathCounts, readEnds, unread } from "./positions.ts";

/** One partition's position against its log. */
export interface PartitionCheck {
  /** Null when no flow has this topic any more: nobody reads it, and its counts are in no flow's equation. */
  readonly flow: string | null;
  readonly topic: string;
  readonly partition: number;
  readonly generation: string;
  readonly position: number;
  /** Null when the broker does not answer or tell, or the position belongs to a log that is no more. */
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
  /** Records between our positions and the ends, and requests that wait; null when the broker does not answer or tell. */
  readonly pending: number | null;
  /** Requests whose prepared work is still to be done. */
  readonly waiting: number;
  readonly byPath: { readonly kafka: number; readonly direct: number; readonly fallback: number };
  /** Operations of foreign producers: a term of their own. */
  readonly foreign: number;
  /** Results of prepared work and decisions, made by the service itself: a term of their own. */
  readonly derived: number;
}

export interface Check {
  readonly closed: boolean;
  /** No backlog, no outbox row, no retry row, no sweep row. */
  readonly atRest: boolean;
  readonly outbox: number;
  readonly retries: number;
  readonly sweeps: number;
  readonly unseen: number;
  /** Decisions about parked records that were made with their flow's Kafka off. */
  readonly decidedDirectly: number;
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
  const byFlow = countsByFlow(deps.flows, rows);
  let closed = true;
  for (const { key, next, counts } of rows) {
    if (isReset(key)) continue;
    closed &&= isClosed(counts);
    const place = parsePositionKey(key);
    if (place.path !== "kafka") continue;
    const { topic, partition, generation } = place;
    partitions.push({
      flow: countedAt(deps.flows, key)?.flow ?? null,
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
  const { outbox, retries, sweeps, unseen } = await deps.database.backlog();
  const flows = Object.fromEntries(
    deps.flows.map((flow) => [
      flow.name,
      flowCheck(byFlow.get(flow.name)!, parked.get(flow.name) ?? 0, pendingOf(flow, ends, rows)),
    ]),
  );
  const atRest = outbox + retries + sweeps === 0 && Object.values(flows).every(({ pending }) => pending === 0);
  // Nothing else is the service's own there: canaries and results of prepared work go other ways.
  const decidedDirectly = [...byFlow.values()].reduce((sum, { direct }) => sum + direct.derived, 0);
  return { closed, atRest, outbox, retries, sweeps, unseen, decidedDirectly, partitions, flows };
}

function flowCheck(byPath: PathCounts, parked: number, unread: number | null): FlowCheck {
  const sum = Object.values(byPath).reduce(addCounts, NO_COUNTS);
  const { applied, superseded, discarded, waiting, foreign, derived } = sum;
  const clients = ({ first, derived }: Counts): number => first - derived;
  return {
    accounted: applied + superseded + discarded - foreign - derived + parked + waiting + (unread ?? 0),
    applied,
    superseded,
    parked,
    discarded,
    pending: unread === null ? null : unread + waiting,
    waiting,
    byPath: { kafka: clients(byPath.kafka), direct: clients(byPath.direct), fallback: clients(byPath.fallback) },
    foreign,
    derived,
  };
}

/** What lies between the positions and the ends of a flow's topic; null when some end is not known. */
function pendingOf(flow: Flow, ends: Ends, rows: readonly PositionRow[]): number | null {
  if (ends === null) return null;
  const positions = new Map(rows.map(({ key, next }) => [key, next]));
  let pending = 0;
  for (const [key, { topic, end }] of ends) {
    if (!flow.topics.includes(topic)) continue;
    if (end === null) return null;
    pending += unread(positions.get(key) ?? 0, end);
  }
  return pending;
}
