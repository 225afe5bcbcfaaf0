import { writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { Refused, type Request, startFakeService } from "../support/fake-service.ts";
import { runCommand } from "../support/run-command.ts";
import { tempFolder } from "../support/temp-folder.ts";

const RECORD = "memory-operations/2/41";
const PARKED = { record: RECORD, reason: "invalid", detail: "", attempts: 1, bytes: "e30=", text: "{}" };

async function service() {
  const fake = await startFakeService();
  onTestFinished(() => fake.close());
  const run = (...args: string[]) => runCommand(...args, "--url", fake.url);
  return { fake, run };
}

/** A service with so many parked records, numbered; it refuses those that the test names. */
async function withParked(verb: string, records: number, refuses: readonly number[] = []) {
  const { fake, run } = await service();
  const filters: unknown[] = [];
  const decided: number[] = [];
  fake.answers.set(`/v1/parked/${verb}`, ({ body }: Request) => {
    const { filter, dryRun = false, cursor = "", limit = 100 } = JSON.parse(body);
    filters.push(filter);
    if (dryRun) return { matched: records, done: 0, refused: [], next: null };
    const from = Number(cursor);
    const page = Array.from({ length: Math.min(limit, records - from) }, (_, i) => from + i);
    const refused = page
      .filter((n) => refuses.includes(n))
      .map((n) => ({ record: `t/0/${n}`, detail: "not\u001bnow" }));
    decided.push(...page.filter((n) => !refuses.includes(n)));
    const next = page.length < limit ? null : String(from + page.length);
    return { matched: records, done: page.length - refused.length, refused, next };
  });
  return { run, fake, filters, decided };
}

describe.each(["replay", "discard"])("tidegate %s", (verb) => {
  const done = `${verb === "replay" ? "Replay" : "Discard"}ed`;

  test("decides on one record", async () => {
    const { fake, run } = await service();
    fake.answers.set(`/v1/parked/${RECORD}/${verb}`, { id: "op", outcome: "applied" });
    expect(await run(verb, RECORD)).toMatchObject({
      code: 0,
      out: `Accepted: ${RECORD} is to be ${done.toLowerCase()} (operation op)\n`,
    });
    expect(fake.requests.map(({ method, body }) => [method, body])).toEqual([["POST", "{}"]]);
    expect(JSON.parse((await run(verb, RECORD, "--json")).out)).toEqual({ id: "op", outcome: "applied" });
    expect(await run(verb, "t/0/0")).toMatchObject({ code: 1, err: expect.stringContaining("404: not_found") });
  });

  test("with --wait tells whether it was done, or in vain", async () => {
    const { fake, run } = await service();
    let looks = 0;
    const parked = (attempts: number) => ({ ...PARKED, attempts, reason: "unknown_version", detail: "too\u001bnew" });
    fake.answers.set(`/v1/parked/${RECORD}/${verb}`, { id: "op", outcome: "queued" });
    fake.answers.set(`/v1/parked/${RECORD}`, () => parked(looks++ < 2 ? 1 : 2));
    const vain = `${done} ${RECORD} (operation op) in vain: unknown_version: too new\n`;
    expect(await run(verb, RECORD, "--wait")).toMatchObject({ code: 1, out: vain });
    looks = 0;
    fake.answers.set(`/v1/parked/${RECORD}`, () => {
      if (looks++ < 2) return parked(1);
      throw new Refused(404, "not_found");
    });
    expect(await run(verb, RECORD, "--wait")).toMatchObject({ code: 0, out: `${done} ${RECORD} (operation op)\n` });
    looks = 0;
    expect(JSON.parse((await run(verb, RECORD, "--wait", "--json")).out)).toMatchObject({ id: "op", parked: null });
  });

  test("only shows a record with --dry-run", async () => {
    const { fake, run } = await service();
    fake.answers.set(`/v1/parked/${RECORD}`, PARKED);
    const { code, out } = await run(verb, RECORD, "--dry-run");
    expect([code, out]).toEqual([0, expect.stringContaining("\nNothing was done: without --dry-run it is ")]);
    expect(fake.requests.map(({ method }) => method)).toEqual(["GET"]);
    expect(JSON.parse((await run(verb, RECORD, "--dry-run", "--json")).out)).toEqual({ dryRun: true, record: PARKED });
  });

  test("counts what matches, and does nothing without --yes", async () => {
    const { run, filters, decided } = await withParked(verb, 3);
    const filter = ["--flow", "memory", "--reason", "invalid"];
    expect(await run(verb, ...filter)).toMatchObject({
      code: 0,
      out: `3 parked records: nothing was done; add --yes, and they are ${done.toLowerCase()}\n`,
    });
    expect((await run(verb, ...filter, "--yes", "--dry-run")).out).toContain("nothing was done; without --dry-run");
    expect(decided).toEqual([]);
    expect(filters).toEqual([
      { flow: "memory", reason: "invalid" },
      { flow: "memory", reason: "invalid" },
    ]);
  });

  test("says when nothing matches", async () => {
    const { run } = await withParked(verb, 0);
    expect((await run(verb, "--all")).out).toBe("No parked record matches\n");
    expect(await run(verb, "--all", "--yes")).toMatchObject({
      code: 0,
      out: `Accepted: 0 parked records to be ${done.toLowerCase()}\n`,
    });
  });

  test.each([1, 199, 200, 201, 450])("with --yes goes on to the end of %i, each once", async (records) => {
    const { run, decided } = await withParked(verb, records);
    const many = records === 1 ? "1 parked record" : `${records} parked records`;
    expect(await run(verb, "--topic", "t", "--yes")).toMatchObject({
      code: 0,
      out: `Accepted: ${many} to be ${done.toLowerCase()}\n`,
    });
    expect(decided).toEqual(Array.from({ length: records }, (_, i) => i));
  });

  test("names what was refused, not all of very many, and fails", async () => {
    const some = await withParked(verb, 3, [1]);
    expect(await some.run(verb, "--all", "--yes")).toMatchObject({
      code: 1,
      out: `Accepted: 2 parked records to be ${done.toLowerCase()}; 1 refused:\nt/0/1: not now\n`,
    });
    const all = await withParked(verb, 300, [...Array(300).keys()]);
    const { out } = await all.run(verb, "--all", "--yes");
    expect(out.trimEnd().split("\n")).toHaveLength(22);
    expect(out).toMatch(/^Accepted: 0 parked records to be \w+; 300 refused:\nt\/0\/0: .*\nand 280 more\n$/s);
  });

  test("prints counts as JSON", async () => {
    const { run } = await withParked(verb, 3, [2]);
    expect(JSON.parse((await run(verb, "--all", "--json")).out)).toEqual({ dryRun: true, matched: 3 });
    expect(JSON.parse((await run(verb, "--all", "--yes", "--json")).out)).toEqual({
      dryRun: false,
      matched: 3,
      done: 2,
      refused: [{ record: "t/0/2", detail: "not\u001bnow" }],
    });
  });

  test("ends although the service never does", async () => {
    const { fake, run } = await service();
    fake.answers.set(`/v1/parked/${verb}`, { matched: 5, done: 1, refused: [], next: "again" });
    expect(await run(verb, "--all", "--yes")).toMatchObject({ code: 1, err: expect.stringContaining("do not end") });
  });
});

describe("tidegate replay --edit", () => {
  test.each([
    ['{"n": 12345678901234567890}', '{"value":{"n": 12345678901234567890}}'],
    ["[1]", '{"value":"[1]"}'],
    ["plain", '{"value":"plain"}'],
  ])("sends %s as it stands", async (text, body) => {
    const { fake, run } = await service();
    using folder = tempFolder();
    writeFileSync(folder.path("edited"), text);
    fake.answers.set(`/v1/parked/${RECORD}/replay`, { id: "op", outcome: "queued" });
    expect((await run("replay", RECORD, "--edit", folder.path("edited"))).code).toBe(0);
    expect(fake.requests[0]!.body).toBe(body);
  });

  test("says what is wrong with the file", async () => {
    const { run } = await service();
    using folder = tempFolder();
    writeFileSync(folder.path("empty"), "\n");
    expect((await run("replay", RECORD, "--edit", folder.path("none"))).err).toMatch(/none: there is no such file\n$/);
    expect((await run("replay", RECORD, "--edit", folder.path("empty"))).err).toMatch(/is empty; .*discard it\n$/);
  });
});
