// One query over Neo4j's HTTP API, for tests that look at the graph from outside.
import type { Stack } from "../stack/read-stack.ts";

const QUERY_MS = 30_000;

/** What Neo4j answered: its status, and the rows of a query that went well. */
export interface QueryAnswer {
  readonly status: number;
  readonly values: readonly (readonly unknown[])[];
}

/** Runs one statement. */
export async function queryNeo4j(
  { http, user, password }: Stack["neo4j"],
  statement: string,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<QueryAnswer> {
  const response = await fetch(`${http}/db/neo4j/query/v2`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
    },
    body: JSON.stringify({ statement, parameters }),
    signal: AbortSignal.timeout(QUERY_MS),
  });
  const body = (await response.json()) as { data?: { values: unknown[][] } };
  return { status: response.status, values: body.data?.values ?? [] };
}
