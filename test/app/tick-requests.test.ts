// What a tick costs where outside requests are counted: a backlog, nothing to do, and an allowance that runs out.
import { describe, expect, it } from "vitest";
import { tidegate } from "../../src/adapters/broker/tidegate.ts";
import { configureFlows } from "../../src/flows/configure.ts";
import { flows } from "../../src/flows/index.ts";
import type { Database } from "../../src/ports/database.ts";
import { countedFetch } from "../../src/runtime/cloudflare/counted-fetch.ts";
import { tickThrough } from "../../src/runtime/cloudflare/tick-through.ts";
import { type ServiceUnderTest, startService } from "../support/service.ts";
import { SAMPLES } from "./tick-samples.ts";

const RECORDS = 10_000;
const PATH = "http://gateway.test/";

/** A service whose gateway and database cost requests, as they do over HTTP: a query one, a transaction two. */
async function counted(allowance: number) {
  const clock = { aheadMs: 0 };
  const counts = { gateway: 0, database: 0 };
  const service: { current?: ServiceUnderTest } = {};
  const requests = countedFetch(allowance, async () => new Response());
  const spend = (what: keyof typeof counts, many: number): void => {
    counts[what] += many;
    for (let i = 0; i < many; i++) void requests.fetch(new Request(PATH));
  };
  const started = await startService({
    env: { USE_KAFKA: "true" },
    nowMs: () => Date.now() + clock.aheadMs,
    broker: () =>
      tidegate({
        url: PATH,
        cluster: "test",
        partitions: 3,
        fetch: (url, init) => {
          spend("gateway", 1);
          return service.current!.gateway.app.request(url, init);
        },
      }),
    database: (inner) => {
      const costing = Object.entries(inner).map(([name, method]) => [
        name,
        (...args: never[]) => {
          spend("database", name === "transact" ? 2 : 1);
          return (method as (...args: never[]) => unknown)(...args);
        },
      ]);
      return Object.fromEntries(costing) as Database;
    },
  });
  service.current = started;
  const tick = (first = 1, recordsMax = RECORDS) => {
    Object.assign(counts, { gateway: 0, database: 0 });
    const { tick, prepare, budget } = started.composed;
    const all = { ...budget, recordsMax, bytesMax: 4 * 1_048_576, batchMax: 1_000, first, requests, purges: false };
    return requests.within(() => tickThrough({ tick, prepare, budget: all, nowMs: Date.now }));
  };
  return { service: started, counts, tick, clock };
}

/** Fills the log through the service itself, over all flows alike. */
async function fill(service: ServiceUnderTest, records: number): Promise<void> {
  const items = Array.from({ length: records }, (_, i) => SAMPLES[i % SAMPLES.length]!(i));
  for (let from = 0; from < items.length; from += 500) {
    const answers = await service.composed.service.accept(items.slice(from, from + 500), "default");
    expect(answers.filter((answer) => "problem" in answer)).toEqual([]);
  }
}

describe("outside requests of a tick", () => {
  it("are at most 12 to the gateway and 45 in all for 10,000 records over 8 topics of 3 partitions", async () => {
    const { service, counts, tick } = await counted(45);
    await using _ = service;
    await fill(service, RECORDS);
    const report = await tick();
    console.log(
      `backlog: ${report.records} records, ${counts.gateway} to the gateway, ${counts.database} to the database`,
    );
    expect(report).toMatchObject({ records: RECORDS, failures: [] });
    expect(counts.gateway).toBeLessThanOrEqual(12);
    expect(counts.gateway + counts.database).toBeLessThanOrEqual(45);
  });

  it("are at most 3 with nothing to do", async () => {
    const { service, counts, tick, clock } = await counted(45);
    await using _ = service;
    await tick();
    // A minute later, when nothing is remembered of the topics.
    clock.aheadMs = 25_000;
    const report = await tick();
    console.log(`idle: ${counts.gateway} to the gateway, ${counts.database} to the database`);
    expect(report).toMatchObject({ records: 0, more: false, failures: [] });
    expect(counts.gateway + counts.database).toBeLessThanOrEqual(3);
  });

  it("that run out stop it at a batch's border, and the next ticks go on from there", async () => {
    const { service, counts, tick } = await counted(9);
    await using _ = service;
    await fill(service, 3_000);
    let total = 0;
    for (let minute = 0; total < 3_000 && minute < 20; minute++) {
      const report = await tick(minute);
      expect(report.failures).toEqual([]);
      expect(counts.gateway + counts.database).toBeLessThanOrEqual(9);
      expect(report.records % 1_000 === 0 || total + report.records === 3_000).toBe(true);
      expect(report.more).toBe(total + report.records < 3_000);
      total += report.records;
    }
    expect(total).toBe(3_000);
    expect((await service.get("/v1/check")).body).toMatchObject({ closed: true, atRest: true });
  });

  it("leave no flow without its turn, however small the budget is", async () => {
    const { service, tick } = await counted(45);
    await using _ = service;
    await fill(service, 800);
    const configured = configureFlows(flows, service.config);
    for (let minute = 0; minute < configured.length; minute++) await tick(minute, 8);
    const { flows: byFlow } = (await service.get("/v1/check")).body as unknown as {
      flows: { [name: string]: { applied: number } };
    };
    for (const { name } of configured) expect(byFlow[name]!.applied, name).toBeGreaterThan(0);
  });
});
