// Counter-examples of core-proof a1: the merge of one entity.
import { expect, test } from "vitest";
import { join, UNTOUCHED } from "../../src/domain/state.ts";
import { present } from "../../src/flows/define.ts";
import { flows } from "../../src/flows/index.ts";
import { core, createService, inEveryOrder, memory, message, operation } from "./service.ts";

const flowNamed = (name: string) => flows.find((flow) => flow.name === name)!;

test("#1 changes are a function of the operation alone: a second end and a late update are taken in any order", async () => {
  for (const flow of flows) for (const type of Object.values(flow.types)) expect(type.changes.length).toBeLessThan(2);
  const ends = [4, 6].map((at) => operation("activity", "end", at, { id: "x", result: at }));
  const update = operation("activity", "update", 5, { id: "x", name: "n" });
  await inEveryOrder([operation("activity", "create", 1, { id: "x", name: "o" }), update, ...ends], async (service) => {
    expect(await service.fields("Activity", "x")).toEqual({ name: "n", ended: { result: 6 } });
  });
});

test("#2 a delete erases every register not later than itself", async () => {
  const late = operation("session", "update", 0, { id: "x", title: "old" });
  const remove = operation("session", "delete", 1, { id: "x" });
  const revive = operation("session", "create", 1, { id: "x", prompt: "new" });
  await inEveryOrder([late, remove, revive], async (service) => {
    expect(await service.fields("Session", "x")).toEqual({ prompt: "new" });
    expect(Object.keys((await service.state("Session", "x")).fields)).toEqual(["prompt"]);
  });
});

test("#3 of equal stamps the greater operation id wins, whatever came first", async () => {
  const update = operation("memory", "update", 6, { id: "k", tags: [] });
  const create = operation("memory", "create", 6, { ...memory, tags: ["p"] });
  expect(create.id > update.id).toBe(true);
  await inEveryOrder([update, create], async (service) => {
    expect(await service.fields("Memory", "k")).toMatchObject({ tags: ["p"] });
  });
});

test("#3 of equal versions the greater canonical value wins, and a stamp's node has 64 bits", () => {
  const written = (value: string) => ({ type: "update", key: "a/Memory/k", fields: { content: value } }) as const;
  for (const order of [["a", "b"] as const, ["b", "a"] as const]) {
    const [first, second] = order.map(written) as [ReturnType<typeof written>, ReturnType<typeof written>];
    const { state } = join(join(UNTOUCHED, first, "v").state, second, "v");
    expect(state.fields.content).toEqual(["b", "v"]);
  }
  expect(core.stamp.isStamp(core.stamp.formatStamp(1, 0, "0123456789abcdef"))).toBe(true);
  expect(core.stamp.isStamp(core.stamp.formatStamp(1, 0, "0123456789abcde"))).toBe(false);
});

test("#4 null is a value with a version: a late create does not bring the old title back", async () => {
  const create = operation("session", "create", 0, { id: "x", title: "" });
  const update = operation("session", "update", 1, { id: "x", title: null });
  await inEveryOrder([create, update], async (service) => {
    expect(await service.fields("Session", "x")).toEqual({});
    expect((await service.state("Session", "x")).fields.title?.[0]).toBe(null);
  });
});

test("#5 a create writes no defaults: tags set before it stay, and are shown as [] when nobody set them", async () => {
  const update = operation("memory", "update", 1, { id: "k", tags: ["p"] });
  await inEveryOrder([update, operation("memory", "create", 2, memory)], async (service) => {
    expect(await service.fields("Memory", "k")).toMatchObject({ tags: ["p"] });
  });
  const service = createService();
  await service.apply(operation("memory", "create", 2, memory));
  expect(await service.fields("Memory", "k")).toEqual({ content: "hi" });
  expect(present(flowNamed("memory"), "a/Memory/k", await service.state("Memory", "k"))).toMatchObject({ tags: [] });
});

test("#6 no register takes a minimum: creates around a late delete end in the last one's values", async () => {
  const creates = [0, 4, 6].map((at) =>
    operation("session", "create", at, { id: "x", startedAt: new Date(at).toISOString() }),
  );
  await inEveryOrder([...creates, operation("session", "delete", 1, { id: "x" })], async (service) => {
    expect(await service.fields("Session", "x")).toEqual({ startedAt: new Date(6).toISOString() });
  });
});

test("#8 an ended activity stays ended: end and status are one register", async () => {
  const create = operation("activity", "create", 1, { id: "x", name: "n", startedAt: "2020-01-01T00:00:00.000Z" });
  const end = operation("activity", "end", 2, { id: "x", endedAt: "2020-01-01T00:00:05.000Z" });
  const update = operation("activity", "update", 3, { id: "x", status: "active" });
  await inEveryOrder([create, end, update], async (service) => {
    const shown = present(flowNamed("activity"), "a/Activity/x", await service.state("Activity", "x"));
    expect(shown).toMatchObject({ status: "ended", endedAt: "2020-01-01T00:00:05.000Z", durationMs: 5_000 });
  });
});

test("#9 a list is one value, whole, and applying twice does not double it", async () => {
  const first = operation("memory", "update", 1, { id: "k", tags: ["a"] });
  const second = operation("memory", "update", 2, { id: "k", tags: ["b"] });
  await inEveryOrder([operation("memory", "create", 0, memory), first, second], async (service) => {
    await service.store.forgetLedger();
    await service.apply(second);
    expect(await service.fields("Memory", "k")).toMatchObject({ tags: ["b"] });
  });
});

test("#10 a user is named also by a message whose reference lost, and is visible by live edges alone", async () => {
  const toA = operation("chat-messages", "update", 0, { id: "m", user: "A" });
  const toB = operation("chat-messages", "update", 1, { id: "m", user: "B" });
  const create = operation("chat-messages", "create", 2, { ...message, user: "B" });
  await inEveryOrder([toA, toB, create], async (service) => {
    const named = (await service.registers()).map((line) => JSON.parse(line).entity as string);
    expect(named).toEqual(expect.arrayContaining(["a/User/A", "a/User/B"]));
    expect(await service.fields("User", "A")).toBe(null);
    expect(await service.fields("User", "B")).toEqual({});
  });
});

test("#11 tenant a, id b/c is not tenant a/b, id c, and keys are ordered by code unit", async () => {
  const service = createService();
  await service.apply(operation("session", "create", 1, { id: "b/c", title: "one" }));
  await service.apply(operation("session", "create", 1, { id: "c", title: "two" }, { tenant: "a/b" }));
  await service.apply(operation("session", "create", 1, { id: "B" }));
  expect(await service.fields("Session", "b/c")).toEqual({ title: "one" });
  expect(await service.fields("Session", "c", "a/b")).toEqual({ title: "two" });
  const keys = (await service.database.dumpEntities("", 10)).map(({ key }) => key);
  expect(keys).toEqual(["a%2Fb/Session/c", "a/Session/B", "a/Session/b%2Fc"]);
});

test("#11 an event's source and id are encoded before they are joined", async () => {
  const service = createService();
  await service.apply(operation("events", "record", 1, { id: "c", source: "s/b", type: "one" }));
  await service.apply(operation("events", "record", 2, { id: "b/c", source: "s", type: "two" }));
  expect(await service.fields("Event", "s%2Fb/c")).toMatchObject({ type: "one" });
  expect(await service.fields("Event", "s/b%2Fc")).toMatchObject({ type: "two" });
});

test("#11 an operation id that another tenant used means nothing here", async () => {
  const service = createService();
  const mine = operation("session", "create", 1, { id: "x", title: "mine" }, { id: "shared" });
  service.log(mine);
  service.log(operation("session", "create", 1, { id: "x", title: "theirs" }, { id: "shared", tenant: "b" }));
  await service.rest();
  expect(await service.fields("Session", "x")).toEqual({ title: "mine" });
  expect(await service.fields("Session", "x", "b")).toEqual({ title: "theirs" });
});
