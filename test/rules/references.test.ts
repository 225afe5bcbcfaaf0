// Counter-examples of core-proof a2: references, edges, and the deletion of what is referred to.
import { expect, test } from "vitest";
import { createService, inEveryOrder, memory, message, operation, type Service } from "./service.ts";

const createSession = (at: number, id = "s") => operation("session", "create", at, { id });
const deleteSession = (at: number, id = "s") => operation("session", "delete", at, { id });

test("#13 a message older than its session's deletion is hidden, also when it comes late", async () => {
  await inEveryOrder([operation("chat-messages", "create", 0, message), deleteSession(2)], async (service) => {
    expect(await service.fields("Message", "m")).toBe(null);
  });
});

test("#13 an owner that was never created hides nothing", async () => {
  const service = createService();
  await service.apply(operation("chat-messages", "create", 0, message));
  expect(await service.fields("Message", "m")).toEqual({ content: "hi" });
  expect(await service.edges()).toEqual(["SENT a/User/u -> a/Message/m"]);
});

test("#13 a revived session starts empty, and an update attaches a message again", async () => {
  const operations = [
    createSession(0),
    operation("chat-messages", "create", 1, message),
    deleteSession(2),
    createSession(3),
  ];
  await inEveryOrder(operations, async (service) => {
    expect(await service.fields("Session", "s")).toEqual({});
    expect(await service.fields("Message", "m")).toBe(null);
    await service.apply(operation("chat-messages", "update", 4, { id: "m", session: "s" }));
    expect(await service.fields("Message", "m")).toEqual({ content: "hi" });
    expect(await service.edges()).toContain("CONTAINS a/Session/s -> a/Message/m");
  });
});

test("#13 a reference that owns nothing is cut without hiding its source", async () => {
  const create = operation("memory", "create", 1, { ...memory, message: "m" });
  const remove = operation("chat-messages", "delete", 2, { id: "m" });
  const revive = operation("chat-messages", "create", 3, message);
  await inEveryOrder([create, remove, revive], async (service) => {
    expect(await service.fields("Memory", "k")).toEqual({ content: "hi" });
    expect(await service.fields("Message", "m")).toEqual({ content: "hi" });
    expect(await service.edges()).not.toContain("FROM a/Memory/k -> a/Message/m");
  });
});

test("#14 a message that moved has one edge, from the session it moved to", async () => {
  const create = operation("chat-messages", "create", 1, { ...message, session: "A" });
  const move = operation("chat-messages", "update", 2, { id: "m", session: "B" });
  await inEveryOrder([createSession(0, "A"), createSession(0, "B"), create, move], async (service) => {
    const edges = (await service.edges()).filter((edge) => edge.startsWith("CONTAINS"));
    expect(edges).toEqual(["CONTAINS a/Session/B -> a/Message/m"]);
    expect((await service.database.dumpEdges({ source: "", field: "" }, 10)).length).toBe(2);
  });
});

/** A session of five messages, and a memory and an event about one of them. */
async function crowd(): Promise<Service> {
  const service = createService();
  await service.apply(createSession(0));
  for (let i = 0; i < 5; i++) {
    await service.apply(operation("chat-messages", "create", 1, { ...message, id: `m${i}` }));
  }
  await service.apply(operation("memory", "create", 1, { ...memory, message: "m4" }));
  const about = { kind: "Message", id: "m4" };
  await service.apply(operation("events", "record", 1, { id: "e", type: "t", about }));
  return service;
}

const pointing = async (service: Service) => (await service.edges()).filter((edge) => edge.endsWith("-> a/Message/m4"));

test("#16 a deletion touches no members: sweeps hide them in bounded chunks, and what points to them after that", async () => {
  const service = await crowd();
  service.faults.sweepMembersMax = 2;
  await service.apply(deleteSession(2));
  const saved = service.committed.at(-1)!;
  expect(saved.entities.map(({ key }) => key)).toEqual(["a/Session/s"]);
  expect(saved.sweeps).toEqual(["a/Session/s"]);
  expect((await pointing(service)).length).toBe(4);

  for (let passes = 0; (await service.sweep()) > 0; passes++) {
    expect(passes).toBeLessThan(20);
    expect(service.committed.at(-1)!.entities.length).toBeLessThanOrEqual(2);
  }
  for (let i = 0; i < 5; i++) expect(await service.fields("Message", `m${i}`)).toBe(null);
  expect(await pointing(service)).toEqual([]);
  expect(await service.fields("Memory", "k")).toEqual({ content: "hi" });
  expect((await service.database.backlog()).sweeps).toBe(0);
});

test("#16 a message that moves away while its session is swept stays visible", async () => {
  const service = await crowd();
  service.faults.sweepMembersMax = 1;
  await service.apply(deleteSession(2));
  await service.sweep();
  await service.apply(operation("chat-messages", "update", 3, { id: "m0", session: "other" }));
  await service.apply(operation("chat-messages", "update", 3, { id: "m4", session: "other" }));
  await service.rest();
  expect(await service.fields("Message", "m0")).toEqual({ content: "hi" });
  expect((await pointing(service)).length).toBe(3);
  expect(await service.fields("Message", "m1")).toBe(null);
});

test("#16 a read looks at the owner itself while a sweep is still to come", async () => {
  const service = await crowd();
  await service.apply(deleteSession(2));
  await expect(service.reads.entity("Message", "m1", "a")).rejects.toMatchObject({ code: "not_found" });
});

test("#17 a tombstone stays for ever: a create replayed weeks later is superseded", async () => {
  const service = createService();
  const create = operation("session", "create", 1, { id: "s", title: "secret" });
  await service.apply(create);
  await service.apply(deleteSession(2));
  await service.rest();
  service.clock.ms += 30 * 86_400_000;
  await service.store.forgetLedger();
  await service.rest();
  expect(await service.apply(create)).toMatchObject({ row: { outcome: { outcome: "superseded" } } });
  expect(await service.fields("Session", "s")).toBe(null);
  const tombstone = (await service.registers()).join();
  expect(tombstone).toContain('"died":"');
  expect(tombstone).not.toContain("secret");
});

test("#17 the tombstone of a session hides messages that come after it was swept", async () => {
  const service = createService();
  await service.apply(deleteSession(2));
  await service.rest();
  await service.apply(operation("chat-messages", "create", 1, message));
  expect(await service.fields("Message", "m")).toBe(null);
});
