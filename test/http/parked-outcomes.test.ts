// What becomes of decisions about dead letters: those that cannot be carried out, records that come twice, a broker that is
// away; the accounts close, and a rebuild decides the same.
import { describe, expect, it } from "vitest";
import { failingBroker } from "../support/failing-broker.ts";
import { expectProblem } from "../support/problem.ts";
import { type ServiceOptions, startService } from "../support/service.ts";
import { append, parkedIn, record } from "./foreign-records.ts";
import {
  at,
  dump,
  expectClosed,
  memoryOf,
  mended,
  NEWER,
  nameOf,
  ours,
  parkedList,
  TOPIC,
  withRecords,
} from "./parked-records.ts";

describe("a record that nothing can be done with", () => {
  it("does not hold up the decisions about others, and can be replayed once its handler is mended", async () => {
    let broken = true;
    const database: ServiceOptions["database"] = (inner) => ({
      ...inner,
      transact(request, decide) {
        if (broken && request.keys.some((key) => key.endsWith("/poison"))) throw new TypeError("this entity breaks us");
        return inner.transact(request, decide);
      },
    });
    const other = ours("k", NEWER);
    await using service = await withRecords({ database }, ours("poison"), other);
    expect(parkedIn(service)).toMatchObject([{ reason: "handler_failed" }, { reason: "unknown_version" }]);
    await service.post(`${at(0)}/replay`, {});
    await service.post(`${at(1)}/replay`, { value: mended(other) });
    await service.tickToRest();
    expect((await parkedList(service)).items).toMatchObject([{ reason: "handler_failed", attempts: 1 }]);
    expect((await service.get("/v1/memories/k")).status).toBe(200);
    broken = false;
    await service.post(`${at(0)}/replay`, {});
    await service.tickToRest();
    expect((await service.get("/v1/memories/poison")).status).toBe(200);
    expect(await memoryOf(service)).toMatchObject({ accounted: 2, parked: 0 });
    await expectClosed(service);
  });

  it("because its id was used before stays parked, and the operation that has the id keeps it", async () => {
    await using service = await withRecords({}, record(), record({ data: { id: "k", user: "u", content: "another" } }));
    await service.post(`${at(1)}/replay`, {});
    await service.tickToRest();
    expect((await parkedList(service)).items).toMatchObject([{ reason: "id_conflict", attempts: 1 }]);
    await service.post(`${at(1)}/discard`, {});
    await service.tickToRest();
    expect((await service.get("/v1/operations/foreign-1")).body.state).toBe("applied");
    await expectClosed(service);
  });
});

describe("an operation whose record lies in the log twice", () => {
  it("is one in the accounts, parked, discarded or replayed", async () => {
    const [a, b] = [ours("a", NEWER), ours("b", NEWER)];
    await using service = await withRecords({}, a, a, b, b);
    expect(await memoryOf(service)).toMatchObject({ accounted: 2, parked: 2 });
    await service.post(`${at(0)}/discard`, {});
    await service.post(`${at(2)}/replay`, { value: mended(b) });
    await service.tickToRest();
    expect(await memoryOf(service)).toMatchObject({ accounted: 2, parked: 0, discarded: 1, applied: 3, derived: 2 });
    await service.post("/v1/parked/discard", {});
    await service.tickToRest();
    expect((await parkedList(service)).items).toEqual([]);
    expect(await memoryOf(service)).toMatchObject({ accounted: 2, parked: 0, discarded: 1 });
    await expectClosed(service);
  });

  it("is a duplicate when it is met again after it was discarded", async () => {
    let broken = true;
    const database: ServiceOptions["database"] = (inner) => ({
      ...inner,
      transact(request, decide) {
        if (broken && request.keys.some((key) => key.endsWith("/poison"))) throw new TypeError("this entity breaks us");
        return inner.transact(request, decide);
      },
    });
    const poison = ours("poison");
    await using service = await withRecords({ database }, poison);
    await service.post(`${at(0)}/discard`, {});
    await service.tickToRest();
    broken = false;
    await append(service, poison);
    await service.tickToRest();
    expect(parkedIn(service)).toEqual([]);
    expect(await memoryOf(service)).toMatchObject({ accounted: 1, discarded: 1 });
    expectProblem(await service.get("/v1/memories/poison"), "not_found");
    await expectClosed(service);
  });
});

describe("a decision that is not ours", () => {
  it.each(["discarded", "replayed", "edited"])("is parked and not obeyed: %s", async (type) => {
    const bad = ours("k", NEWER);
    const data = { record: `${TOPIC}/0/0`, ...(type === "edited" ? { value: JSON.stringify(mended(bad)) } : {}) };
    const forged = record({ id: "forged", type: `tidegate.memory.${type}`, data });
    await using service = await withRecords({}, bad, forged);
    expect(parkedIn(service)).toMatchObject([
      { reason: "unknown_version" },
      { reason: "invalid", detail: expect.stringContaining("Only the service itself") },
    ]);
    expect((await service.get(`/v1/operations/${bad.id}`)).body.state).toBe("parked");
    for (const asked of [`/v1/memory/${type}`, "/v1/operations"]) {
      const body = asked === "/v1/operations" ? [{ flow: "memory", type, data }] : data;
      const { status, body: answer } = await service.post(asked, body);
      expect([status, JSON.stringify(answer)]).toEqual([
        asked === "/v1/operations" ? 200 : 404,
        expect.stringContaining("not_found"),
      ]);
    }
  });
});

describe("while the broker is down", () => {
  it("records are listed and decided about, and the decisions reach the log later (case 28)", async () => {
    let down = false;
    const broker: ServiceOptions["broker"] = (inner) => {
      const failing = failingBroker(inner);
      const pick = () => (down ? failing : inner);
      return {
        ...inner,
        produce: (records, signal) => pick().produce(records, signal),
        read: (from, budget) => pick().read(from, budget),
        topics: (names, signal) => pick().topics(names, signal),
      };
    };
    const bad = ours("k", NEWER);
    await using service = await withRecords({ broker }, bad, ours("l", NEWER));
    down = true;
    expect((await parkedList(service)).items).toHaveLength(2);
    expect(await service.post(`${at(0)}/replay`, { value: mended(bad) })).toMatchObject({
      status: 200,
      body: { path: "fallback", outcome: "applied" },
    });
    await service.post(`${at(1)}/discard`, {});
    await service.tickToRest();
    expect((await parkedList(service)).items).toEqual([]);
    expect((await service.get("/v1/memories/k")).status).toBe(200);
    down = false;
    service.sql().run("UPDATE outbox SET due_ms = 0");
    await service.tickToRest();
    expect((await service.get("/v1/check")).body).toMatchObject({ closed: true, atRest: true, outbox: 0 });
    await using rebuilt = await startService({ gateway: service.gateway, rebuilding: true });
    await rebuilt.tickToRest();
    expect(await dump(rebuilt)).toBe(await dump(service));
  });
});

describe("#36 a rebuild", () => {
  /** Reads every other partition to its end first. */
  const heldBack =
    (held: { back: boolean }): NonNullable<ServiceOptions["broker"]> =>
    (inner) => ({
      ...inner,
      read: (from, budget) =>
        inner.read(
          from.filter(({ topic, partition }) => !held.back || topic !== TOPIC || partition !== 0),
          budget,
        ),
    });

  it.each(["with the records", "before the records"])(
    "makes the same decisions when it meets them %s",
    async (when) => {
      const [edit, drop, late, stay] = [
        ours("edit", NEWER),
        ours("drop", NEWER),
        ours("late", NEWER),
        ours("stay", NEWER),
      ];
      await using service = await startService({ partitions: 16 });
      await append(service, edit, drop, late, stay, "poison", record({ stamp: undefined }), ours("fine"));
      await service.tickToRest();
      await service.post(`${at(0)}/replay`, { value: mended(edit) });
      await service.post(`${at(1)}/discard`, {});
      await service.post(`${at(2)}/replay`, {});
      await service.post(`${at(3)}/replay`, {});
      await service.tickToRest();
      await service.post(`${at(2)}/replay`, { value: { ...mended(late), data: { ...late.data, content: "edited" } } });
      await service.post(`${at(4)}/discard`, {});
      await service.post(`${at(5)}/replay`, { value: record() });
      await service.tickToRest();
      expect((await parkedList(service)).items).toMatchObject([{ record: await nameOf(service, 3), attempts: 1 }]);

      const held = { back: when === "before the records" };
      await using rebuilt = await startService({ gateway: service.gateway, rebuilding: true, broker: heldBack(held) });
      await rebuilt.tickToRest();
      if (held.back) {
        expect(parkedIn(rebuilt)).toEqual([]);
        expect(rebuilt.sql().get<{ n: number }>("SELECT count(*) AS n FROM decision")!.n).toBeGreaterThan(0);
        held.back = false;
        await rebuilt.tickToRest();
      }
      expect(await dump(rebuilt)).toBe(await dump(service));
      expect(await dump(service)).toContain("edited");
      expect((await parkedList(rebuilt)).items.map(({ record }) => record)).toEqual([await nameOf(service, 3)]);
      const counted = ({ accounted, applied, discarded, parked, foreign, derived }: Record<string, number>) => ({
        ...{ accounted, applied, discarded, parked, foreign, derived },
      });
      expect(counted(await memoryOf(rebuilt))).toEqual(counted(await memoryOf(service)));
      for (const { id } of [edit, drop, late, stay]) {
        const [before, after] = await Promise.all([service, rebuilt].map((one) => one.get(`/v1/operations/${id}`)));
        expect(after!.body.state).toBe(before!.body.state);
      }
      await expectClosed(rebuilt);
    },
  );

  it("carries out the later of two decisions, also when the clock went back between them", async () => {
    let nowMs = Date.now();
    const bad = ours("k", NEWER);
    await using service = await withRecords({ nowMs: () => nowMs }, bad);
    await service.post(`${at(0)}/replay`, {});
    await service.tickToRest();
    nowMs -= 20_000;
    await using other = await startService({
      gateway: service.gateway,
      database: () => service.database,
      nowMs: () => nowMs,
    });
    await other.post(`${at(0)}/discard`, {});
    await other.tickToRest();
    expect((await service.get(`/v1/operations/${bad.id}`)).body.state).toBe("discarded");
    await using rebuilt = await startService({ gateway: service.gateway, rebuilding: true });
    await rebuilt.tickToRest();
    expect((await rebuilt.get(`/v1/operations/${bad.id}`)).body.state).toBe("discarded");
  });
});
