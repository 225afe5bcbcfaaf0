// Counter-examples of core-proof a5: acceptance, outbox, log and accounting.

import { expect, test } from "vitest";
import * as z from "zod";
import { isClosed } from "../../src/domain/accounting.ts";
import { createType, defineFlow, deleteType, updateType } from "../../src/flows/define.ts";
import { startService } from "../support/service.ts";
import { createService, operation, type Service } from "./service.ts";

const create = { flow: "session", type: "create", data: { id: "x", title: "t" } };
const TICK = { recordsMax: 100, bytesMax: 1_000_000, waitMs: 0 };

const lengths = (service: Service) => service.broker.contents().reduce((sum, { records }) => sum + records.length, 0);

test("#30 an attempt that may still land makes the 503 outcome_unknown, and its token keeps id and stamp", async () => {
  const service = createService();
  service.faults.unreachable = true;
  service.plan.otherwise = { fate: "unknown", partition: 0 };
  const [failed] = await service.accept([create], "a");
  expect(failed).toMatchObject({ problem: { code: "outcome_unknown" } });
  const { id, stamp, retryToken } = (failed as { problem: { extra: Record<string, string> } }).problem.extra;
  service.faults.unreachable = false;
  service.plan.otherwise = { fate: "ok", partition: 0 };
  await service.rest();
  // It had landed.
  expect(await service.fields("Session", "x")).toEqual({ title: "t" });
  service.flowsOn.clear();
  const [retried] = await service.accept([{ ...create, retryToken }], "a");
  expect(retried).toMatchObject({ status: 200, id, stamp });
  const [forged] = await service.accept([{ ...create, data: { id: "y" }, retryToken }], "a");
  expect(forged).toMatchObject({ problem: { code: "invalid_input" } });
});

test("#30 a write whose answer was lost makes the 503 outcome_unknown as well", async () => {
  const service = createService();
  service.flowsOn.clear();
  service.faults.crash = "after commit";
  expect(await service.accept([create], "a")).toMatchObject([{ problem: { code: "outcome_unknown" } }]);
});

test("#30 a produce that may stand is outcome_unknown also where the database cannot store the operation", async () => {
  await using service = await startService({
    broker: (broker) => ({
      ...broker,
      produce: async (records) => records.map(() => ({ status: "unknown", reason: "no answer" })),
    }),
    database: (inner) => ({ ...inner, transact: async () => Promise.reject(new TypeError("nobody foresaw this")) }),
  });
  const { status, body } = await service.post("/v1/session/create", create.data);
  expect({ status, body }).toMatchObject({ status: 503, body: { code: "outcome_unknown", id: expect.any(String) } });
});

test.each(["retryable", "fatal"] as const)(
  "#30 nothing was accepted when produce (%s) and apply both definitely failed",
  async (fate) => {
    const service = createService();
    service.faults.unreachable = true;
    service.plan.otherwise = { fate, partition: 0 };
    expect(await service.accept([create], "a")).toMatchObject([{ problem: { code: "nothing_accepted" } }]);
    service.faults.unreachable = false;
    await service.rest();
    expect(lengths(service)).toBe(0);
    expect(await service.registers()).toEqual([]);
  },
);

test("#35 an outbox row goes after its produce was confirmed, and the late record does no harm (case 34)", async () => {
  const service = createService();
  service.plan.otherwise = { fate: "retryable", partition: 0 };
  await service.accept([create], "a");
  await service.accept([{ ...create, type: "update", data: { id: "x", title: "later" } }], "a");
  service.plan.otherwise = { fate: "unknown", partition: 0 };
  await service.tick(TICK);
  expect((await service.database.backlog()).outbox).toBe(2);
  service.plan.otherwise = { fate: "ok", partition: 1 };
  await service.rest();
  expect((await service.database.backlog()).outbox).toBe(0);
  expect(lengths(service)).toBe(4);
  expect(await service.fields("Session", "x")).toEqual({ title: "later" });
  const keys = new Set(service.broker.contents().flatMap(({ records }) => records.map(({ key }) => key)));
  expect(keys).toEqual(new Set(["x"]));
});

test("#36 another partition count and the partitions in reverse give the same registers", async () => {
  const operations = [4, 1, 3, 0, 2].flatMap((at) => [
    operation("session", at === 3 ? "delete" : "create", at, { id: "x", ...(at === 3 ? {} : { title: `t${at}` }) }),
    operation("memory", "create", at, { id: "k", user: `u${at}`, content: "c" }),
  ]);
  const [spread, narrow] = [createService(), createService()];
  for (const [i, each] of operations.entries()) spread.log(each, i % 2);
  for (const each of operations.toReversed()) narrow.log(each, 0);
  await spread.rest();
  await narrow.rest();
  expect(await narrow.registers()).toEqual(await spread.registers());
});

test("#37 the graph does not need the ledger", async () => {
  const service = createService();
  const operations = [
    operation("session", "create", 1, { id: "x", title: "a" }),
    operation("session", "delete", 2, { id: "x" }),
    operation("session", "create", 3, { id: "x", prompt: "b" }),
  ];
  for (const each of operations) await service.apply(each);
  const registers = await service.registers();
  for (const each of operations) {
    for (let i = 0; i < 2; i++) {
      await service.store.forgetLedger();
      service.log(each);
      await service.rest();
    }
  }
  expect(await service.registers()).toEqual(registers);
});

test("#38 a register moved by a migration keeps its version; a version nobody knows is parked (case 32)", async () => {
  const kind = { name: "Session", implicit: false, references: [], order: [] };
  const shape = { title: z.string() };
  const update = updateType(kind, {}, shape);
  const upcasts = {
    1: ({ name, ...rest }: { readonly [field: string]: unknown }) => ({ ...rest, title: name }) as never,
  };
  const renamed = defineFlow({
    name: "session",
    topic: "session-operations",
    switch: { variable: "KAFKA_SESSION_OPERATIONS", followsGlobal: true },
    kind,
    types: {
      create: createType(kind, {}, shape),
      update: { ...update, version: 2, upcasts },
      delete: deleteType(kind),
    },
  });
  const service = createService({ flows: [renamed] });
  const dataschema = (version: number) => `urn:tidegate:session.update:${version}`;
  service.log(operation("session", "create", 1, { id: "x", title: "first" }));
  service.log(operation("session", "update", 5, { id: "x", name: "migrated" }), 0, { dataschema: dataschema(1) });
  service.log(operation("session", "update", 3, { id: "x", title: "late" }), 0, { dataschema: dataschema(2) });
  const unknown = operation("session", "update", 6, { id: "x", title: "future" });
  service.log(unknown, 0, { dataschema: dataschema(3) });
  await service.rest();
  expect(await service.fields("Session", "x")).toEqual({ title: "migrated" });
  const key = `a/${unknown.id}`;
  const parked = await service.database.parkedReasons([key]);
  expect(parked.get(key)).toMatchObject({ reason: "unknown_version" });
});

test("#39 counts rise with the effects they count: a crash between the two counts nothing (case 29)", async () => {
  const service = createService();
  for (const at of [1, 2]) service.log(operation("session", "create", at, { id: "x" }));
  service.faults.crash = "before commit";
  await service.tick(TICK);
  expect(await service.database.allPositions()).toEqual([]);
  service.faults.crash = "after commit";
  await service.tick(TICK);
  service.faults.crash = null;
  service.faults.staleBy = 2;
  await service.tick(TICK);
  service.faults.staleBy = 0;
  await service.rest();
  const rows = await service.database.allPositions();
  expect(rows).toMatchObject([{ next: 2, counts: { records: 2, first: 2, duplicate: 0, parked: 0, gap: 0 } }]);
});

test("#39 every record has its place: first, duplicate, parked or lost to retention", async () => {
  const service = createService();
  const first = operation("session", "create", 1, { id: "x" });
  service.log(operation("session", "create", 1, { id: "gone" }));
  for (let i = 0; i < 3; i++) service.log(first);
  service.broker.append("session-operations", 0, "not JSON");
  service.broker.append("session-operations", 0, null);
  service.broker.trim("session-operations", 0, 1);
  const report = await service.tick(TICK);
  expect(report).toMatchObject({ records: 5, first: 1, duplicate: 2, parked: 2, gap: 1 });
  const [row] = await service.database.allPositions();
  expect(row).toMatchObject({ next: 6, counts: { records: 6, first: 1, duplicate: 2, parked: 2, gap: 1 } });
  expect(isClosed(row!.counts)).toBe(true);
});

test("#40 an id of ours that nobody saw applied is pending, a made-up one does not exist", async () => {
  const service = createService();
  const [answer] = await service.accept([create], "a");
  const { id } = answer as { id: string };
  const forged = `${id.slice(0, -1)}${id.endsWith("0") ? "1" : "0"}`;
  expect(await service.reads.statuses([id, forged], "a")).toEqual([{ id, state: "pending" }, null]);
  expect(await service.reads.statuses([id], "b")).toEqual([null]);
  await service.rest();
  expect(await service.reads.statuses([id], "a")).toMatchObject([
    { id, state: "applied", path: "kafka", current: true },
  ]);
});
