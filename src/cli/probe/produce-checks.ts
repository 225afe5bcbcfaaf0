// Checks of producing: its shapes, and what a proxy says of records that it does not take.
import { fieldsOf } from "../../adapters/broker/proxy-answer.ts";
import { type Check, type Finding, no, partly, unknown, yes } from "./finding.ts";
import { b64, getOne, put, putOne, type Session, said, textOf } from "./session.ts";

const UPSTASH = { upstash: "it takes texts at /produce" };
const OVERSIZE_BYTES = 1_200_000;

/** Puts a value in a format and compares the bytes that lie in the topic. */
async function kept(session: Session, format: string, value: unknown, bytes: string): Promise<Finding> {
  const offset = await putOne(session, { value }, format);
  if (typeof offset === "string") return no(offset);
  const record = await getOne(session, offset);
  if (record === undefined) return unknown("the record was acknowledged and cannot be read");
  const found = textOf(record.value);
  return found === bytes ? yes("as it was sent") : no(`${bytes} became ${found === "" ? "empty bytes" : found}`);
}

export const produceChecks: readonly Check[] = [
  {
    id: "produce-binary",
    question: "Takes bytes (binary format)",
    notFor: UPSTASH,
    run: (session) => kept(session, "binary", b64("a \0 z"), "a \0 z"),
  },
  {
    id: "produce-json",
    question: "Takes JSON",
    notFor: UPSTASH,
    run: (session) => kept(session, "json", { a: 1 }, '{"a":1}'),
  },
  {
    id: "produce-text",
    question: "Takes text",
    notFor: UPSTASH,
    run: (session) => kept(session, "text", "plain", "plain"),
  },
  {
    id: "produce-partition",
    question: "Produces to a partition by its path",
    notFor: UPSTASH,
    async run(session) {
      const { reply, offsets } = await put(
        session,
        [{ value: b64("p") }],
        "binary",
        `/topics/${session.topic}/partitions/1`,
      );
      return offsets[0]?.partition === 1 ? yes(`${reply.status}`) : no(said(reply));
    },
  },
  {
    id: "produce-v3",
    question: "Has Confluent's v3 produce",
    async run(session) {
      const clusters = await session.ask("GET", "/v3/clusters", { accept: "application/json" });
      const { data } = fieldsOf(clusters.json);
      const id = Array.isArray(data) ? fieldsOf(data[0]).cluster_id : undefined;
      if (typeof id !== "string") return no(said(clusters));
      const path = `/v3/clusters/${id}/topics/${session.topic}/records`;
      const record = { value: { type: "BINARY", data: b64("v3") } };
      const json = { type: "application/json", accept: "application/json" };
      const one = await session.ask("POST", path, { ...json, body: record });
      const batch = await session.ask("POST", `${path}:batch`, {
        ...json,
        body: { entries: [{ id: "0", ...record }] },
      });
      const has = (status: number): string => (status >= 200 && status < 300 ? "yes" : `no (${status})`);
      return one.status === 200 ? yes(`stream yes, records:batch ${has(batch.status)}`) : no(said(one));
    },
  },
  {
    id: "record-errors",
    question: "Answers for each record of a batch",
    notFor: UPSTASH,
    async run(session) {
      const { reply, offsets } = await put(session, [
        { partition: 0, value: b64("good") },
        { partition: 0, value: b64("good as well") },
        { partition: 77, value: b64("no such partition") },
      ]);
      if (reply.failure !== undefined)
        return no(`${reply.failure} when one record names a partition that is not there`);
      const [good, , bad] = offsets;
      if (offsets.length < 2) return no(`the whole request is refused: ${said(reply)}`);
      if (offsets.length !== 3) return partly(`HTTP ${reply.status}, ${offsets.length} results for three records`);
      const { error_code } = fieldsOf(bad?.entry);
      const answer = `HTTP ${reply.status}, code ${String(error_code)} for the bad record`;
      return good?.offset !== null && bad?.offset === null ? yes(answer) : partly(answer);
    },
  },
  {
    id: "unknown-topic",
    question: "Refuses a topic that is not there",
    notFor: UPSTASH,
    async run(session) {
      const topic = `${session.topic}.unknown`;
      const { reply, offsets } = await put(session, [{ value: b64("x") }], "binary", `/topics/${topic}`);
      if (typeof offsets[0]?.offset === "number") {
        session.made.add(topic);
        return no("the topic is made by the first record");
      }
      // Nobody knows, since the answer was not waited for.
      if (reply.failure !== undefined && session.signal.aborted) session.made.add(topic);
      if (reply.failure !== undefined) return partly(reply.failure);
      const { error_code } = fieldsOf(offsets[0]?.entry);
      return yes(
        error_code === undefined ? said(reply) : `HTTP ${reply.status}, code ${String(error_code)} for the record`,
      );
    },
  },
  {
    id: "tombstone",
    question: "Keeps a null value (tombstone)",
    notFor: UPSTASH,
    async run(session) {
      const offset = await putOne(session, { key: b64("k"), value: null });
      if (typeof offset === "string") return no(offset);
      const record = await getOne(session, offset);
      if (record === undefined) return unknown("the record was acknowledged and cannot be read");
      return record.value === null ? yes("null comes back as null") : no(`null became ${record.value.length} bytes`);
    },
  },
  {
    id: "falsy-json",
    question: 'Keeps falsy JSON ({}, 0, "", false)',
    notFor: UPSTASH,
    async run(session) {
      const wrong: string[] = [];
      for (const value of [{}, 0, "", false]) {
        const { verdict, detail } = await kept(session, "json", value, JSON.stringify(value));
        if (verdict !== "yes") wrong.push(`${JSON.stringify(value)}: ${detail.replace(/ \(.*/, "")}`);
      }
      if (wrong.length === 0) return yes("all four");
      return wrong.length < 4 ? partly(wrong.join("; ")) : no(wrong.join("; "));
    },
  },
  {
    id: "oversize",
    question: "Refuses a record of 1.2 MB, and says so",
    notFor: UPSTASH,
    async run(session) {
      const offset = await putOne(session, { value: b64("x".repeat(OVERSIZE_BYTES)) });
      if (typeof offset === "number") return partly("it takes it");
      return /^no answer/.test(offset) ? no(offset) : yes(offset);
    },
  },
];
