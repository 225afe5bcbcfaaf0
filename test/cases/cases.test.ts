// Each failure case has a test that bears its number, or a reason why it cannot have one; and none has both.
import { expect, test } from "vitest";
import { CASES, findHolders } from "./table.ts";

test("the table has all 39 cases in order", () => {
  expect(CASES.map(({ number }) => number)).toEqual(Array.from({ length: 39 }, (_, i) => i + 1));
});

const holders = findHolders();
test.each(CASES)("failure $number, $what, is held", ({ number, because }) => {
  expect((holders.get(number) ?? []).length > 0).toBe(because === undefined);
});

test("no test bears a number that is none", () => {
  const known = new Set(CASES.map(({ number }) => number));
  expect([...holders.keys()].filter((number) => !known.has(number))).toEqual([]);
});
