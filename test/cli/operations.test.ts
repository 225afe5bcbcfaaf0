import { describe, expect, onTestFinished, test } from "vitest";
import { formatOperations } from "../../src/cli/operations.ts";
import { formatAge, formatTable, plain, plainLines } from "../../src/cli/text.ts";
import { type Request, startFakeService } from "../support/fake-service.ts";
import { runCommand } from "../support/run-command.ts";

const ID = "0198f3a2-7b1c-7000-8000-0123456789ab";
const MINTED_MS = 0x0198f3a27b1c;
const APPLIED = {
  id: ID,
  state: "applied",
  flow: "memory",
  type: "create",
  path: "kafka",
  entity: { kind: "Memory", id: "m1" },
  current: true,
  appliedAt: new Date(MINTED_MS + 500).toISOString(),
};
const PARKED = {
  record: "memory-operations/2/41",
  topic: "memory-operations",
  partition: 2,
  offset: 41,
  reason: "invalid",
  detail: "#/content: \u001b[31mtoo small\n",
  attempts: 1,
  flow: null,
  operation: null,
  parkedAt: "2026-01-02T03:04:05.000Z",
};

async function service() {
  const fake = await startFakeService();
  onTestFinished(() => fake.close());
  const run = (...args: string[]) => runCommand("operations", ...args, "--url", fake.url);
  return { fake, run };
}

describe("tidegate operations", () => {
  test("lists operations as a table and as JSON", async () => {
    const { fake, run } = await service();
    const pending = { id: ID, state: "pending" };
    fake.answers.set("/v1/operations", { items: [APPLIED, pending], next: null });
    const { code, out } = await run("--flow", "memory", "--outcome", "applied");
    expect(code).toBe(0);
    const [heading, ...rows] = out.trimEnd().split("\n");
    expect(heading!.split(/ {2,}/)).toEqual(["ID", "OPERATION", "PATH", "OUTCOME", "ENTITY", "AGE"]);
    expect(rows.map((row) => row.split(/ {2,}/).slice(0, 5))).toEqual([
      [ID, "memory.create", "kafka", "applied", "Memory m1"],
      [ID, "-", "-", "pending", "-"],
    ]);
    expect(Object.fromEntries(fake.requests[0]!.query)).toEqual({ flow: "memory", outcome: "applied", limit: "20" });
    expect(JSON.parse((await run("--json")).out)).toEqual({ items: [APPLIED, pending], next: null });
  });

  test("goes from page to page up to the limit, and says that there are more", async () => {
    const { fake, run } = await service();
    fake.answers.set("/v1/operations", ({ query }: Request) => {
      const from = Number(query.get("cursor") ?? 0);
      const items = Array.from({ length: Number(query.get("limit")) }, (_, i) => ({ ...APPLIED, id: `op${from + i}` }));
      return { items, next: String(from + items.length) };
    });
    const { out } = await run("--limit", "1500");
    const lines = out.trimEnd().split("\n");
    expect([lines.length, lines[1_500]!.split(" ")[0]]).toEqual([1_502, "op1499"]);
    expect(lines.at(-1)).toBe("There are more: raise --limit, or narrow the list");
  });

  test("gives up on a list that goes round in a circle", async () => {
    const { fake, run } = await service();
    fake.answers.set("/v1/operations", { items: [], next: "again" });
    expect(await run()).toMatchObject({ code: 1, err: "tidegate: The list /v1/operations does not end\n" });
    fake.answers.set("/v1/operations", {});
    expect((await run()).err).toMatch(/has no items; is it Tidegate's address\?\n$/);
  });

  test("says when there is nothing", async () => {
    const { fake, run } = await service();
    fake.answers.set("/v1/operations", { items: [], next: null });
    fake.answers.set("/v1/parked", { items: [], next: null });
    expect((await run()).out).toBe("There are no such operations\n");
    expect((await run("--parked")).out).toBe("Nothing is parked\n");
  });

  test("shows one in full", async () => {
    const { fake, run } = await service();
    fake.answers.set(`/v1/operations/${ID}`, APPLIED);
    expect((await run(ID)).out).toContain(`\nentity     {"kind":"Memory","id":"m1"}\n`);
    expect(JSON.parse((await run(ID, "--json")).out)).toEqual(APPLIED);
    expect(await run("other")).toMatchObject({ code: 1, err: expect.stringContaining("404: not_found") });
  });

  test("lists parked records, and lets no control character through", async () => {
    const { fake, run } = await service();
    fake.answers.set("/v1/parked", { items: [PARKED], next: null });
    const { out } = await run("--parked", "--topic", "memory-operations", "--reason", "invalid", "--limit", "5");
    expect(out).toMatch(/^memory-operations\/2\/41 {2}invalid {2}- +1 +\d+ d {2}#\/content: {2}\[31mtoo small$/m);
    expect(Object.fromEntries(fake.requests[0]!.query)).toEqual({
      topic: "memory-operations",
      reason: "invalid",
      limit: "5",
    });
    expect(JSON.parse((await run("--parked", "--json")).out).items).toEqual([PARKED]);
  });

  test.each([
    [{ bytes: "e30=", text: '{\n\t"a": 1\u001b[2J}' }, '\n\n{\n\t"a": 1�[2J}\n'],
    [{ bytes: "/w==", text: null }, "\n\n(not UTF-8; base64) /w==\n"],
    [{ bytes: null, text: null }, "\n\n(no value)\n"],
  ])("shows the value %j of a parked record", async (value, end) => {
    const { fake, run } = await service();
    fake.answers.set("/v1/parked/memory-operations/2/41", { ...PARKED, ...value });
    const { out } = await run("memory-operations/2/41");
    expect(out).toMatch(/^record +memory-operations\/2\/41\n/);
    expect(out.endsWith(end)).toBe(true);
  });
});

test("formatOperations() tells the age of what has no outcome by its id", () => {
  const lines = formatOperations([{ id: ID, state: "pending" }], MINTED_MS + 90_000).split("\n");
  expect(lines[1]).toMatch(/ 1 min$/);
});

test.each([
  [-5_000, "0 s"],
  [59_999, "59 s"],
  [60_000, "1 min"],
  [3_600_000, "1 h"],
  [172_799_999, "47 h"],
  [172_800_000, "2 d"],
])("formatAge() of %i ms is %s", (ms, age) => {
  expect(formatAge(0, ms)).toBe(age);
});

test("texts are cut and kept on their line", () => {
  expect(plain("a\r\n\tb\u2028c", 4)).toBe("a b…");
  expect(plainLines("a\r\nb\u009b")).toBe("a\nb�");
  expect(formatTable(["A", "B"], [["long", "x\ny"]])).toBe("A     B\nlong  x y");
});
