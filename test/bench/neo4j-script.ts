// The floor of ticks into Neo4j: a hand-written program that consumes over TCP and writes several UNWIND MERGE statements a
// transaction, with a ledger and a position, in batches of 1,000. Its nodes have labels of their own. Prints one JSON line.
// Usage: neo4j-script.ts BROKER TOPICS(comma) COUNT BOLT USER PASSWORD
import { randomUUID } from "node:crypto";
import { Consumer, MessagesStreamModes, stringDeserializers } from "@platformatic/kafka";
import neo4j from "neo4j-driver";

const [broker = "", topics = "", count = "0", bolt = "", user = "", password = ""] = process.argv.slice(2);
const BATCH = 1_000;

interface Recorded {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly [name: string]: unknown };
}

const driver = neo4j.driver(bolt, neo4j.auth.basic(user, password), { disableLosslessIntegers: true });
for (const label of ["FloorSession", "FloorUser", "FloorMessage", "FloorLedger", "FloorPosition"]) {
  await driver.executeQuery(`CREATE CONSTRAINT IF NOT EXISTS FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
}
await driver.executeQuery("CALL db.awaitIndexes()");
const consumer = new Consumer({
  groupId: `floor-${randomUUID()}`,
  clientId: "floor",
  bootstrapBrokers: [broker],
  deserializers: stringDeserializers,
});
const stream = await consumer.consume({
  topics: topics.split(","),
  mode: MessagesStreamModes.EARLIEST,
  autocommit: false,
  maxWaitTime: 100,
});
let began = 0;
let done = 0;
let batch: Recorded[] = [];
const positions = new Map<string, number>();
for await (const { value, topic, partition, offset } of stream) {
  if (began === 0) began = performance.now();
  batch.push(JSON.parse(value) as Recorded);
  positions.set(`${topic}/${partition}`, Number(offset) + 1);
  if (batch.length < BATCH && done + batch.length < Number(count)) continue;
  await write(batch);
  done += batch.length;
  batch = [];
  if (done >= Number(count)) break;
}
console.log(JSON.stringify({ rate: done / ((performance.now() - began) / 1_000) }));
await driver.close();
process.exit(0);

async function write(records: readonly Recorded[]): Promise<void> {
  const [sessions, messages] = [true, false].map((isSession) =>
    records
      .filter(({ type }) => type.includes(".session.") === isSession)
      .map(({ data }) => ({ ...data, ratings: JSON.stringify(data.ratings ?? null) })),
  );
  const session = driver.session();
  await session.executeWrite(async (transaction) => {
    await transaction.run(
      "UNWIND $rows AS r MERGE (s:FloorSession {id: r.id}) SET s.prompt = r.prompt, s.startedAt = r.startedAt, s.ratings = r.ratings",
      { rows: sessions },
    );
    await transaction.run(
      "UNWIND $rows AS r MERGE (m:FloorMessage {id: r.id}) SET m.content = r.content, m.sentAt = r.sentAt, m.seq = r.seq",
      { rows: messages },
    );
    await transaction.run(
      "UNWIND $rows AS r MATCH (m:FloorMessage {id: r.id}) MERGE (s:FloorSession {id: r.session}) MERGE (s)-[:CONTAINS]->(m)",
      { rows: messages },
    );
    await transaction.run(
      "UNWIND $rows AS r MATCH (m:FloorMessage {id: r.id}) MERGE (u:FloorUser {id: r.user}) MERGE (u)-[:SENT]->(m)",
      { rows: messages },
    );
    await transaction.run(
      "UNWIND $rows AS r MERGE (l:FloorLedger {id: r.id}) SET l.at = timestamp(), l.type = r.type",
      {
        rows: records.map(({ id, type }) => ({ id, type })),
      },
    );
    await transaction.run("UNWIND $rows AS r MERGE (p:FloorPosition {id: r.id}) SET p.at = r.at", {
      rows: [...positions].map(([id, at]) => ({ id, at })),
    });
  });
  await session.close();
}
