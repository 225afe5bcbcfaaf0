// Data of operations, dense on purpose: few ids, few values, and null, absent and value at similar rates. Sparse data
// did not meet update, delete and create of one entity in 20,000 runs (core-proof c).
import fc from "fast-check";
import type { Plain } from "./case.ts";

type Data = { readonly [name: string]: Plain };

/** What the seeds of one flow and type carry. */
export interface DataArbitrary {
  readonly flow: string;
  readonly type: string;
  readonly weight: number;
  readonly data: fc.Arbitrary<Data>;
}

/** Weights 8:2:1, with the characters that keys have to encode. */
const id: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.constant("x") },
  { weight: 2, arbitrary: fc.constant("b/c") },
  { weight: 1, arbitrary: fc.constant("%2F") },
);

/** Absent (by the record that holds it), null, or a value. */
function nullable<Value extends Plain>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> {
  return fc.oneof(value, fc.constant(null));
}

/** A reference is mostly there: what hides and what is cut needs chains of them. */
const reference = fc.oneof({ weight: 4, arbitrary: id }, { weight: 1, arbitrary: fc.constant(null) });

const text = fc.constantFrom("p", "q");
const time = fc.constantFrom("2020-01-01T00:00:00Z", "2020-01-01T01:30:00.000+01:00", "2021-06-01T12:00:00.500Z");
const metadata: fc.Arbitrary<Plain> = fc.constantFrom({}, { b: 1, a: [null] }, { a: "p" });

const shapes = {
  message: {
    session: id,
    user: id,
    role: fc.constantFrom("user", "assistant"),
    content: text,
    sentAt: nullable(time),
    seq: nullable(fc.nat(2)),
    metadata: nullable(metadata),
  },
  session: {
    user: nullable(id),
    title: nullable(text),
    prompt: nullable(text),
    startedAt: nullable(time),
    endedAt: nullable(time),
    ratings: nullable<Plain>(fc.constantFrom({}, { p: 1 })),
    metadata: nullable(metadata),
  },
  memory: {
    user: id,
    content: text,
    message: reference,
    tags: nullable<Plain>(fc.constantFrom([], ["p"], ["p", "q"])),
    metadata: nullable(metadata),
  },
  activity: {
    session: reference,
    name: text,
    status: nullable(text),
    startedAt: nullable(time),
    metadata: nullable(metadata),
  },
  action: {
    activity: reference,
    webhook: fc.constantFrom("echo", "echo", "nobody"),
    input: fc.constantFrom<Plain>(null, 1, { p: [1] }),
    metadata: nullable(metadata),
  },
};

type Shape = Record<string, fc.Arbitrary<Plain>>;

/** A record of these members, all but `required` absent half of the time. */
function recordOf(shape: Shape, required: readonly string[]): fc.Arbitrary<Data> {
  return fc.record<Data, string>(shape, { requiredKeys: [...required] });
}

/** Creates without an id are rare: what the service names afresh, no other operation meets. */
function create(shape: Shape, required: readonly string[]): fc.Arbitrary<Data> {
  const named = recordOf({ id, ...shape }, ["id", ...required]);
  return fc.oneof({ weight: 14, arbitrary: named }, { weight: 1, arbitrary: recordOf(shape, required) });
}

function update(shape: Shape): fc.Arbitrary<Data> {
  // An update has to name a field.
  return recordOf({ id, ...shape }, ["id"]).map((data) =>
    Object.keys(data).length > 1 ? data : { ...data, metadata: null },
  );
}

const remove: fc.Arbitrary<Data> = fc.record({ id });

const end: fc.Arbitrary<Data> = fc.record(
  { id, endedAt: time, result: fc.constantFrom<Plain>(null, "p", { ok: true }) },
  { requiredKeys: ["id"] },
);

/** One of these members and not the other, with an id of its own or without. */
function oneOf(a: string, b: string): fc.Arbitrary<Data> {
  const about = fc.tuple(fc.constantFrom(a, a, b), id).map(([name, value]): Data => ({ [name]: value }));
  return fc.oneof(
    { weight: 14, arbitrary: fc.tuple(id, about).map(([own, rest]): Data => ({ id: own, ...rest })) },
    { weight: 1, arbitrary: about },
  );
}

const complete: fc.Arbitrary<Data> = fc.record(
  {
    id,
    status: fc.constantFrom("completed", "failed"),
    result: fc.constantFrom<Plain>(null, "p", { ok: true }),
    error: text,
  },
  { requiredKeys: ["id", "status"] },
);

const question = {
  text,
  user: id,
  tags: fc.constantFrom<Plain>([], ["p"]),
  from: time,
  to: time,
  limit: fc.integer({ min: 1, max: 3 }),
};

const aboutKind = fc.constantFrom(
  ...["Message", "Session", "Activity", "User", "Memory", "Event", "Message"],
  ...["Summary", "Thought", "Evaluation", "Action"],
);

const event: fc.Arbitrary<Data> = fc.record(
  {
    id,
    source: fc.constantFrom("/", "s", "s/b"),
    type: text,
    subject: id,
    time,
    data: fc.constantFrom<Plain>(null, 1, "p", { p: [1] }),
    about: fc.record({ kind: aboutKind, id }),
    extensions: fc.constantFrom<Plain>({}, { p: 1, q: true }),
  },
  { requiredKeys: ["id", "type"] },
);

export const dataArbitraries: readonly DataArbitrary[] = [
  {
    flow: "chat-messages",
    type: "create",
    weight: 3,
    data: create(shapes.message, ["session", "user", "content"]),
  },
  { flow: "chat-messages", type: "update", weight: 3, data: update(shapes.message) },
  { flow: "chat-messages", type: "delete", weight: 2, data: remove },
  { flow: "summarization", type: "generate", weight: 3, data: oneOf("session", "user") },
  { flow: "summarization", type: "update", weight: 2, data: fc.record({ id, text }) },
  { flow: "context-analysis", type: "analyze", weight: 3, data: oneOf("message", "session") },
  { flow: "context-analysis", type: "evaluate", weight: 2, data: create({ thought: id }, ["thought"]) },
  { flow: "session", type: "create", weight: 3, data: create(shapes.session, []) },
  { flow: "session", type: "update", weight: 2, data: update(shapes.session) },
  { flow: "session", type: "delete", weight: 3, data: remove },
  {
    flow: "session",
    type: "query",
    weight: 1,
    data: recordOf({ user: id, state: fc.constantFrom("active", "ended"), from: time }, []),
  },
  { flow: "memory", type: "create", weight: 3, data: create(shapes.memory, ["user", "content"]) },
  { flow: "memory", type: "update", weight: 3, data: update(shapes.memory) },
  { flow: "memory", type: "delete", weight: 2, data: remove },
  { flow: "memory", type: "query", weight: 1, data: recordOf(question, []) },
  { flow: "activity", type: "create", weight: 3, data: create(shapes.activity, ["name"]) },
  { flow: "activity", type: "update", weight: 2, data: update(shapes.activity) },
  { flow: "activity", type: "end", weight: 3, data: end },
  { flow: "action", type: "execute", weight: 3, data: create(shapes.action, ["webhook"]) },
  { flow: "action", type: "complete", weight: 2, data: complete },
  { flow: "events", type: "record", weight: 6, data: event },
];
