// A partition that fails beside others: it stops none of them, it is told of, and nothing is made up about it.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { READ_MS } from "../../src/adapters/broker/dialect.ts";
import type { Broker, PartitionRead } from "../../src/ports/broker.ts";
import { fakeProxy } from "../support/fake-proxy.ts";
import { brokerOf, PROXIES } from "../support/proxies/every.ts";

const FROM = [0, 1].map((partition) => ({ topic: "t", partition, offset: 0 }));
const AT_ONCE = { waitMs: 0, bytesMax: 1_000_000, recordsMax: 1_000 };
const DIALECTS = Object.keys(PROXIES) as (keyof typeof PROXIES)[];
const NOTHING = { records: [], begin: null, end: null };

/** A broker of a dialect whose partitions have a record each, and which cannot read those that `bad` names. */
type Start = (bad: (partition: number) => boolean, onFailed?: (error: unknown) => void) => Broker;

const startOf =
  (dialect: keyof typeof PROXIES): Start =>
  (bad, onFailed) => {
    const { app, log } = PROXIES[dialect]({ t: 2 });
    for (const partition of [0, 1]) log.append("t", { partition, key: null, value: Buffer.from("a") });
    return brokerOf(dialect, app, { onFailed }, async (request, send) => {
      const partition = /partitions\/(\d+)\/(offsets|records)/.exec(request.url)?.[1];
      if (partition === undefined || !bad(Number(partition))) return send(request);
      return Response.json({ error_code: 50003, message: "no leader" }, { status: 500 });
    });
  };

const gatewayStart: Start = (bad, onFailed) => {
  const good = { beginning_offset: 0, end_offset: 1, records: [{ offset: 0, key: null, value: "YQ==" }] };
  const partitions = FROM.map(({ topic, partition }) => ({
    topic,
    partition,
    ...(bad(partition) ? { error_code: 50301, message: "no leader" } : good),
  }));
  return fakeProxy(() => Response.json({ partitions }), { onFailed }).broker;
};

const STARTS: (readonly [string, Start])[] = [
  ["tidegate", gatewayStart],
  ...DIALECTS.map((dialect) => [dialect, startOf(dialect)] as const),
];

describe.each(STARTS)("a read of %s", (_, start) => {
  it("gives the records of the others, and says of the one that failed that nothing is known", async () => {
    const failures: unknown[] = [];
    const broker = start(
      (partition) => partition === 1,
      (error) => failures.push(error),
    );
    for (let ticks = 0; ticks < 3; ticks++) {
      const reads = await broker.read(FROM, AT_ONCE);
      expect(reads.find(({ partition }) => partition === 0)!.records).toHaveLength(1);
      expect(reads.find(({ partition }) => partition === 1)).toMatchObject(NOTHING);
    }
    expect(failures.map(String)).toEqual([expect.stringContaining("no leader")]);
  });

  it("throws when none can be read, and tells nobody else", async () => {
    const failures: unknown[] = [];
    const broker = start(
      () => true,
      (error) => failures.push(error),
    );
    await expect(broker.read(FROM, AT_ONCE)).rejects.toMatchObject({
      code: "broker_unavailable",
      message: expect.stringContaining("no leader"),
    });
    expect(failures).toEqual([]);
  });
});

describe.each(DIALECTS)("a read of %s beside a partition that never answers", (dialect) => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const start = (silent: ReadonlySet<number>) => {
    const { app, log } = PROXIES[dialect]({ t: 2 });
    for (const partition of [0, 1]) log.append("t", { partition, key: null, value: Buffer.from("a") });
    const asked: number[] = [];
    const failures: unknown[] = [];
    const onFailed = (error: unknown): number => failures.push(error);
    const broker = brokerOf(dialect, app, { onFailed }, async (request, send) => {
      const partition = /partitions\/(\d+)\/(offsets|records)/.exec(request.url)?.[1];
      if (partition !== undefined) asked.push(Number(partition));
      if (partition === undefined || !silent.has(Number(partition))) return send(request);
      return new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(request.signal.reason)));
    });
    const readWithin = async (ms: number, signal?: AbortSignal) => {
      const reading = broker.read(FROM, { ...AT_ONCE, ...(signal && { signal }) });
      const settled = reading.then(
        (reads) => ({ reads }),
        (error: unknown) => ({ error }),
      );
      await vi.advanceTimersByTimeAsync(ms);
      return Promise.race([settled, Promise.resolve("still reading")]);
    };
    return { asked, failures, readWithin };
  };
  const beside = {
    reads: expect.arrayContaining([
      expect.objectContaining({ partition: 0, records: [expect.objectContaining({ offset: 0 })] }),
      expect.objectContaining({ partition: 1, ...NOTHING }),
    ]),
  };

  it("gives the others well before the read's deadline, and leaves that one alone for some seconds", async () => {
    const silent = new Set([1]);
    const { asked, failures, readWithin } = start(silent);
    expect(await readWithin(READ_MS * 0.6)).toEqual(beside);
    expect(failures.map(String)).toEqual([expect.stringContaining("no answer within")]);
    const timesAsked = () => asked.filter((partition) => partition === 1).length;
    expect(timesAsked()).toBe(1);
    expect(await readWithin(1_000)).toEqual(beside);
    expect(timesAsked()).toBe(1);
    silent.clear();
    await vi.advanceTimersByTimeAsync(15_000);
    const { reads } = (await readWithin(1_000)) as { reads: PartitionRead[] };
    expect(reads.map(({ records }) => records.length)).toEqual([1, 1]);
  });

  it("asks all of them again at once where all were late, as it may have been the proxy", async () => {
    const silent = new Set([0, 1]);
    const { readWithin } = start(silent);
    expect(await readWithin(READ_MS * 0.6)).toMatchObject({ error: { code: "broker_unavailable" } });
    silent.clear();
    const { reads } = (await readWithin(1_000)) as { reads: PartitionRead[] };
    expect(reads.map(({ records }) => records.length)).toEqual([1, 1]);
  });

  it("throws when the caller gives up first", async () => {
    const { readWithin, failures } = start(new Set([1]));
    const caller = new AbortController();
    setTimeout(() => caller.abort(), 100);
    expect(await readWithin(200, caller.signal)).toMatchObject({ error: { code: "broker_unavailable" } });
    expect(failures).toEqual([]);
  });
});
