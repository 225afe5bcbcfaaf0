// Where a write over the Query API looks at the time: nobody ends what its client gave up while it waited for locks.
import { expect, it } from "vitest";
import { toStatement } from "../../src/adapters/database/neo4j/save.ts";

it("a statement that waited too long for its locks fails before it does anything, and one that took too long at its end", () => {
  const part = (name: string) => ({ name, text: "MERGE (n:Entity {key: r})", rows: ["a"] });
  const { text, params } = toStatement([part("guard")], [part("ledger"), { ...part("idle"), rows: [] }], 7);
  const steps = text.split("\n").map((line) => /\$(guard|ledger|idle|until)/.exec(line)?.[1]);
  expect(steps).toEqual(["guard", "until", "ledger", "until"]);
  expect(params).toEqual({ guard: ["a"], ledger: ["a"], until: 7 });
});
