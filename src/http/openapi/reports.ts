// Schemas of what the service says of itself: health, ticks, the accounting, its problems.
import * as z from "zod";
import { code } from "./answers.ts";

const text = z.string();
const count = z.int().min(0);

const age = z.number().nullable().describe("Milliseconds that the oldest has waited; null where none waits.");

const backlog = z.object({
  outbox: count,
  fatal: z.array(text),
  oldestOutboxMs: age,
  sweeps: count,
  parked: count,
  retries: count.describe("Requests whose work with the outside world is to be done."),
  oldestRetryMs: age,
  unseen: count,
});

const kafka = z.object({
  ok: z.boolean(),
  reachable: z.boolean(),
  detail: text,
  breaker: text,
  topicsMissing: z.array(text),
  outbox: count.nullable(),
  outboxOldestMs: age,
  flowsOn: z.array(text),
});

const ready = { ready: z.boolean(), reasons: z.array(text) };

const health = z.object({
  name: text,
  version: text,
  ...ready,
  clockSkewMs: z.number().nullable(),
  backlog: backlog.nullable(),
  kafka,
});

const consumed = { records: count, first: count, duplicate: count, parked: count, gap: count };

const tick = z.object({
  ...consumed,
  relayed: count,
  swept: count,
  prepared: count.describe("Attempts at work with the outside world that were taken up since the last tick."),
  decided: count.describe("Parked records that were replayed or discarded."),
  more: z.boolean(),
  failures: z.array(text),
});

const counts = z.object({
  ...consumed,
  applied: count,
  superseded: count,
  discarded: count,
  foreign: count,
  waiting: z.int(),
  derived: count,
});

const partition = z.object({
  flow: text.nullable().describe("Null when no flow has this topic any more."),
  topic: text,
  partition: count,
  generation: text,
  position: count,
  end: count.nullable(),
  counts,
  closed: z.boolean(),
});

const flow = z.object({
  accounted: count,
  applied: count,
  superseded: count,
  parked: count,
  discarded: count,
  pending: z.int().nullable().describe("Records not read yet and requests that wait; null while Kafka is away."),
  waiting: z.int().describe("Requests whose work with the outside world is to be done."),
  byPath: z.object({ kafka: count, direct: count, fallback: count }),
  foreign: count,
  derived: count.describe("Results of prepared work and decisions, made by the service itself."),
});

const check = z.object({
  closed: z.boolean(),
  atRest: z.boolean(),
  outbox: count,
  retries: count,
  sweeps: count,
  unseen: count,
  decidedDirectly: count.describe("Decisions about parked records that were made with their flow's Kafka off."),
  partitions: z.array(partition),
  flows: z.record(text, flow),
});

const problemPage = z.object({
  type: text,
  code,
  title: text,
  status: z.int(),
  retryable: z.boolean(),
  cause: text,
  remedy: text,
  example: z.looseObject({}),
});

export const reportShapes: { readonly [name: string]: z.ZodType } = {
  Ready: z.object(ready),
  Health: health,
  KafkaHealth: kafka,
  TickReport: tick,
  Check: check,
  ProblemPage: problemPage,
  Home: z.object({
    name: z.string(),
    version: z.string(),
    ready: z.boolean(),
    reasons: z.array(z.string()),
    places: z.array(z.string()).describe("Where to read on."),
  }),
  ProblemList: z.object({
    items: z.array(problemPage.pick({ type: true, code: true, title: true, status: true, retryable: true })),
  }),
  Document: z.looseObject({}),
};
