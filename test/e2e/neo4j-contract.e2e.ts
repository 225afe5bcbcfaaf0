// The database contract, over both ways to Neo4j.
import type { GraphModel, Kind, Reference } from "../../src/domain/model.ts";
import { model } from "../../src/flows/index.ts";
import { type DatabaseUnderTest, databaseContract } from "../contract/database.ts";
import { emptyNeo4j, openNeo4j, openTransport, TRANSPORTS } from "./neo4j-database.ts";

/** The contract's edges go by fields that no flow has. */
const FIELDS = ["about", "message", "thread", "x", "zone"];

const refers = (field: string): Reference => ({
  field,
  relation: `BY_${field.toUpperCase()}`,
  direction: "in",
  owner: false,
});

const message = model.get("Message")!;
const widened: Kind = { ...message, references: [...message.references, ...FIELDS.map(refers)] };
const contractModel: GraphModel = new Map([...model, ["Message", widened]]);

for (const name of TRANSPORTS) {
  databaseContract(`Neo4j over ${name}`, async (): Promise<DatabaseUnderTest> => {
    const transport = openTransport(name);
    await emptyNeo4j(transport);
    const open = () => openNeo4j(name, contractModel);
    const database = open();
    return {
      database,
      open,
      async [Symbol.asyncDispose]() {
        await database.close();
        await transport.close();
      },
    };
  });
}
