// What each dialect makes of records that failed, may have failed or were never reported. Numbers are those of the
// failure cases in kafka-over-http.md §2.
import { describe, expect, it } from "vitest";
import { loopback } from "../support/gateway-bundle.ts";
import { confluentV3Proxy } from "../support/proxies/confluent-v3.ts";
import { brokerOf, PROXIES } from "../support/proxies/every.ts";
import { upstashProxy } from "../support/proxies/upstash.ts";

const DIALECTS = Object.keys(PROXIES) as (keyof typeof PROXIES)[];
const record = (value: string, topic = "t") => ({ topic, key: "k", value });
const many = (count: number) => Array.from({ length: count }, (_, i) => record(String(i)));
const countOf = (log: { from(topic: string, partition: number, offset: number): readonly unknown[] }): number =>
  [0, 1, 2].reduce((sum, partition) => sum + log.from("t", partition, 0).length, 0);

describe.each(DIALECTS)("produce() to %s", (dialect) => {
  const start = () => {
    const proxy = PROXIES[dialect]({ t: 3 });
    return { ...proxy, broker: brokerOf(dialect, proxy.app) };
  };

  it("answers unknown for records that were reported as expired, and are there (case 7)", async () => {
    const { broker, faults, log } = start();
    faults.expiresButWrites = true;
    const results = await broker.produce(many(3));
    expect(results.map(({ status }) => status)).toEqual(["unknown", "unknown", "unknown"]);
    expect(countOf(log)).toBe(3);
  });

  it("answers unknown when the answer is lost (case 7)", async () => {
    const { app, log } = start();
    const broker = brokerOf(dialect, app, {}, async (request, send) => {
      const response = await send(request);
      if (request.method === "POST") throw new TypeError("fetch failed", { cause: { code: "ECONNRESET" } });
      return response;
    });
    expect((await broker.produce(many(2))).map(({ status }) => status)).toEqual(["unknown", "unknown"]);
    expect(countOf(log)).toBe(2);
  });

  it("says a missing topic is one, at once (case 10)", async () => {
    const { broker } = start();
    const [good, bad] = await broker.produce([record("a"), record("b", "nowhere")]);
    expect(good!.status).toBe("ok");
    expect(["fatal", "retryable"]).toContain(bad!.status);
    expect(await broker.topics(["nowhere", "t"])).toMatchObject([{ name: "t" }]);
  });

  it("refuses for good what the proxy refuses for its size (case 16)", async () => {
    const { broker, log } = start();
    const results = await broker.produce([record("x".repeat(1_200_000)), record("small")]);
    expect(results.map(({ status }) => status)).toEqual(["fatal", "ok"]);
    expect(countOf(log)).toBe(1);
  });

  it("writes values that no proxy takes for falsy JSON, since they are bytes (case 35)", async () => {
    const { broker, log } = start();
    const values = ["{}", "0", '""', "null", "false"];
    const results = await broker.produce(values.map((value) => record(value)));
    const { partition } = results[0] as { partition: number };
    expect(log.from("t", partition, 0).map(({ value }) => value?.toString())).toEqual(values);
  });
});

describe.each(["confluent", "karapace", "strimzi"] as const)("produce() to %s", (dialect) => {
  it("tells the records that were written from those that may have been (case 8)", async () => {
    const { app, faults, log } = PROXIES[dialect]({ t: 3 });
    faults.writesOnly = 2;
    const results = await brokerOf(dialect, app).produce(many(5));
    expect(results.map(({ status }) => status)).toEqual(["ok", "ok", "unknown", "unknown", "unknown"]);
    expect(countOf(log)).toBe(2);
  });
});

describe("produce() to Redpanda, which answers for each partition and not for each record (case 8)", () => {
  const answered = (...offsets: object[]) => {
    const { app } = PROXIES.redpanda({ t: 3 });
    return brokerOf("redpanda", app, {}, async () => Response.json({ offsets })).produce(many(3));
  };

  it("places the records of one partition one after another", async () => {
    const { app } = PROXIES.redpanda({ t: 3 });
    const broker = brokerOf("redpanda", app);
    await broker.produce([record("before")]);
    const [first, ...others] = await broker.produce(many(3));
    const { partition } = first as { partition: number };
    const ok = { status: "ok", partition };
    expect([first, ...others]).toEqual([1, 2, 3].map((offset) => ({ ...ok, offset })));
  });

  it("takes all records for written when no partition failed, and knows no places", async () => {
    const written = { status: "ok", partition: null, offset: null };
    expect(await answered({ partition: 2, offset: 7 }, { partition: 0, offset: 4 })).toEqual([
      written,
      written,
      written,
    ]);
  });

  it.each([
    [
      "unknown",
      "one partition failed",
      [
        { partition: 1, offset: 4 },
        { partition: 0, error_code: 3, offset: -1 },
      ],
    ],
    [
      "unknown",
      "one may have failed",
      [
        { partition: 1, error_code: 7, offset: -1 },
        { partition: 0, error_code: 3 },
      ],
    ],
    [
      "fatal",
      "all were refused",
      [
        { partition: 1, error_code: 3, offset: -1 },
        { partition: 0, error_code: 10 },
      ],
    ],
    ["fatal", "the one there is was refused", [{ partition: 0, error_code: 3, offset: -1 }]],
    ["unknown", "there is none", []],
    ["unknown", "there are more than records", [0, 1, 2, 3].map((partition) => ({ partition, offset: 0 }))],
  ])("answers %s for every record when of the partitions %s", async (status, _, offsets) => {
    expect((await answered(...offsets)).map((result) => result.status)).toEqual([status, status, status]);
  });

  it("sends no more at once than fits a batch, which is refused as a whole", async () => {
    const { app } = PROXIES.redpanda({ t: 3 });
    const half = record("x".repeat(600_000));
    const results = await brokerOf("redpanda", app).produce([half, half, record("small")]);
    expect(results.map(({ status }) => status)).toEqual(["ok", "ok", "ok"]);
  });
});

describe("produce() to Confluent v3 (case 9)", () => {
  const streamed = () => {
    const proxy = confluentV3Proxy({ t: 3 }, { hasBatch: false });
    return { ...proxy, broker: brokerOf("confluent-v3", proxy.app) };
  };

  it("matches the entries of a batch by their names, whatever their order", async () => {
    const { app } = confluentV3Proxy({ t: 3 });
    const broker = brokerOf("confluent-v3", app);
    const results = await broker.produce([record("a"), record("x".repeat(1_100_000)), record("c")]);
    expect(results.map(({ status }) => status)).toEqual(["ok", "fatal", "ok"]);
  });

  it("answers unknown where a report is missing", async () => {
    const { broker, v3, log } = streamed();
    v3.reports = 12;
    const results = await broker.produce(many(15));
    expect(results.slice(0, 12).every(({ status }) => status === "ok")).toBe(true);
    expect(results.slice(12).map(({ status }) => status)).toEqual(["unknown", "unknown", "unknown"]);
    expect(countOf(log)).toBe(15);
  });

  it("keeps the reports that came before the connection broke", async () => {
    const { broker, v3 } = streamed();
    v3.reports = 11;
    v3.breaks = true;
    const results = await broker.produce(many(12));
    expect(results.map(({ status }) => status)).toEqual([...Array(11).fill("ok"), "unknown"]);
  });

  it("answers unknown for all when the stream itself failed", async () => {
    const { broker, v3 } = streamed();
    v3.extraReport = true;
    expect((await broker.produce(many(12))).every(({ status }) => status === "unknown")).toBe(true);
  });

  it("has produced nothing while it does not know the cluster", async () => {
    const { app, log } = confluentV3Proxy({ t: 3 });
    const broker = brokerOf("confluent-v3", app, {}, async (request, send) => {
      if (request.url.endsWith("/v3/clusters")) throw new TypeError("fetch failed", { cause: { code: "ECONNRESET" } });
      return send(request);
    });
    expect((await broker.produce(many(2))).map(({ status }) => status)).toEqual(["retryable", "retryable"]);
    expect(countOf(log)).toBe(0);
  });
});

describe("the package of Upstash", () => {
  it("is left behind at the caller's deadline, and what it was doing is unknown (case 7)", async () => {
    const { app, faults, log } = upstashProxy({ t: 3 });
    await using server = await loopback(app);
    const broker = brokerOf("upstash", app, { url: server.url, basic: { username: "user", password: "secret" } });
    expect(await broker.topics(["t"])).toHaveLength(1);
    faults.expiresButWrites = true;
    const began = performance.now();
    const results = await broker.produce(many(2), AbortSignal.timeout(300));
    expect(results.map(({ status }) => status)).toEqual(["unknown", "unknown"]);
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(countOf(log)).toBeGreaterThanOrEqual(2);
  });

  it("does not hide that a password is wrong beyond the deadline", async () => {
    const { app } = upstashProxy({ t: 3 });
    await using server = await loopback(app);
    const broker = brokerOf("upstash", app, { url: server.url, basic: { username: "user", password: "wrong" } });
    await expect(broker.topics(["t"], AbortSignal.timeout(300))).rejects.toMatchObject({ code: "broker_unavailable" });
  });
});
