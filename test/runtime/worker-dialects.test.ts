// Outside requests of a Worker's ticks before the proxies of others, whose reads cost more than our own gateway's.
import { describe, expect, it } from "vitest";
import { SAMPLES } from "../app/tick-samples.ts";
import { type CountedWorker, countedWorker } from "../support/counted-worker.ts";
import { PROXIES } from "../support/proxies/every.ts";

/** What a tick makes at most on the free plan, which allows 50. */
const ALLOWANCE = 45;
const RECORDS = 240;
/** Where a tick reads one partition of 24, it takes some until each has had its turn. */
const TICKS_MAX = 120;
const IDLE_TICKS = 12;
const MINUTE = 29_000_000;
const DIALECTS = Object.keys(PROXIES) as (keyof typeof PROXIES)[];
/** What anybody may send. */
const OPEN = SAMPLES.filter((make) => make(0).internal !== true);
const ITEMS = Array.from({ length: RECORDS }, (_, i) => OPEN[i % OPEN.length]!(i));

/** Ticks until all is applied, every so many minutes; answers how many ticks it took. */
async function tickThroughAll({ tick }: CountedWorker, allowance: number, step = 1): Promise<number> {
  let [applied, ticks] = [0, 0];
  for (; applied < RECORDS && ticks < TICKS_MAX; ticks++) {
    const { report, made } = await tick(MINUTE + ticks * step);
    expect(report.failures).toEqual([]);
    expect(made).toBeLessThanOrEqual(allowance);
    applied += report.records;
  }
  expect(applied).toBe(RECORDS);
  return ticks;
}

describe.each(DIALECTS)("ticks of a Worker before %s", (dialect) => {
  // Cron's minutes count up by one, or by what `crons` says.
  it.each([1, 2, 15])("read six partitions a topic within the budget of each, every %i minutes", async (step) => {
    const worker = countedWorker(dialect, PROXIES[dialect], { partitions: 6, allowance: ALLOWANCE });
    await worker.send(ITEMS);
    expect(await tickThroughAll(worker, ALLOWANCE, step)).toBeGreaterThan(RECORDS / 100);
    expect(await worker.get("/v1/check")).toMatchObject({ closed: true });
  });

  it("apply what they read with one more topic of events, which once took what a transaction needs", async () => {
    const env = { partitions: 3, allowance: ALLOWANCE, EVENT_TOPICS: "com.example.*=more-events" };
    const worker = countedWorker(dialect, PROXIES[dialect], env);
    expect(worker.topics).toHaveLength(9);
    await worker.send(ITEMS);
    await tickThroughAll(worker, ALLOWANCE);
  });

  it("are within the least budget that may be configured", async () => {
    const worker = countedWorker(dialect, PROXIES[dialect], { partitions: 3, allowance: 20, TICK_RECORDS: 1_000 });
    await worker.send(ITEMS);
    await tickThroughAll(worker, 20);
  });

  it("look at every partition in turn where nothing is in them", async () => {
    const worker = countedWorker(dialect, PROXIES[dialect], { partitions: 6, allowance: ALLOWANCE });
    for (let i = 0; i < IDLE_TICKS; i++) {
      const { report, made } = await worker.tick(MINUTE + i);
      expect(report).toMatchObject({ records: 0, more: false, failures: [] });
      expect(made).toBeLessThanOrEqual(ALLOWANCE);
    }
    await worker.send(ITEMS.slice(0, 1));
    let applied = 0;
    for (let i = 0; applied === 0 && i < TICKS_MAX; i++)
      applied += (await worker.tick(MINUTE + IDLE_TICKS + i)).report.records;
    expect(applied).toBe(1);
  });

  it("report positions within the budget", async () => {
    // A tick that applies something through an instance takes 34, and to report another 13.
    const allowance = 46;
    const env = { partitions: 2, allowance, KAFKA_REPORT_GROUP: "dashboard" };
    const worker = countedWorker(dialect, PROXIES[dialect], env);
    await worker.send(ITEMS.slice(0, 1));
    for (let i = 1; i < TICKS_MAX && worker.proxy.log.committed.size === 0; i++) {
      expect((await worker.tick(MINUTE + i)).made).toBeLessThanOrEqual(allowance);
    }
    expect(worker.proxy.log.committed.size).toBeGreaterThan(0);
  });
});

describe("a budget that not even one partition fits in", () => {
  it("is a failure of every tick that says what it takes, and reads nothing", async () => {
    const EVENT_TOPICS = Array.from({ length: 12 }, (_, i) => `com.example.n${i}=events-${i}`).join(",");
    const worker = countedWorker("confluent", PROXIES.confluent, { partitions: 3, allowance: 20, EVENT_TOPICS });
    expect(worker.topics).toHaveLength(20);
    await worker.send(ITEMS.slice(0, 8));
    const { report, toProxy } = await worker.tick(MINUTE);
    const what = "TICK_REQUESTS has to be 32 at least, and is 20: a tick cannot look at 20 topics, read one partition";
    expect(report.failures).toEqual([`Cannot consume: ${what} and apply what it gives`]);
    expect(worker.lines).toContainEqual(
      expect.objectContaining({ level: "error", message: "Tick stopped: cannot consume" }),
    );
    expect(toProxy).toBe(0);
  });
});
