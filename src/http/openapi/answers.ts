// Schemas of operations and entities as the service takes and answers them.
import * as z from "zod";
import { ERRORS, type ErrorCode } from "../../domain/errors.ts";
import { bulk, edit, nothing } from "../parked.ts";

const text = z.string();
const count = z.int().min(0);
const named = z.object({ kind: text, id: text });
const path = z.enum(["kafka", "direct", "fallback"]);
const stamp = text.describe("Orders the operation; send it back as Tidegate-After to come after it.");

/** Id and what is visible: values that are not null, and what is derived from them. */
const entity = z.object({ id: text }).catchall(z.json());

const answered = z.object({
  items: z.array(entity),
  asOf: z.iso.datetime().describe("When it was answered, within the operation's transaction."),
  positions: z.record(text, count).describe("How far the graph had read each partition then."),
  truncated: z
    .literal(true)
    .optional()
    .describe("More was found than an answer holds, which are 4 MiB of characters: ask for less, or read the list."),
});

/** What an operation shows of itself once it has its outcome. */
const ended = {
  unseen: z.literal(true).optional().describe("Nothing has created the entity yet."),
  lost: z.array(text).optional().describe("Fields in which a later operation stands."),
  current: z
    .union([z.boolean(), z.literal("partly")])
    .optional()
    .describe("Whether what it wrote stands now."),
  appliedAt: z.iso.datetime().optional(),
  result: answered
    .optional()
    .describe(
      "What a query found, while it is kept and the key may see it; of many operations together once each, until they make 4 MiB.",
    ),
  reason: text.optional().describe("Why it is parked, or why its prepared work is still to be done."),
  detail: text.optional(),
};

const answer = z.object({
  id: text.describe("The operation's id; its resource is /v1/operations/{id}."),
  flow: text,
  type: text,
  path: path.describe("How it was carried out: through Kafka, with the flow's Kafka off, or after the broker failed."),
  outcome: z
    .enum(["queued", "pending", "applied", "superseded", "discarded", "parked"])
    .describe("`queued` in Kafka; `pending` while its work with the outside world is to be done; else its outcome."),
  stamp,
  entity: named.describe("What the operation is about; itself where it is about no entity."),
  because: text.optional().describe("Why the operation did not take the way of its flow."),
  values: z
    .record(text, z.json())
    .nullable()
    .optional()
    .describe(
      "The entity as it stands now; null when it or its owner is deleted. Of a batch as long as its answers have no more than 16 MiB.",
    ),
  ...ended,
});

const status = z.object({
  id: text,
  state: z.enum(["pending", "parked", "applied", "superseded", "discarded"]),
  flow: text.optional(),
  type: text.optional(),
  path: path.optional(),
  stamp: stamp.optional(),
  entity: named.optional(),
  ...ended,
  attempts: count.optional().describe("Attempts at its work with the outside world so far."),
  dueAt: z.iso.datetime().optional().describe("When the next attempt is due."),
});

/** Every code there is. */
export const code = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);

const problem = z.looseObject({
  type: text.describe("Address of the page that explains the code."),
  title: text,
  status: z.int(),
  detail: text.describe("What is wrong with this very request."),
  code: code.describe("Stable: branch on it."),
  retryable: z.boolean().describe("Whether the same request may succeed later."),
  errors: z
    .array(z.object({ pointer: text, detail: text }))
    .optional()
    .describe("Where, as JSON Pointers, and what."),
  id: text.optional(),
  stamp: text.optional(),
  retryToken: text.optional().describe("Of outcome_unknown: send it back as Tidegate-Retry."),
  traceId: text.optional().describe("Of internal: names the request in the traces."),
});

const item = z.object({
  flow: text,
  type: text,
  data: z.json().describe("By the schema of the flow's type."),
  key: text.min(1).max(200).optional().describe("The item's idempotency key."),
  after: text.optional(),
  retryToken: text.optional(),
  partitionkey: text.min(1).max(1_000).optional(),
});

const cloudEvent = z.looseObject({
  specversion: z.literal("1.0"),
  id: text,
  source: text,
  type: text,
  subject: text.optional(),
  time: z.iso.datetime({ offset: true }).optional(),
  dataschema: text.optional(),
  datacontenttype: text.optional(),
  data: z.json().optional(),
  data_base64: z.base64().optional(),
});

const neighbourhood = z.object({
  nodes: z.array(z.object({ kind: text, id: text }).catchall(z.json())),
  edges: z.array(z.object({ relation: text, from: named, to: named })),
  truncated: z.boolean().describe("There is more than is shown."),
});

const parked = z.object({
  record: text.describe("Its name: topic/partition/offset, and @log where the log has an id."),
  topic: text,
  partition: count,
  offset: count,
  reason: text,
  detail: text,
  attempts: count.describe("Replays in vain so far."),
  flow: text.nullable(),
  operation: text.nullable().describe("The operation's id, where the record could be read that far."),
  parkedAt: z.iso.datetime(),
});

const inspected = parked.extend({
  bytes: text.nullable().describe("The record's value in base64; null when it could not be read at all."),
  text: text.nullable().describe("The same as text, where it is UTF-8."),
});

const decided = z.object({
  matched: count.describe("Parked records that match now."),
  done: count.describe("Decisions that were accepted; ticks carry them out."),
  refused: z.array(z.object({ record: text, detail: text })),
  next: text.nullable().describe("The cursor that goes on behind these records; null behind the last."),
});

/** An answer within a batch. */
export const acceptedItem = answer.extend({ status: z.union([z.literal(200), z.literal(202)]) });

export const answerShapes: { readonly [name: string]: z.ZodType } = {
  Answer: answer,
  BatchItem: item,
  OperationStatus: status,
  Problem: problem,
  CloudEvent: cloudEvent,
  Entity: entity,
  Neighbourhood: neighbourhood,
  ParkedRecord: parked,
  InspectedRecord: inspected,
  Edit: edit,
  Nothing: nothing,
  Decide: bulk,
  Decided: decided,
};
