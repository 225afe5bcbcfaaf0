// The faults do what they are called, the same way for the same seed.
import { describe, expect, it } from "vitest";
import { type FaultRates, faultyBroker } from "./faulty-broker.ts";
import { gatewayBundle } from "./gateway-bundle.ts";

const FROM = [0, 1, 2].map((partition) => ({ topic: "t", partition, offset: 0 }));
const BUDGET = { waitMs: 0, bytesMax: 1e6, recordsMax: 1_000 };
const RECORDS = Array.from({ length: 60 }, (_, i) => ({ topic: "t", key: "k", value: `${i}` }));

async function run(seed: number, rates: FaultRates) {
  await using bundle = await gatewayBundle();
  const broker = faultyBroker(bundle.broker, seed, rates);
  const results = await broker.produce(RECORDS);
  const written = async () => {
    const reads = await bundle.broker.read(FROM, BUDGET);
    return reads.flatMap(({ records }) => records.map(({ value }) => Number(new TextDecoder().decode(value!))));
  };
  const before = await written();
  await broker.land();
  return { statuses: results.map(({ status }) => status), before, after: await written(), struck: broker.struck };
}

describe("faultyBroker()", () => {
  it.each<[keyof FaultRates, string, number, number]>([
    ["retryable", "retryable", 0, 0],
    ["fatal", "fatal", 0, 0],
    ["unknownWritten", "unknown", 60, 60],
    ["unknownLost", "unknown", 0, 0],
    ["late", "unknown", 0, 60],
    ["duplicate", "ok", 120, 120],
  ])("%s answers %s with %i records in the log, %i in the end", async (fault, status, before, after) => {
    const outcome = await run(1, { [fault]: 1 });
    expect(new Set(outcome.statuses)).toEqual(new Set([status]));
    expect([outcome.before.length, outcome.after.length]).toEqual([before, after]);
    expect(outcome.struck[fault]).toBe(60);
  });

  it("does the same for the same seed, another thing for another, and promises nothing false", async () => {
    const rates = { retryable: 0.1, fatal: 0.1, unknownWritten: 0.2, unknownLost: 0.1, late: 0.1, duplicate: 0.2 };
    const [one, same, other] = [await run(7, rates), await run(7, rates), await run(8, rates)];
    expect(same).toEqual(one);
    expect(other.statuses).not.toEqual(one.statuses);
    for (const [i, status] of one.statuses.entries()) {
      const inLog = one.after.includes(i);
      if (status !== "unknown") expect(inLog).toBe(status === "ok");
    }
  });

  it("readFails and topicsFails throw broker_unavailable", async () => {
    await using bundle = await gatewayBundle();
    const broker = faultyBroker(bundle.broker, 1, { readFails: 1, topicsFails: 1 });
    await expect(broker.read(FROM, BUDGET)).rejects.toMatchObject({ code: "broker_unavailable" });
    await expect(broker.topics(["t"])).rejects.toMatchObject({ code: "broker_unavailable" });
  });
});
