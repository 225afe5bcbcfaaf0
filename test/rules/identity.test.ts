// Counter-examples of core-proof a4: identity, stamps, clocks, and positions of another log.
import { expect, test } from "vitest";
import type { Answer } from "../../src/app/answer.ts";
import { core, createService, operation, type Service } from "./service.ts";

const create = { flow: "session", type: "create", data: { id: "x", title: "t" } };

/** Identities of all records in the log. */
function logged(service: Service): string[] {
  const records = service.broker.contents().flatMap((partition) => partition.records);
  return records.map(({ value }) => {
    const { id, stamp } = JSON.parse(new TextDecoder().decode(value!)) as { id: string; stamp: string };
    return `${id} ${stamp}`;
  });
}

const problemOf = (answer: Answer | undefined) => {
  if (answer === undefined || !("problem" in answer)) throw new Error("Cannot look at a problem: there is none");
  return answer.problem;
};

test("#24 id and stamp are fixed before the first attempt: a key's retry, its fallback and its relay share them", async () => {
  const service = createService();
  const [first] = await service.accept([{ ...create, key: "k" }], "a");
  const { id, stamp } = first as { id: string; stamp: string };
  for (const fate of ["retryable", "ok"] as const) {
    service.clock.ms += 60_000;
    service.plan.otherwise = { fate, partition: 1 };
    expect(await service.accept([{ ...create, key: "k" }], "a")).toMatchObject([{ id, stamp }]);
  }
  await service.rest();
  expect(logged(service)).toEqual([`${id} ${stamp}`, `${id} ${stamp}`]);
  expect((await service.state("Session", "x")).born).toBe(`${stamp}|${id}`);
});

test("#25 without a database a request with a key is refused before the first produce, one without is accepted", async () => {
  const service = createService();
  service.faults.unreachable = true;
  const [keyed, plain] = await service.accept([{ ...create, key: "k" }, create], "a");
  expect(problemOf(keyed)).toMatchObject({ code: "nothing_accepted" });
  expect(plain).toMatchObject({ status: 202, outcome: "queued" });
  expect(logged(service).length).toBe(1);
});

test("#25 a key stands for one body", async () => {
  const service = createService();
  await service.accept([{ ...create, key: "k" }], "a");
  const [other, elsewhere] = [
    (await service.accept([{ ...create, data: { id: "x", title: "other" }, key: "k" }], "a"))[0],
    (await service.accept([{ ...create, data: { id: "x", title: "other" }, key: "k" }], "b"))[0],
  ];
  expect(problemOf(other).code).toBe("idempotency_mismatch");
  expect(elsewhere).toMatchObject({ status: 202 });
});

test("#26 the same id with another body is parked, and the first stays", async () => {
  const service = createService();
  service.log(operation("session", "create", 1, { id: "x", title: "a" }, { id: "foreign" }));
  service.log(operation("session", "create", 1, { id: "x", title: "b" }, { id: "foreign" }));
  await service.rest();
  expect(await service.fields("Session", "x")).toEqual({ title: "a" });
  const [parked] = (await service.database.listParked({}, "", 2)).rows;
  expect(parked).toMatchObject({ reason: "id_conflict", offset: 1 });
});

test("#26 an event's source and id name the event, not the operation (case 30)", async () => {
  const service = createService();
  const posted = { flow: "events", type: "record", data: { id: "e", source: "s", type: "t" } };
  const answers = await service.accept([posted, posted], "a");
  await service.rest();
  expect(new Set(answers.map((answer) => (answer as { id: string }).id)).size).toBe(2);
  const events = (await service.database.dumpEntities("", 10)).map(({ key }) => key);
  expect(events).toEqual(["a/Event/s%2Fe"]);
});

const YEAR_3000_MS = Date.UTC(3000, 0);

test("#27 a stranger's stamp beyond the bound is parked and never given to the clock", async () => {
  const service = createService();
  service.log(operation("session", "create", YEAR_3000_MS, { id: "x" }, { id: "foreign" }));
  service.log(operation("session", "create", service.clock.ms + 50_000, { id: "y" }, { id: "near" }));
  const before = service.clock.ms;
  await service.tick({ recordsMax: 10, bytesMax: 1_000_000, waitMs: 0 });
  expect((await service.database.parkedReasons(["a/foreign"])).get("a/foreign")).toMatchObject({
    reason: "stamp_ahead",
  });
  expect(await service.fields("Session", "x")).toBe(null);
  expect(await service.fields("Session", "y")).toEqual({});
  expect(core.stamp.stampMs(service.nextStamp())).toBe(before);
});

test("#27 a stamp of ours is honoured whatever the reader's clock says (case 31)", async () => {
  const service = createService();
  service.log(operation("session", "create", YEAR_3000_MS, { id: "x" }));
  await service.rest();
  expect(await service.fields("Session", "x")).toEqual({});
  expect(core.stamp.stampMs(service.nextStamp())).toBe(YEAR_3000_MS);
});

test("#27 after is bounded to 60 seconds ahead", async () => {
  const service = createService();
  const at = (ms: number) => core.stamp.formatStamp(service.clock.ms + ms, 0, "0".repeat(16));
  const [within, beyond] = await service.accept(
    [
      { ...create, after: at(60_000) },
      { ...create, after: at(60_001) },
    ],
    "a",
  );
  expect((within as { stamp: string }).stamp > at(60_000)).toBe(true);
  expect(problemOf(beyond).code).toBe("stamp_ahead");
});

test("#27 an instance whose clock is off mints nothing", async () => {
  const service = createService();
  const skewed = core.vitals.createVitals({
    clock: { nowMs: () => service.clock.ms + 31_000 },
    database: service.database,
    log: core.log.createLog(() => {}),
  });
  await skewed.compareClocks();
  expect(() => skewed.assertMinting()).toThrow(expect.objectContaining({ code: "clock_skew" }));
  expect(() => service.vitals.assertMinting()).not.toThrow();
});

test("#28 a record without a stamp gets the same one at every reading; one without a time is parked", async () => {
  const registers: string[][] = [];
  for (let reading = 0; reading < 2; reading++) {
    const service = createService();
    service.clock.ms += reading * 1_000;
    const time = "2026-01-02T03:04:05.000Z";
    service.log(operation("session", "create", 1, { id: "x" }, { id: "old" }), 1, { stamp: undefined, time });
    service.log(operation("session", "create", 1, { id: "y" }, { id: "older" }), 1, {
      stamp: undefined,
      time: undefined,
    });
    service.log(operation("session", "create", 1, { id: "z" }, { id: "ahead" }), 1, {
      stamp: undefined,
      time: new Date(service.clock.ms + 3_600_000).toISOString(),
    });
    await service.tick({ recordsMax: 10, bytesMax: 1_000_000, waitMs: 0 });
    registers.push(await service.registers());
    expect(await service.fields("Session", "x")).toEqual({});
    expect((await service.database.parkedReasons(["a/older"])).get("a/older")).toMatchObject({ reason: "no_stamp" });
    expect((await service.database.parkedReasons(["a/ahead"])).get("a/ahead")).toMatchObject({ reason: "stamp_ahead" });
  }
  expect(registers[0]).toEqual(registers[1]);
});

test.each([
  ["with another topic id", false],
  ["shorter than the position", true],
])("#29 a log made anew, %s, is read from its start", async (_, keepId) => {
  const service = createService();
  for (let i = 0; i < 5; i++) service.log(operation("session", "create", i, { id: `old${i}` }));
  await service.rest();
  service.broker.recreate("session-operations", { keepId });
  for (let i = 0; i < 3; i++) service.log(operation("session", "create", i, { id: `new${i}` }));
  service.clock.ms += 20_000;
  await service.rest();
  for (const id of ["old4", "new0", "new2"]) expect(await service.fields("Session", id)).toEqual({});
  const counted = (await service.database.allPositions()).filter(({ counts }) => counts.records > 0);
  expect(counted.map(({ counts }) => counts.first).sort()).toEqual([3, 5]);
});
