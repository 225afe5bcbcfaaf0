// How the Neo4j adapter asks for the outbox. That it answers the right rows is the contract's business.
import { expect, it } from "vitest";
import { tasks } from "../../src/adapters/database/neo4j/tasks.ts";

it("records are measured once each, not once for every row behind them", async () => {
  const texts: string[] = [];
  const run = async (text: string) => {
    texts.push(text);
    return [];
  };
  await tasks({ run, begin: undefined, close: async () => undefined }).dueOutbox(9, 500, 1_000);
  const [summed] = /reduce\(.* AS before/.exec(texts[0]!)!;
  expect(summed).not.toMatch(/size\(|record/);
});
