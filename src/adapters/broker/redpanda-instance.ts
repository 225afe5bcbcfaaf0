// What Redpanda's proxy does through consumer instances alone, which it can subscribe but not assign: finding where a
// log begins, and committing a position for dashboards. READ IN SOURCE, never run here.
import type { Broker, ReadFrom } from "../../ports/broker.ts";
import type { CountedCall } from "./counted-call.ts";
import { LATE, within } from "./deadline.ts";
import { nameOf } from "./place-name.ts";
import { fieldsOf, isCount, unavailable } from "./proxy-answer.ts";
import type { ProxyCall } from "./proxy-call.ts";

const META = "application/vnd.kafka.v2+json";
const BINARY = "application/vnd.kafka.binary.v2+json";
const POLLS_MAX = 40;
/** Polls that may give nothing: it takes some until the group is joined. */
const EMPTY_POLLS_MAX = 5;
const POLL_MS = 300;
/** Room for what lies before a place that is looked for: neighbours give all they have first. */
const POLL_BYTES = 4 * 1_048_576;
/**
 * How long a look may take. The proxy creates a consumer once it has joined, and a group that is new, as each look's is, waits
 * for other members first: `group_initial_rebalance_delay`, 3 s unless set otherwise. The polls and the leaving come on top.
 */
const LOOK_MS_MAX = 7_000;
/** The same as a part of the read's deadline, which would otherwise take the records of the others with it. */
const LOOK_PART = 0.7;
const DELETE_MS = 2_000;

/** A look with the polls of a group that is slow to join: made, subscribed, polled, deleted. */
export const LOOK_REQUESTS = 10;
/** A report: made, subscribed, committed, deleted. */
export const REPORT_REQUESTS = 4;

/** Offsets of the first and the last record that a partition gave. */
export interface SeenOffsets {
  readonly first: number;
  readonly last: number;
}

/**
 * What a look at the beginning of each partition shows, by topic/partition; those that gave nothing are left out. `readMs` is
 * how long the read may take that the look is part of; LOOK_REQUESTS have to be left. Throws AppError `broker_unavailable`.
 */
export async function seenOffsets(
  counted: CountedCall,
  places: readonly ReadFrom[],
  readMs: number,
  caller?: AbortSignal,
): Promise<Map<string, SeenOffsets>> {
  const lookMs = Math.min(LOOK_MS_MAX, readMs * LOOK_PART);
  // A group that nobody has used has no committed offsets, so it starts at the earliest records.
  const group = `tidegate-look-${crypto.randomUUID()}`;
  const found = new Map<string, SeenOffsets>();
  const end = await within(lookMs, caller, (signal) =>
    subscribed(counted.call, group, places, signal, (path) => pollInto(found, counted, path, places, signal)),
  );
  if (end === LATE && found.size === 0) throw unavailable("find where logs begin", `no answer within ${lookMs} ms`);
  return found;
}

async function pollInto(
  found: Map<string, SeenOffsets>,
  { call, left }: CountedCall,
  path: string,
  places: readonly ReadFrom[],
  signal: AbortSignal,
): Promise<void> {
  // One request is kept for deleting the consumer.
  const isDone = () => left() <= 1 || places.every((at) => found.has(nameOf(at)));
  for (let polls = 0, empty = 0; polls < POLLS_MAX && empty < EMPTY_POLLS_MAX && !isDone(); polls++) {
    const query = `?timeout=${POLL_MS}&max_bytes=${POLL_BYTES}`;
    const answer = await call({ method: "GET", path: `${path}/records${query}`, accept: BINARY, signal });
    if (answer.kind !== "answered" || answer.status !== 200 || !Array.isArray(answer.body)) break;
    if (answer.body.length === 0) empty++;
    for (const entry of answer.body) note(found, entry);
  }
}

function note(found: Map<string, SeenOffsets>, entry: unknown): void {
  const { topic, partition, offset } = fieldsOf(entry);
  if (!isCount(offset)) return;
  const name = nameOf({ topic, partition });
  const { first, last } = found.get(name) ?? { first: offset, last: offset };
  found.set(name, { first: Math.min(first, offset), last: Math.max(last, offset) });
}

/** Commits the last record processed, which is what the proxy goes on behind since redpanda#31112. */
export function subscribedReport(call: ProxyCall, group: string): NonNullable<Broker["reportPosition"]> {
  return async (positions, signal) => {
    const partitions = positions
      .filter(({ offset }) => offset > 0)
      .map(({ topic, partition, offset }) => ({ topic, partition, offset: offset - 1 }));
    if (partitions.length === 0) return;
    await subscribed(call, group, positions, signal, async (path) => {
      const body = JSON.stringify({ partitions });
      const answer = await call({
        method: "POST",
        path: `${path}/offsets`,
        contentType: META,
        accept: META,
        body,
        signal,
      });
      if (answer.kind === "answered" && answer.status < 300) return;
      throw unavailable(
        "report positions",
        answer.kind === "answered" ? `proxy answered ${answer.status}` : answer.reason,
      );
    });
  };
}

async function subscribed<Result>(
  call: ProxyCall,
  group: string,
  places: readonly ReadFrom[],
  signal: AbortSignal | undefined,
  work: (path: string) => Promise<Result>,
): Promise<Result> {
  const name = `tidegate-${crypto.randomUUID()}`;
  const path = `/consumers/${encodeURIComponent(group)}/instances/${name}`;
  const post = async (at: string, body: object): Promise<void> => {
    const request = { method: "POST", path: at, contentType: META, accept: META } as const;
    const answer = await call({ ...request, body: JSON.stringify(body), signal });
    if (answer.kind === "answered" && answer.status < 300) return;
    const reason = answer.kind === "answered" ? `proxy answered ${answer.status}` : answer.reason;
    throw unavailable("use a consumer instance", reason);
  };
  try {
    // Only these values are allowed, as texts.
    await post(`/consumers/${encodeURIComponent(group)}`, {
      name,
      format: "binary",
      "auto.offset.reset": "earliest",
      "auto.commit.enable": "false",
    });
    await post(`${path}/subscription`, { topics: [...new Set(places.map(({ topic }) => topic))] });
    return await work(path);
  } finally {
    await call({ method: "DELETE", path, contentType: META, accept: META, signal: AbortSignal.timeout(DELETE_MS) });
  }
}
