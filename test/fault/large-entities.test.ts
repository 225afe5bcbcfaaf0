// Entities that are each as large as an operation may make them: whatever looks at many of them holds a bounded part at a
// time, and all of it is done all the same.
import { describe, expect, it } from "vitest";
import { encodeState } from "../../src/domain/state.ts";
import type { Database } from "../../src/ports/database.ts";
import { type ServiceUnderTest, startService } from "../support/service.ts";
import { WAYS } from "../support/ways.ts";

const MIB = 1_048_576;
const BLOB = 450_000;
const ids = Array.from({ length: 24 }, (_, i) => `m${String(i).padStart(2, "0")}`);

/** Measures the states that each transaction has when it writes, and that each other read answers. */
function measuring() {
  const sizes = { written: [] as number[], read: [] as number[] };
  const sizeOf = (states: readonly Parameters<typeof encodeState>[0][]): number =>
    states.reduce((sum, state) => sum + encodeState(state).length, 0);
  const database = (inner: Database): Database => ({
    ...inner,
    transact: (request, decide) =>
      inner.transact(request, (state) => {
        const decision = decide(state);
        if ("write" in decision) {
          sizes.written.push(sizeOf(request.keys.map((key) => state.entity(key)!.state)));
        }
        return decision;
      }),
    async entities(keys) {
      const found = await inner.entities(keys);
      sizes.read.push(sizeOf([...found.values()].map(({ state }) => state)));
      return found;
    },
  });
  return { sizes, database };
}

const memory = (id: string) => ({ id, user: "eve", content: "x", metadata: { blob: "y".repeat(BLOB) } });

async function store(service: ServiceUnderTest, flow: string, datas: readonly object[]): Promise<void> {
  for (const data of datas) expect((await service.post(`/v1/${flow}/create`, data)).status).toBeLessThan(300);
  await service.tickToRest();
}

describe.each(WAYS)("the answers to many operations on one large entity, on the path $path", ({ options }) => {
  it.each(["application/json", "application/x-ndjson"])(
    "have bounds as %s, and each says what became of it",
    async (type) => {
      await using service = await startService(options);
      await store(service, "memory", [memory("m")]);
      const items = Array.from({ length: 100 }, (_, i) => ({
        flow: "memory",
        type: "update",
        data: { id: "m", tags: [`t${i}`] },
      }));
      const body =
        type === "application/json" ? JSON.stringify(items) : items.map((one) => JSON.stringify(one)).join("\n");
      const response = await service.request("/v1/operations", {
        method: "POST",
        headers: { "content-type": type },
        body,
      });
      const text = await response.text();
      expect(text.length).toBeLessThan(17 * MIB);
      const answers =
        type === "application/json"
          ? JSON.parse(text)
          : text
              .trim()
              .split("\n")
              .map((line) => JSON.parse(line));
      expect(answers.map(({ status, id }: { status: number; id: string }) => [status < 300, typeof id])).toEqual(
        items.map(() => [true, "string"]),
      );
    },
  );
});

describe.each(WAYS)("large entities, on the path $path", ({ path, options }) => {
  it("are changed in as many transactions as they need", async () => {
    const { sizes, database } = measuring();
    await using service = await startService({ ...options, database });
    await store(service, "memory", ids.map(memory));
    sizes.written.length = 0;
    const updates = ids.map((id) => ({ flow: "memory", type: "update", data: { id, tags: ["t"] } }));
    const { body } = await service.post("/v1/operations", updates);
    await service.tickToRest();
    expect(Math.max(...sizes.written)).toBeGreaterThan(2 * MIB);
    expect(Math.max(...sizes.written)).toBeLessThanOrEqual(8 * MIB);
    const statuses = await service.post(
      "/v1/operations/statuses",
      (body as unknown as { id: string }[]).map((one) => one.id),
    );
    expect((statuses.body as unknown as { current: boolean }[]).map(({ current }) => current)).toEqual(
      ids.map(() => true),
    );
    expect((await service.composed.service.check()).closed).toBe(true);
  });

  it("are answered and listed as far as an answer goes, which says that there are more", async () => {
    const { sizes, database } = measuring();
    await using service = await startService({ ...options, database });
    await store(service, "memory", ids.map(memory));
    const asked = await service.post("/v1/memory/query", { user: "eve", limit: 500 });
    await service.tickToRest();
    const { body } = await service.get(`/v1/operations/${asked.body.id}`);
    const { items, truncated } = body.result as { items: { id: string }[]; truncated?: true };
    expect(items.map(({ id }) => id)).toEqual(ids.toReversed().slice(0, 10));
    expect(truncated).toBe(true);
    const few = await service.post("/v1/memory/query", { user: "eve", limit: 3 });
    await service.tickToRest();
    const answer = (await service.get(`/v1/operations/${few.body.id}`)).body.result as { items: unknown[] };
    expect(answer.items).toHaveLength(3);
    expect(answer).not.toHaveProperty("truncated");

    const both = [asked, few, asked].map((one) => one.body.id);
    const { body: together } = await service.post("/v1/operations/statuses", [...both, ...both]);
    const results = (together as unknown as { result?: { truncated?: true } }[]).map(({ result }) => result?.truncated);
    expect(results.filter((isTruncated) => isTruncated)).toHaveLength(1);

    sizes.read.length = 0;
    const listed: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = await service.get(`/v1/memories?user=eve&limit=1000&cursor=${cursor}`);
      expect(page.status).toBe(200);
      listed.push(...(page.body.items as { id: string }[]).map(({ id }) => id));
      cursor = page.body.next as string | null;
    }
    expect(listed).toEqual(ids.toReversed());
    expect(Math.max(...sizes.read)).toBeLessThanOrEqual(5 * MIB);
  });

  it("are answered as far as an answer goes where many queries come together, each of which has its own answer", async () => {
    await using service = await startService(options);
    await store(service, "memory", ids.map(memory));
    const query = { flow: "memory", type: "query", data: { user: "eve", limit: 500 } };
    const { body } = await service.post("/v1/operations", [query, query, query, query]);
    await service.tickToRest();
    type Shown = { id: string; result?: { items: unknown[] } }[];
    const asked = body as unknown as Shown;
    const again = (
      await service.post(
        "/v1/operations/statuses",
        asked.map(({ id }) => id),
      )
    ).body as unknown as Shown;
    const counts = (shown: Shown) => shown.flatMap(({ result }) => result?.items.length ?? []);
    expect(counts(again)).toEqual([10]);
    expect(counts(asked)).toEqual(path === "kafka" ? [] : [10]);
    for (const { id } of asked) {
      expect((await service.get(`/v1/operations/${id}`)).body.result).toMatchObject({
        items: { length: 10 },
        truncated: true,
      });
    }
  });

  it("are swept in as many chunks as they need", async () => {
    const { sizes, database } = measuring();
    await using service = await startService({ ...options, database });
    await store(service, "session", [{ id: "s" }]);
    const messages = ids.map((id) => ({
      id,
      session: "s",
      user: "eve",
      content: "x",
      metadata: { blob: "y".repeat(BLOB) },
    }));
    await store(service, "chat-messages", messages);
    sizes.written.length = 0;
    await service.post("/v1/session/delete", { id: "s" });
    await service.tickToRest();
    expect(Math.max(...sizes.written)).toBeLessThanOrEqual(8 * MIB);
    for (const id of ids)
      expect((await service.database.entities([`default/Message/${id}`])).values().next().value?.hidden).toBe(true);
    expect((await service.composed.service.check()).sweeps).toBe(0);
  });
});
