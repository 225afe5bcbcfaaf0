// GET /v1/operations/{id}: what became of an operation, from the moment its id was given out.
import { describe, expect, it } from "vitest";
import { mintOperationId } from "../../src/domain/operation-id.ts";
import type { Database } from "../../src/ports/database.ts";
import { nodeEntropy } from "../../src/runtime/entropy-node.ts";
import { expectProblem } from "../support/problem.ts";
import { ID_SECRET, type ServiceUnderTest, startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";

const stateOf = async (service: ServiceUnderTest, id: string) => (await service.get(`/v1/operations/${id}`)).body;
const stampAhead = (ms: number) => `${(Date.now() + ms).toString(16).padStart(12, "0")}-0000-0123456789abcdef`;

describe.each(WAYS)("an operation's resource on the path $path", ({ options, path }) => {
  it("shows pending where nobody has applied it yet, then the outcome, entity and path", async () => {
    await using service = await startService(options);
    const { body } = await service.post("/v1/memory/create", { id: "k", user: "u", content: "c" });
    if (path === "kafka") expect(await stateOf(service, body.id)).toEqual({ id: body.id, state: "pending" });
    await service.tickToRest();
    const applied = await stateOf(service, body.id);
    expect(applied).toEqual({
      id: body.id,
      state: "applied",
      flow: "memory",
      type: "create",
      path,
      stamp: body.stamp,
      entity: { kind: "Memory", id: "k" },
      current: true,
      appliedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(Math.abs(Date.parse(applied.appliedAt as string) - Date.now())).toBeLessThan(60_000);
  });

  it("says whether what it wrote still stands: wholly, partly, not at all", async () => {
    await using service = await startService(options);
    const create = (await service.post("/v1/session/create", { id: "s", title: "a", prompt: "p" })).body;
    const update = (await service.post("/v1/session/update", { id: "s", title: "b" })).body;
    await service.tickToRest();
    expect(await stateOf(service, create.id)).toMatchObject({ state: "applied", current: "partly" });
    expect(await stateOf(service, update.id)).toMatchObject({ state: "applied", current: true });
    const remove = (await service.post("/v1/session/delete", { id: "s" })).body;
    await service.tickToRest();
    for (const { id } of [create, update]) {
      expect(await stateOf(service, id)).toMatchObject({ state: "applied", current: false });
    }
    expect(await stateOf(service, remove.id)).toMatchObject({ state: "applied", current: true });
  });

  it("shows superseded, unseen and lost", async () => {
    await using service = await startService({ ...options, partitions: 1 });
    const early = (await service.post("/v1/session/update", { id: "s", prompt: "p" })).body;
    await service.tickToRest();
    expect(await stateOf(service, early.id)).toMatchObject({ state: "applied", unseen: true });
    await service.post("/v1/session/create", { id: "s" });
    await service.post("/v1/session/update", { id: "s", title: "late" }, { "tidegate-after": stampAhead(50_000) });
    await using other = await startService({ ...options, database: () => service.database, gateway: service.gateway });
    const lost = (await other.post("/v1/session/update", { id: "s", title: "x", metadata: {} })).body;
    const superseded = (await other.post("/v1/session/update", { id: "s", title: "y" })).body;
    await service.tickToRest();
    expect(await stateOf(service, lost.id)).toMatchObject({ state: "applied", lost: ["title"] });
    expect(await stateOf(service, superseded.id)).toMatchObject({ state: "superseded", current: false });
  });
});

describe("GET /v1/operations/{id}", () => {
  it("shows a parked operation with its reason", async () => {
    await using service = await startService();
    const { body } = await service.post("/v1/memory/create", { id: "k", user: "u", content: "c" });
    await using elsewhere = await startService({ env: { ENABLE_KAFKA: "false" } });
    const id = mintOperationId(Date.now(), "0123456789a", "default", nodeEntropy(ID_SECRET, undefined).macs[0]);
    const record = {
      specversion: "1.0",
      id,
      source: "/tidegate",
      type: "tidegate.memory.create",
      dataschema: "urn:tidegate:memory.create:7",
      stamp: body.stamp,
      data: { user: "u", content: "c" },
    };
    await service.gateway.broker.produce([{ topic: "memory-operations", key: "u", value: JSON.stringify(record) }]);
    expect(await stateOf(service, id)).toEqual({ id, state: "pending" });
    await service.tickToRest();
    expect(await stateOf(service, id)).toEqual({
      id,
      state: "parked",
      reason: "unknown_version",
      detail: expect.stringContaining("7"),
    });
    expect(await stateOf(elsewhere, body.id)).toMatchObject({ state: "pending" });
  });

  it("knows nothing of ids that nobody gave out, or that belong to another tenant or secret", async () => {
    await using service = await startService();
    const mint = (tenant: string, secret: string) =>
      mintOperationId(Date.now(), "0123456789a", tenant, nodeEntropy(secret, undefined).macs[0]);
    for (const id of [
      "nothing",
      "00000000-0000-0000-0000-000000000000",
      "01a205b8-369b-757d-bc93-45c296d009f6",
      mint("another", ID_SECRET),
      mint("default", "another secret, not ours"),
      "%00",
      "%ED%A0%80",
      "a%2Fb",
    ]) {
      expectProblem(await service.get(`/v1/operations/${id}`), "not_found");
    }
    expect(await stateOf(service, mint("default", ID_SECRET))).toMatchObject({ state: "pending" });
  });

  it("honours ids under the previous secret", async () => {
    await using before = await startService({ env: { ID_SECRET: "the secret of yesterday" } });
    const { body } = await before.post("/v1/memory/create", { user: "u", content: "c" });
    await using after = await startService({ env: { ID_SECRET_PREVIOUS: "the secret of yesterday" } });
    expect(await stateOf(after, body.id)).toMatchObject({ state: "pending" });
  });
});

describe("POST /v1/operations/statuses", () => {
  it("answers many ids in order, null for those it never gave out", async () => {
    await using service = await startService();
    const one = (await service.post("/v1/memory/create", { user: "u", content: "1" })).body;
    const two = (await service.post("/v1/memory/create", { user: "u", content: "2" })).body;
    await service.tickToRest();
    const answer = await service.post("/v1/operations/statuses", [two.id, "nothing", one.id, "a/b", "\0", one.id]);
    const states = answer.body as unknown as ({ id: string } | null)[];
    expect(states.map((state) => state?.id)).toEqual([two.id, undefined, one.id, undefined, undefined, one.id]);
    expect((await service.post("/v1/operations/statuses", [])).body).toEqual([]);
  });

  it("asks the database as often for many that are pending or parked as for a few", async () => {
    let calls = 0;
    await using service = await startService({
      database: (database) =>
        new Proxy(database, {
          get(target, name: keyof Database) {
            calls++;
            return target[name];
          },
        }),
    });
    const items = Array.from({ length: 200 }, () => ({
      flow: "memory",
      type: "create",
      data: { user: "u", content: "c" },
    }));
    const taken = (await service.post("/v1/operations", items)).body as unknown as { id: string }[];
    const callsFor = async (count: number): Promise<number> => {
      calls = 0;
      const ids = taken.slice(0, count).map(({ id }) => id);
      const { body } = await service.post("/v1/operations/statuses", ids);
      expect((body as unknown as { state: string }[]).map(({ state }) => state)).toEqual(Array(count).fill("pending"));
      return calls;
    };
    expect(await callsFor(200)).toBe(await callsFor(2));
  });

  it.each([
    ["no array", { ids: [] }],
    ["numbers", [1]],
    ["a lone surrogate", ["\ud800"]],
    ["too many", Array(1_001).fill("x")],
  ])("refuses %s", async (_, ids) => {
    await using service = await startService();
    expectProblem(await service.post("/v1/operations/statuses", ids), "invalid_input");
  });
});
