// What the adapter reads of Redpanda, and what it makes of a position that is not in the log. Numbers are those of the
// failure cases in kafka-over-http.md §2.
import { afterEach, describe, expect, it, vi } from "vitest";
import { brokerOf, PROXIES } from "../support/proxies/every.ts";

afterEach(() => void vi.useRealTimers());

describe("Redpanda's read by offset", () => {
  const at = (offset: number) => [{ topic: "t", partition: 0, offset }];
  const AT_ONCE = { waitMs: 0, bytesMax: 1_000_000, recordsMax: 1_000 };
  const start = (values: readonly string[]) => {
    const proxy = PROXIES.redpanda({ t: 3 });
    for (const value of values) proxy.log.append("t", { partition: 0, key: null, value: Buffer.from(value) });
    return { ...proxy, broker: brokerOf("redpanda", proxy.app, { reportGroup: "dashboard" }) };
  };

  it("drops records before the offset that come with their batch (case 6)", async () => {
    const { broker, faults } = start(["a", "b", "c"]);
    faults.repeats = true;
    const [read] = await broker.read(at(1), AT_ONCE);
    expect(read!.records.map(({ offset }) => offset)).toEqual([1, 2]);
  });

  it("finds where the log begins when retention has passed the position (case 17)", async () => {
    const { broker, log, instances } = start(["a", "b", "c", "d"]);
    log.trim("t", 0, 2);
    expect(await broker.read(at(0), AT_ONCE)).toEqual([{ topic: "t", partition: 0, records: [], begin: 2, end: null }]);
    expect(instances()).toBe(0);
  });

  it("says that the log is shorter than the position (case 17)", async () => {
    const { broker } = start(["a", "b"]);
    expect(await broker.read(at(50), AT_ONCE)).toEqual([{ topic: "t", partition: 0, records: [], begin: 0, end: 2 }]);
  });

  it("calls everything unknown where the log holds nothing to go by, and reads the other partitions (case 17)", async () => {
    const { broker, log } = start(["a"]);
    log.trim("t", 0, 1);
    log.append("t", { partition: 1, key: null, value: Buffer.from("other") });
    const reads = await broker.read([...at(0), { topic: "t", partition: 1, offset: 0 }], AT_ONCE);
    expect(reads).toContainEqual({ topic: "t", partition: 0, records: [], begin: null, end: null });
    expect(reads.find(({ partition }) => partition === 1)!.records).toHaveLength(1);
  });

  it("looks until it has found each lost partition, however much its neighbours hold (case 17)", async () => {
    const { broker, log, instances } = start([]);
    const large = Buffer.alloc(900_000);
    for (let i = 0; i < 6; i++) log.append("t", { partition: 0, key: null, value: large });
    for (const value of ["a", "b", "c"]) log.append("t", { partition: 1, key: null, value: Buffer.from(value) });
    log.trim("t", 1, 2);
    const reads = await broker.read([{ topic: "t", partition: 1, offset: 0 }], AT_ONCE);
    expect(reads).toEqual([{ topic: "t", partition: 1, records: [], begin: 2, end: null }]);
    expect(instances()).toBe(0);
  });

  it("keeps what the other partitions gave when it cannot look, and does not look again soon (case 17)", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const { app, log } = start(["a", "b"]);
    log.trim("t", 0, 1);
    log.append("t", { partition: 1, key: null, value: Buffer.from("other") });
    let looks = 0;
    const failures: unknown[] = [];
    const onFailed = (error: unknown): number => failures.push(error);
    const broker = brokerOf("redpanda", app, { onFailed }, async (request, send) => {
      if (!new URL(request.url).pathname.startsWith("/consumers/") || request.method !== "POST") return send(request);
      looks++;
      return Response.json({ error_code: 50003, message: "no coordinator" }, { status: 500 });
    });
    for (let ticks = 0; ticks < 3; ticks++) {
      const reads = await broker.read([...at(0), { topic: "t", partition: 1, offset: 0 }], AT_ONCE);
      expect(reads).toContainEqual({ topic: "t", partition: 0, records: [], begin: null, end: null });
      expect(reads.find(({ partition }) => partition === 1)!.records).toHaveLength(1);
      vi.advanceTimersByTime(8_000);
    }
    expect(looks).toBe(1);
    expect(failures).toHaveLength(1);
  });

  it("waits for a consumer that is created once its group is joined, which takes 3 s (case 17)", async () => {
    vi.useFakeTimers();
    const { app, log, instances } = start(["a", "b", "c"]);
    log.trim("t", 0, 2);
    const broker = brokerOf("redpanda", app, {}, async (request, send) => {
      if (/\/consumers\/[^/]+$/.test(request.url)) await new Promise((resolve) => setTimeout(resolve, 3_000));
      request.signal.throwIfAborted();
      return send(request);
    });
    const reading = broker.read(at(0), AT_ONCE);
    await vi.advanceTimersByTimeAsync(3_500);
    expect(await Promise.race([reading, "still reading"])).toEqual([
      { topic: "t", partition: 0, records: [], begin: 2, end: null },
    ]);
    expect(instances()).toBe(0);
  });

  it("gives up a look before the read's deadline, and keeps what the other partitions gave (case 17)", async () => {
    vi.useFakeTimers();
    const { app, log } = start(["a", "b"]);
    log.trim("t", 0, 1);
    log.append("t", { partition: 1, key: null, value: Buffer.from("other") });
    const broker = brokerOf("redpanda", app, { readMs: 4_000 }, async (request, send) =>
      request.url.includes("/consumers/") ? new Promise<Response>(() => undefined) : send(request),
    );
    const reading = broker.read([...at(0), { topic: "t", partition: 1, offset: 0 }], AT_ONCE);
    await vi.advanceTimersByTimeAsync(3_500);
    expect(await Promise.race([reading, "still reading"])).toEqual([
      { topic: "t", partition: 1, records: [expect.objectContaining({ offset: 0 })], begin: null, end: null },
      { topic: "t", partition: 0, records: [], begin: null, end: null },
    ]);
  });

  it("reports the last record processed (case 38)", async () => {
    const { broker, log } = start(["a", "b"]);
    await broker.reportPosition!([
      { topic: "t", partition: 0, offset: 2 },
      { topic: "t", partition: 1, offset: 0 },
    ]);
    expect([...log.committed]).toEqual([["dashboard/t/0", 1]]);
  });
});
