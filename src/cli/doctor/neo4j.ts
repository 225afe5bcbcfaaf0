// Checks of Neo4j: that it lets us in, and whose graph it holds. They only look.
import type { Neo4jServer } from "../../config/neo4j-url.ts";
import { flows } from "../../flows/index.ts";
import { messageOf } from "../failure.ts";
import { askDatabase, NOT_COMPARED } from "./database.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** Neo4j lets us in, and holds our graph or nothing. A schema that is not there or older is left as it is. */
export async function checkNeo4j(server: Neo4jServer): Promise<Finding[]> {
  const { nameOf, neo4jSchema, openNeo4j } = await import("../../runtime/database-node.ts");
  const name = nameOf(server);
  try {
    const { held, newest } = await neo4jSchema(server);
    if (held === 0) return [ok("database", `${name} is empty; "tidegate start" makes its schema`), NOT_COMPARED];
    if (held < newest) {
      const found = `${name} has schema ${held} of ${newest}`;
      return [warn("database", found, 'the next "tidegate start" brings it up to date'), NOT_COMPARED];
    }
    return await askDatabase(name, openNeo4j(server, flows, { looksOnly: true }));
  } catch (error) {
    const advice = "see that NEO4J_URL, NEO4J_USER, NEO4J_PASSWORD and NEO4J_DATABASE are right, and that Neo4j runs";
    return [fail("database", messageOf(error), advice), NOT_COMPARED];
  }
}
