// Counter-examples of core-proof a3: unseen entities, outcomes and the 404.
import { expect, test } from "vitest";
import * as z from "zod";
import type { Answer } from "../../src/app/answer.ts";
import type { Operation } from "../../src/domain/operation.ts";
import { createType, defineFlow, deleteType, updateType } from "../../src/flows/define.ts";
import { core, createService, inEveryOrder, memory, operation, type Service } from "./service.ts";

const outcome = async (service: Service, of: Operation) => {
  const [status] = await service.reads.statuses([of.id], "a");
  return status;
};

test("#18 an update of an unseen entity is merged into its placeholder, whoever of the two commits first (case 33)", async () => {
  const create = operation("session", "create", 1, { id: "x" });
  const update = operation("session", "update", 2, { id: "x", title: "u" });
  await inEveryOrder([create, update], async (service) => {
    expect(await service.fields("Session", "x")).toEqual({ title: "u" });
  });
  const service = createService();
  await Promise.all([service.apply(update), service.apply(create)]);
  expect(await service.fields("Session", "x")).toEqual({ title: "u" });
});

test("#19 an update of an unseen entity is applied at once and for ever, and says so", async () => {
  const service = createService();
  const update = operation("session", "update", 3, { id: "x", title: "u" });
  expect(await service.apply(update)).toMatchObject({ row: { outcome: { outcome: "applied", unseen: true } } });
  expect(await service.fields("Session", "x")).toBe(null);
  expect((await service.database.backlog()).unseen).toBe(1);
  service.clock.ms += 30 * 86_400_000;
  await service.rest();
  await service.apply(operation("session", "create", 0, { id: "x" }));
  expect(await service.fields("Session", "x")).toEqual({ title: "u" });
  expect((await service.database.backlog()).unseen).toBe(0);
  expect(await outcome(service, update)).toMatchObject({ state: "applied", unseen: true, current: true });
});

test("#20 an outcome is history: two orders differ in it, and in nothing else", async () => {
  const update = operation("session", "update", 0, { id: "x", title: "u" });
  const remove = operation("session", "delete", 0, { id: "x" });
  const outcomes: unknown[] = [];
  const current: unknown[] = [];
  await inEveryOrder([update, remove], async (service) => {
    const [status, deletion] = [await outcome(service, update), await outcome(service, remove)];
    outcomes.push([status?.state, deletion?.state]);
    current.push([status?.current, deletion?.current]);
    expect(await service.fields("Session", "x")).toBe(null);
    // Every retry gets the answer that was written.
    expect(await service.apply(update)).toMatchObject({
      duplicate: true,
      row: { outcome: { outcome: status?.state } },
    });
  });
  expect(outcomes).toEqual([
    ["applied", "applied"],
    ["superseded", "applied"],
  ]);
  expect(current).toEqual([
    [false, true],
    [false, true],
  ]);
});

test("#21 what an operation lost is named", async () => {
  const service = createService();
  await service.apply(operation("session", "update", 5, { id: "x", title: "later" }));
  const update = operation("session", "update", 3, { id: "x", title: "a", prompt: "b" });
  expect(await service.apply(update)).toMatchObject({ row: { outcome: { outcome: "applied", lost: ["title"] } } });
  expect(await outcome(service, update)).toMatchObject({ current: "partly" });
});

const sent = { flow: "session", type: "update", data: { id: "x", title: "t" } };
const codeOf = (answer: Answer | undefined) =>
  answer !== undefined && "problem" in answer ? answer.problem.code : null;

test("#22 a direct update of nothing is a 404 only once the flow's backlog is known to be gone", async () => {
  const service = createService();
  service.log(operation("session", "create", 1, { id: "y" }));
  service.flowsOn.clear();
  // Nobody has read the topic yet: the create of this very entity may lie in it.
  expect(await service.accept([sent], "a")).toMatchObject([{ status: 200, outcome: "applied", unseen: true }]);
  await service.rest();
  // A tick that finds nothing to do knows that nothing is left.
  await service.rest();
  const [answer] = await service.accept([{ ...sent, data: { id: "z", title: "t" } }], "a");
  expect(codeOf(answer)).toBe("not_found");
  expect((await service.database.entities(["a/Session/z"])).get("a/Session/z")?.existing).toBe(false);
});

test("#22 a retry after a delete gets its first answer, not a 404", async () => {
  const service = createService();
  await service.apply(operation("session", "create", 1, { id: "x" }));
  await service.rest();
  expect(service.vitals.isDrained("session")).toBe(true);
  service.flowsOn.clear();
  const keyed = { ...sent, key: "once" };
  const [first] = await service.accept([keyed], "a");
  await service.accept([{ flow: "session", type: "delete", data: { id: "x" } }], "a");
  const [retried] = await service.accept([keyed], "a");
  expect(first).toMatchObject({ status: 200, outcome: "applied" });
  expect(retried).toMatchObject({ status: 200, outcome: "applied", stamp: (first as { stamp: string }).stamp });
});

test("#22 a delete of an unseen entity leaves its tombstone", async () => {
  const service = createService();
  await service.apply(operation("session", "delete", 2, { id: "x" }));
  await service.apply(operation("session", "create", 1, { id: "x" }));
  expect(await service.fields("Session", "x")).toBe(null);
});

test("#23 an update behind the create's clock loses, says so, and wins when the client sends after", async () => {
  const service = createService();
  service.flowsOn.clear();
  const [created] = await service.accept([{ flow: "memory", type: "create", data: { ...memory, tags: ["new"] } }], "a");
  const { stamp } = created as { stamp: string };
  const behind = operation("memory", "update", core.stamp.stampMs(stamp) - 2, { id: "k", tags: ["old"] });
  expect(await service.apply(behind)).toMatchObject({ row: { outcome: { outcome: "superseded" } } });
  service.clock.ms -= 5_000;
  const update = { flow: "memory", type: "update", data: { id: "k", tags: ["after"] }, after: stamp };
  const [answer] = await service.accept([update], "a");
  expect(answer).toMatchObject({ outcome: "applied", values: { tags: ["after"] } });
  expect((answer as { stamp: string }).stamp > stamp).toBe(true);
});

test("#12 an operation on two entities may win on one and lose on the other: no invariant spans them", async () => {
  const kind = { name: "Session", implicit: false, references: [], order: [] };
  const shape = { title: z.string() };
  const both = {
    ...updateType(kind, {}, shape),
    changes: ({ tenant, data }: Operation) =>
      ["one", "other"].map((id) => ({
        type: "update" as const,
        key: core.key.entityKey(tenant, "Session", id),
        fields: { title: data.title! },
      })),
  };
  const session = defineFlow({
    name: "session",
    topic: "session-operations",
    switch: { variable: "KAFKA_SESSION_OPERATIONS", followsGlobal: true },
    kind,
    types: { create: createType(kind, {}, shape), update: both, delete: deleteType(kind) },
  });
  const service = createService({ flows: [session] });
  for (const id of ["one", "other"]) await service.apply(operation("session", "create", 1, { id, title: "first" }));
  await service.apply(operation("session", "create", 3, { id: "other", title: "later" }));
  const swap = await service.apply(operation("session", "update", 2, { id: "one", title: "both" }));
  expect(swap).toMatchObject({ row: { outcome: { outcome: "applied", lost: ["title"] } } });
  expect(await service.fields("Session", "one")).toEqual({ title: "both" });
  expect(await service.fields("Session", "other")).toEqual({ title: "later" });
});
