// A rebuild from the log alone: it comes to rest whatever is at the end of the log, and finds what decisions are about.
import { describe, expect, it } from "vitest";
import { NOTHING_CONSUMED } from "../../src/app/consume.ts";
import { obstaclesIn, rebuild } from "../../src/app/rebuild.ts";
import type { Broker } from "../../src/ports/broker.ts";
import type { Backlog } from "../../src/ports/database.ts";
import { type ServiceOptions, type ServiceUnderTest, startService } from "../support/service.ts";
import { append } from "./foreign-records.ts";
import { at, dump, mended, NEWER, ours } from "./parked-records.ts";

async function rebuilt({ gateway }: ServiceUnderTest, options: ServiceOptions = {}): Promise<ServiceUnderTest> {
  const anew = await startService({ ...options, gateway, rebuilding: true });
  const { tick, budget } = anew.composed;
  expect((await rebuild(tick, budget, anew.database)).obstacles).toEqual([]);
  return anew;
}

it("a rebuild goes on while sweeps are to be done, also when the log is read to its end", async () => {
  const NOTHING = { ...NOTHING_CONSUMED, relayed: 0, swept: 0, prepared: 0, decided: 0, failures: [] };
  const reports = [
    { ...NOTHING, records: 5, first: 5, more: true },
    { ...NOTHING, swept: 1_000 },
    { ...NOTHING, swept: 3 },
  ];
  let ticks = 0;
  const tick = async () => reports[ticks++] ?? NOTHING;
  const database = { backlog: async () => ({ retries: 0 }) as Backlog };
  expect(await rebuild(tick, { recordsMax: 10, bytesMax: 10, waitMs: 0 }, database)).toMatchObject({ records: 5 });
  expect(ticks).toBe(reports.length + 1);
});

describe("a rebuild carries out decisions", () => {
  /** A dialect that cannot tell one log of a topic from the next, at some address. */
  const untold =
    (cluster: string) =>
    (broker: Broker): Broker => ({
      ...broker,
      cluster,
      topics: async (names, signal) =>
        (await broker.topics(names, signal)).map((topic) => ({ ...topic, generation: "0" })),
    });

  async function edited(options: ServiceOptions = {}): Promise<ServiceUnderTest> {
    const service = await startService({ partitions: 1, ...options });
    const bad = ours("k", NEWER);
    await append(service, bad);
    await service.tickToRest();
    const answer = await service.post(`${at(0)}/replay`, { value: mended(bad) });
    expect(answer.status).toBeLessThan(300);
    await service.tickToRest();
    expect(await dump(service)).toContain("content of k");
    return service;
  }

  it("also at another address, where nobody can tell what log it is", async () => {
    await using service = await edited({ broker: untold("one") });
    await using anew = await rebuilt(service, { broker: untold("another") });
    expect(await dump(anew)).toBe(await dump(service));
  });

  it("also where the database in use has seen the log made anew", async () => {
    const before = untold("one");
    let isLonger = true;
    // Once, the log ends before the position.
    const shortened = (broker: Broker): Broker => ({
      ...before(broker),
      read: async (from, budget) => {
        const read = await broker.read(from, budget);
        return isLonger ? read.map((each) => ({ ...each, records: [], end: 0, begin: 0 })) : read;
      },
    });
    await using service = await startService({ partitions: 1, broker: shortened });
    const bad = ours("k", NEWER);
    isLonger = false;
    await append(service, ours("first"));
    await service.tickToRest();
    isLonger = true;
    const { tick, budget } = service.composed;
    await tick({ ...budget, waitMs: 0 });
    isLonger = false;
    await append(service, bad);
    await service.tickToRest();
    expect((await service.post(`${at(1)}/replay`, { value: mended(bad) })).status).toBe(202);
    await service.tickToRest();
    expect(await dump(service)).toContain("content of k");
    await using anew = await rebuilt(service, { broker: before });
    expect(await dump(anew)).toBe(await dump(service));
  });

  it("or says that they were made with the flow's Kafka off, and are not in the log", async () => {
    await using service = await edited({ env: { ENABLE_KAFKA: "false" } });
    expect(obstaclesIn(await service.composed.service.check())).toContainEqual(
      expect.stringMatching(/^1 decisions about parked records were made with their flow's Kafka off/),
    );
  });
});
