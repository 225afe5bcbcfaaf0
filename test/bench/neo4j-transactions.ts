// The floor of synchronous operations on Neo4j: clients that write a message each in an explicit transaction of its own.
// Prints one JSON line. Usage: neo4j-transactions.ts DATA CLIENTS COUNT different|one BOLT USER PASSWORD
import { randomUUID } from "node:crypto";
import neo4j from "neo4j-driver";
import { readOperations } from "./operations.ts";

const [data = "", clients = "32", count = "0", where = "different", bolt = "", user = "", password = ""] =
  process.argv.slice(2);
const driver = neo4j.driver(bolt, neo4j.auth.basic(user, password), { disableLosslessIntegers: true });
for (const label of ["FloorSession", "FloorUser", "FloorMessage", "FloorLedger"]) {
  await driver.executeQuery(`CREATE CONSTRAINT IF NOT EXISTS FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
}
await driver.executeQuery("CALL db.awaitIndexes()");
const messages = readOperations(data, 4_000).filter(({ flow }) => flow === "chat-messages");
let next = 0;

async function client(number: number, until: number): Promise<void> {
  while (next < until) {
    const { data: message } = messages[next++ % messages.length]!;
    const session = driver.session();
    await session.executeWrite(async (transaction) => {
      const row = {
        ...message,
        id: randomUUID(),
        session: where === "one" ? "one" : `client-${number}`,
        operation: randomUUID(),
      };
      await transaction.run("MERGE (s:FloorSession {id: $session}) SET s.touched = timestamp()", row);
      await transaction.run(
        "MATCH (s:FloorSession {id: $session}) MERGE (u:FloorUser {id: $user}) CREATE (m:FloorMessage {id: $id, content: $content, sentAt: $sentAt, seq: $seq}) CREATE (s)-[:CONTAINS]->(m) CREATE (u)-[:SENT]->(m)",
        row,
      );
      await transaction.run("CREATE (l:FloorLedger {id: $operation, at: timestamp()})", row);
    });
    await session.close();
  }
}

const all = (until: number) => Promise.all(Array.from({ length: Number(clients) }, (_, i) => client(i, until)));
await all(Number(clients) * 4);
const from = next;
const began = performance.now();
await all(from + Number(count));
console.log(JSON.stringify({ rate: (next - from) / ((performance.now() - began) / 1_000) }));
await driver.close();
