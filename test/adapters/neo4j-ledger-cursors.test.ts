// Cursors over Neo4j's ledger, whose pages end at rows of other tenants.
import { expect, it } from "vitest";
import { MIGRATIONS } from "../../src/adapters/database/neo4j/migrations.ts";
import { neo4jDatabase } from "../../src/adapters/database/neo4j/neo4j.ts";
import type { Row, Transport } from "../../src/adapters/database/neo4j/transport.ts";
import { model } from "../../src/flows/index.ts";
import type { Database } from "../../src/ports/database.ts";
import { LAST } from "../../src/sql/sql.ts";
import { ledgerRow } from "../contract/database-writes.ts";

/** A database with one row, which is the last that any page looks at. */
function endingAt(key: string): Database {
  const row: Row = [key, "memory.create", 7, JSON.stringify(ledgerRow(key))];
  const transport: Transport = {
    async run(text) {
      if (text.includes("mark.schema")) return [[MIGRATIONS.length, true]];
      if (text.includes("SKIP")) return [[7, key]];
      return text.includes("STARTS WITH $prefix") ? [] : [row];
    },
    begin: undefined,
    close: async () => undefined,
  };
  return neo4jDatabase({ transport, model, name: "test", delay: async () => undefined, random: () => 0.5 });
}

it.each([
  { key: "a/op", older: "", newer: "m/" },
  { key: "m/op", older: "m/op", newer: "m/op" },
  { key: "z/op", older: `m/${LAST}`, newer: LAST },
])("a page that ends at $key leads a tenant on without a word of it", async ({ key, older, newer }) => {
  const database = endingAt(key);
  expect((await database.listLedger({ tenant: "m" }, "", 2)).next).toBe(JSON.stringify([7, older]));
  expect((await database.ledgerAfter("m", "", 2)).next).toBe(JSON.stringify([7, newer]));
  expect((await database.ledgerAfter("m", "", 1)).more).toBe(true);
  expect((await database.ledgerAfter("m", "", 2)).more).toBe(false);
  expect((await database.listLedger({ outcome: "applied" }, "", 2)).next).toBe(JSON.stringify([7, key]));
});
