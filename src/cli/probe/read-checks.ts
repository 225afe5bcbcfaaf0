// Checks of reading: what comes back, from where, and what an instance remembers.
import { fieldsOf, isCount } from "../../adapters/broker/proxy-answer.ts";
import { type Check, type Finding, no, partly, unknown, yes } from "./finding.ts";
import { entriesOf, readSome, standingAt, withProbe } from "./instance.ts";
import { ASK_MS, b64, META, putOne, type Session, said, typeOf } from "./session.ts";

const NO_ASSIGN = { redpanda: "it assigns no partitions", upstash: "it has no instances to assign" };
const NO_INSTANCES = { upstash: "instances are made by reading" };
const SMALL_BYTES = 1_000;

/** Puts records to partition 0; answers their offsets, or what was said of one that was not taken. */
async function putAll(session: Session, records: readonly object[]): Promise<number[] | string> {
  const offsets: number[] = [];
  for (const record of records) {
    const offset = await putOne(session, record);
    if (typeof offset === "string") return offset;
    offsets.push(offset);
  }
  return offsets;
}

/** Puts a record with a member and looks whether an instance gives it back. */
async function memberKept(session: Session, name: string, value: unknown): Promise<Finding> {
  const offset = await putOne(session, { value: b64("m"), [name]: value });
  if (typeof offset === "string") return no(`a record that has any is refused: ${offset}`);
  return standingAt(session, "binary", offset, async (instance) => {
    const reply = await readSome(instance);
    const entry = entriesOf(reply).find((each) => each.offset === offset);
    if (entry === undefined) return unknown(`the record cannot be read: ${said(reply)}`);
    return JSON.stringify(entry[name]) === JSON.stringify(value) ? yes("both ways") : no("they are dropped");
  });
}

export const readChecks: readonly Check[] = [
  {
    id: "headers",
    question: "Carries record headers",
    notFor: NO_ASSIGN,
    run: (session) => memberKept(session, "headers", [{ key: "h", value: b64("v") }]),
  },
  {
    id: "timestamps",
    question: "Carries a record's own timestamp",
    notFor: NO_ASSIGN,
    run: (session) => memberKept(session, "timestamp", 1_700_000_000_000),
  },
  {
    id: "poison",
    question: "Reads on past a value that is not JSON (JSON consumer)",
    notFor: NO_ASSIGN,
    async run(session) {
      const offsets = await putAll(session, [{ value: b64([0xff, 0xfe]) }, { value: b64('{"after":1}') }]);
      if (typeof offsets === "string") return unknown(offsets);
      return standingAt(session, "json", offsets[0]!, async (instance) => {
        const first = await readSome(instance);
        if (first.status === 200) return yes(`${entriesOf(first).length} records come`);
        const next = await readSome(instance);
        const after = entriesOf(next).some(({ offset }) => offset === offsets[1]);
        const lost = next.status === 200 ? "what lay behind it is lost to the instance" : "so does every read after it";
        const end = after ? "the next read goes on behind it" : lost;
        return no(`the whole read fails with ${first.status}, and ${end}`);
      });
    },
  },
  {
    id: "max-bytes",
    question: "Gives a record larger than max_bytes",
    notFor: NO_ASSIGN,
    async run(session) {
      const offset = await putOne(session, { value: b64("x".repeat(5 * SMALL_BYTES)) });
      if (typeof offset === "string") return unknown(offset);
      return standingAt(session, "binary", offset, async (instance) => {
        const query = `?timeout=500&max_bytes=${SMALL_BYTES}`;
        const reply = await readSome(instance, query);
        if (reply.status !== 200) return no(`the read fails with ${said(reply)}`);
        return entriesOf(reply).length > 0 ? yes("it comes alone or with others") : no("it answers [] again and again");
      });
    },
  },
  {
    id: "seek",
    question: "Reads from an offset (seek), also after a read",
    notFor: NO_ASSIGN,
    async run(session) {
      const offsets = await putAll(session, [{ value: b64("1") }, { value: b64("2") }]);
      if (typeof offsets === "string") return unknown(offsets);
      const [first, second] = offsets as [number, number];
      return standingAt(session, "binary", second, async (instance) => {
        const start = entriesOf(await readSome(instance))[0]?.offset;
        if (start !== second) return no(`asked for ${second}, it gave ${String(start)}`);
        await instance.post("/positions", { offsets: [{ topic: session.topic, partition: 0, offset: first }] });
        const back = entriesOf(await readSome(instance))[0]?.offset;
        return back === first ? yes("before and after a read") : partly("only before the first read of an instance");
      });
    },
  },
  {
    id: "commit",
    question: "What a commit of offset X means",
    notFor: NO_ASSIGN,
    async run(session) {
      const offsets = await putAll(
        session,
        [1, 2, 3].map(() => ({ value: b64("c") })),
      );
      if (typeof offsets === "string") return unknown(offsets);
      const committed = offsets[1]!;
      const group = `tidegate-probe-${crypto.randomUUID()}`;
      const place = { topic: session.topic, partition: 0 };
      const first = async (offset?: number): Promise<unknown> =>
        withProbe(
          session,
          "binary",
          async (instance) => {
            await instance.post("/assignments", { partitions: [place] });
            if (offset === undefined) return entriesOf(await readSome(instance))[0]?.offset;
            return (await instance.post("/offsets", { offsets: [{ ...place, offset }] })).status;
          },
          group,
        );
      const status = await first(committed);
      if (status !== 200 && status !== 204) return no(`a commit is refused with ${String(status)}`);
      const start = await first();
      if (start === committed) return yes("X is the next to read");
      if (start === committed + 1) return yes("X is the last one processed");
      return no(`a new instance of the group starts at ${String(start)}, whatever was committed (${committed})`);
    },
  },
  {
    id: "expired",
    question: "Says that an instance is gone",
    notFor: NO_INSTANCES,
    async run(session) {
      const path = "/consumers/tidegate-probe/instances/gone/records";
      const reply = await session.ask("GET", path, { accept: typeOf("binary") });
      return reply.status === 404 ? yes(said(reply)) : no(said(reply));
    },
  },
  {
    id: "stateless",
    question: "Reads by offset without an instance",
    async run(session) {
      const { topic } = session;
      const many = await session.ask("POST", "/partitions/records", {
        type: typeOf("binary"),
        accept: typeOf("binary"),
        body: { partitions: [{ topic, partition: 0, offset: 0 }], timeout: 0, max_bytes: 1_000, max_records: 1 },
      });
      if (Array.isArray(fieldsOf(many.json).partitions)) return yes("many partitions in one request");
      const path = `/topics/${topic}/partitions/0/records?offset=0&timeout=100&max_bytes=1000`;
      const one = await session.ask("GET", path, { accept: typeOf("binary") });
      if (Array.isArray(one.json)) return yes("one partition in a request");
      const body = { topic, partition: 0, offset: 0, timeout: 100 };
      const fetched = await session.ask("POST", "/fetch", {
        type: "application/json",
        accept: "application/json",
        body,
      });
      return Array.isArray(fetched.json) ? yes("one topic in a request") : no("neither of the three known ways");
    },
  },
  {
    id: "ends",
    question: "Says where partitions begin and end",
    async run(session) {
      const reply = await session.ask("GET", `/topics/${session.topic}/partitions/0/offsets`, { accept: META });
      const { beginning_offset, end_offset } = fieldsOf(reply.json);
      if (isCount(beginning_offset) && isCount(end_offset)) return yes("for each partition");
      const [read] = await session.broker.read([{ topic: session.topic, partition: 0, offset: 0 }], {
        waitMs: 0,
        bytesMax: 1_000,
        recordsMax: 1,
        signal: AbortSignal.any([session.signal, AbortSignal.timeout(ASK_MS)]),
      });
      return typeof read?.end === "number" ? yes("in a request of its own") : no(said(reply));
    },
  },
];
