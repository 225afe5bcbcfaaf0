// Records that are larger than a read: asked for with more room, in the end parked, and never in the way of others.
import { describe, expect, it } from "vitest";
import type { Broker } from "../../src/ports/broker.ts";
import { startService } from "../support/service.ts";
import { append, expectGoneOn, parkedIn, record } from "./foreign-records.ts";

describe("a record that is larger than a read", () => {
  /** A proxy that answers an empty page, again and again, where the next record does not fit. */
  const shy =
    (bytesNeeded: number, asked: number[]) =>
    (broker: Broker): Broker => ({
      ...broker,
      async read(from, budget) {
        asked.push(budget.bytesMax);
        const reads = await broker.read(from, budget);
        return reads.map((read) => {
          const large = read.records.findIndex(({ value }) => (value?.byteLength ?? 0) > 10_000);
          if (large === -1 || budget.bytesMax >= bytesNeeded) return read;
          return { ...read, records: read.records.slice(0, large) };
        });
      },
    });
  const large = record({ id: "large", data: { id: "l", user: "u", content: "x".repeat(20_000) } });

  it("is asked for with more room until it fits", async () => {
    const asked: number[] = [];
    await using service = await startService({ partitions: 1, broker: shy(3_000_000, asked) });
    await append(service, record(), large);
    await service.tickToRest();
    expect(Math.max(...asked)).toBeGreaterThanOrEqual(3_000_000);
    expect(parkedIn(service)).toEqual([]);
    await expectGoneOn(service);
    expect((await service.get("/v1/check")).body).toMatchObject({ flows: { memory: { applied: 3 } } });
  });

  it("is parked by its place where it never fits, and the partition goes on", async () => {
    const asked: number[] = [];
    await using service = await startService({ partitions: 1, broker: shy(Number.POSITIVE_INFINITY, asked) });
    await append(service, record(), large);
    await service.tickToRest();
    expect(parkedIn(service)).toMatchObject([{ offset: 1, reason: "too_large", bytes: null }]);
    await expectGoneOn(service);
    expect(asked.length).toBeLessThan(40);
  });

  it("does not wait for the other partitions to fall silent", async () => {
    const asked: number[] = [];
    await using service = await startService({
      partitions: 1,
      broker: shy(3_000_000, asked),
      env: { TICK_RECORDS: "10" },
    });
    await append(service, large);
    for (let i = 0; i < 30; i++) {
      for (let j = 0; j < 12; j++) await service.post("/v1/session/create", { id: `s${i}-${j}` });
      await service.composed.tick({ ...service.composed.budget, waitMs: 0 });
    }
    const dump = await (await service.request("/v1/dump")).text();
    expect(dump.includes("xxxxx")).toBe(true);
  });
});
