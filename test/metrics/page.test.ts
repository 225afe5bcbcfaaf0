// GET /metrics of a whole service: what it counts equals what the accounting says, on every path, across restarts and
// while parts of it are down.
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { METRICS } from "../../src/app/metric-list.ts";
import { flows } from "../../src/flows/index.ts";
import type { Broker } from "../../src/ports/broker.ts";
import type { Database } from "../../src/ports/database.ts";
import { append, record } from "../http/foreign-records.ts";
import { type FailingDatabase, failingDatabase } from "../support/failing-database.ts";
import { gatewayBundle } from "../support/gateway-bundle.ts";
import { parseMetrics, scrape } from "../support/metrics-page.ts";
import { type ServiceOptions, type ServiceUnderTest, startService } from "../support/service.ts";
import { tempFolder } from "../support/temp-folder.ts";

const REFUSED = "session-operations";

/** Takes every record but those of one topic. */
const refusing = (broker: Broker): Broker => ({
  ...broker,
  async produce(records, signal) {
    if (records.every(({ topic }) => topic !== REFUSED)) return broker.produce(records, signal);
    return records.map(() => ({ status: "retryable", reason: "connection refused" }));
  },
});

interface FlowCheck {
  readonly pending: number | null;
  readonly parked: number;
  readonly foreign: number;
  readonly applied: number;
  readonly superseded: number;
  readonly byPath: Readonly<Record<string, number>>;
}

const checkOf = async (service: ServiceUnderTest) =>
  Object.entries((await service.get("/v1/check")).body.flows as Record<string, FlowCheck>);

/** Every path, a duplicate, a superseded and a foreign operation, parked records, an update of what nobody created. */
async function fill(service: ServiceUnderTest) {
  const memory = { user: "u", content: "c" };
  expect((await service.post("/v1/memory/create", { id: "k", ...memory })).body.path).toBe("kafka");
  await service.post("/v1/memory/update", { id: "never created", content: "c" });
  expect((await service.post("/v1/session/create", { id: "s" })).body.path).toBe("fallback");
  expect((await service.post("/events", { id: "e", type: "com.example.thing" })).body.path).toBe("direct");
  const twice = record({ id: "foreign", data: { id: "f", ...memory } });
  const old = { stamp: undefined, time: "2001-01-01T00:00:00Z", type: "tidegate.memory.update" };
  await append(service, twice, twice, "not JSON", record({ id: "old", ...old, data: { id: "f", content: "old" } }));
  await service.tickToRest();
}

const start = (options: ServiceOptions = {}) =>
  startService({ broker: refusing, partitions: 1, env: { KAFKA_BREAKER_FAILURES: "1000" }, ...options });

describe("GET /metrics", () => {
  it("has every metric with its help, type and labels, in one order", async () => {
    await using service = await start();
    await fill(service);
    await service.composed.canary.send();
    const page = await scrape(service);
    expect(page.heads).toEqual(METRICS.map(({ name, help, type }) => ({ name, help, type })));
    for (const { name, labels, type } of METRICS) {
      const own = page.lines.filter((line) => line.name.replace(/_(bucket|sum|count)$/, "") === name);
      expect(own.length, name).toBeGreaterThan(0);
      const found = new Set(own.flatMap((line) => Object.keys(line.labels)));
      expect([...found].sort()).toEqual([...labels, ...(type === "histogram" ? ["le"] : [])].sort());
    }
    expect((await service.request("/metrics", { method: "HEAD" })).status).toBe(200);
    expect((await service.request("/metrics", { method: "POST" })).status).toBe(405);
  });

  it("counts operations by flow, path and outcome as the accounting does", async () => {
    await using service = await start();
    await fill(service);
    const page = await scrape(service);
    const total = (flow: string, path: string, outcome: string) =>
      page.value("tidegate_operations_total", { flow, path, outcome });
    expect(total("memory", "kafka", "applied")).toBe(3);
    expect(total("memory", "kafka", "superseded")).toBe(1);
    expect(total("session", "fallback", "applied")).toBe(1);
    expect(total("events", "direct", "applied")).toBe(1);
    expect(page.value("tidegate_foreign_operations_total", { flow: "memory" })).toBe(2);
    for (const [flow, check] of await checkOf(service)) {
      for (const [path, first] of Object.entries(check.byPath)) {
        expect(total(flow, path, "applied")! + total(flow, path, "superseded")!, `${flow} ${path}`).toBe(first);
      }
      expect(page.value("tidegate_foreign_operations_total", { flow })).toBe(check.foreign);
      expect(page.value("tidegate_lag_records", { flow })).toBe(check.pending);
      expect(page.value("tidegate_parked", { flow })).toBe(check.parked);
      expect(page.value("tidegate_accounting_difference", { flow })).toBe(0);
    }
  });

  it("counts records by their place, and work to do", async () => {
    await using service = await start();
    await fill(service);
    const page = await scrape(service);
    const places = ["first", "duplicate", "parked", "gap"];
    const at = (flow: string) => places.map((place) => page.value("tidegate_records_total", { flow, place }));
    expect(at("memory")).toEqual([4, 1, 1, 0]);
    expect(at("session")).toEqual([0, 0, 0, 0]);
    expect(at("events")).toEqual([0, 0, 0, 0]);
    expect(page.value("tidegate_parked", { flow: "other" })).toBe(1);
    expect(page.value("tidegate_outbox")).toBe(1);
    expect(page.value("tidegate_outbox_oldest_seconds")).toBeLessThan(60);
    expect(page.value("tidegate_unseen_entities")).toBe(1);
    expect(page.value("tidegate_sweeps")).toBe(0);
    expect(page.value("tidegate_up_database")).toBe(1);
    expect(page.value("tidegate_up_kafka")).toBe(1);
    expect(page.value("tidegate_clock_skew_seconds")).toBeLessThan(5);
    expect(page.value("tidegate_build_info", { version: "0.0.0-test" })).toBe(1);
    const states = page.lines.filter(({ name }) => name === "tidegate_breaker_state");
    expect(states.map(({ labels, value }) => [labels.state, value])).toEqual([
      ["closed", 1],
      ["half-open", 0],
      ["open", 0],
    ]);
  });

  it("says what lags before a tick, and how old it is", async () => {
    let nowMs = Date.now();
    await using service = await start({ nowMs: () => nowMs, databaseNowMs: () => nowMs });
    for (const id of ["a", "b", "c"]) await service.post("/v1/memory/create", { id, user: "u", content: "c" });
    nowMs += 90_000;
    const page = await scrape(service);
    expect(page.value("tidegate_lag_records", { flow: "memory" })).toBe(3);
    expect(page.value("tidegate_lag_seconds", { flow: "memory" })).toBe(90);
    expect(page.value("tidegate_lag_seconds", { flow: "session" })).toBe(0);
    expect(page.value("tidegate_operations_total", { flow: "memory", path: "kafka", outcome: "applied" })).toBe(0);
  });

  it("times requests by flow and path, transactions and ticks, in buckets that hold those below", async () => {
    await using service = await start();
    await fill(service);
    await service.post("/v1/operations", [{ flow: "no such flow", type: "x", data: {} }]);
    const items = ["a", "b"].map((id) => ({ flow: "memory", type: "create", data: { id, user: "u", content: "c" } }));
    await service.post("/v1/operations", items);
    const page = await scrape(service);
    const count = (flow: string, path: string) => page.value("tidegate_accept_duration_seconds_count", { flow, path });
    expect(count("memory", "kafka")).toBe(2);
    expect(count("session", "fallback")).toBe(1);
    expect(count("events", "direct")).toBe(1);
    expect(count("batch", "kafka")).toBe(1);
    expect(count("other", "none")).toBe(1);
    expect(count("activity", "kafka")).toBeUndefined();
    for (const name of ["apply", "tick"]) {
      expect(page.value(`tidegate_${name}_duration_seconds_count`)).toBeGreaterThan(0);
      expect(page.value(`tidegate_${name}_duration_seconds_sum`)).toBeGreaterThan(0);
      const buckets = page.lines.filter((line) => line.name === `tidegate_${name}_duration_seconds_bucket`);
      const values = buckets.map(({ value }) => value);
      expect(values).toEqual(values.toSorted((a, b) => a - b));
      const bounds = buckets.map(({ labels }) => Number(labels.le!.replace("+Inf", "Infinity")));
      expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
      expect(bounds.at(-1)).toBe(Number.POSITIVE_INFINITY);
      expect(values.at(-1)).toBe(page.value(`tidegate_${name}_duration_seconds_count`));
    }
  });

  it("counts the same after a restart and in every process that shares the database", async () => {
    using folder = tempFolder();
    await using gateway = await gatewayBundle({ topics: Object.fromEntries(flows.map(({ topic }) => [topic, 1])) });
    const options = { path: folder.path("graph.sqlite"), gateway };
    const counters = async (service: ServiceUnderTest) =>
      (await scrape(service)).lines.filter(({ name }) => name.endsWith("_total"));
    let before: unknown;
    {
      await using service = await start(options);
      await fill(service);
      before = await counters(service);
      await using beside = await start(options);
      expect(await counters(beside)).toEqual(before);
    }
    await using after = await start(options);
    expect(await counters(after)).toEqual(before);
    expect((await scrape(after)).value("tidegate_apply_duration_seconds_count")).toBe(0);
  });

  it("says by how much the accounting does not close, and in which flow", async () => {
    await using service = await start();
    await fill(service);
    const counts = (key: string) =>
      JSON.parse(service.sql().get<{ counts: string }>("SELECT counts FROM position WHERE key = ?", key)!.counts);
    const tamper = (key: string, change: object) =>
      service
        .sql()
        .run("UPDATE position SET counts = ? WHERE key = ?", JSON.stringify({ ...counts(key), ...change }), key);
    const [{ key }] = service
      .sql()
      .all<{ key: string }>("SELECT key FROM position WHERE key LIKE 'log/%/memory-operations/%'") as [{ key: string }];
    tamper(key, { records: counts(key).records + 2 });
    const [{ key: stripe }] = service
      .sql()
      .all<{ key: string }>("SELECT key FROM position WHERE key LIKE 'sync/session/%'") as [{ key: string }];
    tamper(stripe, { applied: counts(stripe).applied + 1 });
    const page = await scrape(service);
    expect(page.value("tidegate_accounting_difference", { flow: "memory" })).toBe(2);
    expect(page.value("tidegate_accounting_difference", { flow: "session" })).toBe(1);
    expect(page.value("tidegate_accounting_difference", { flow: "events" })).toBe(0);
    expect((await service.get("/v1/check")).body.closed).toBe(false);
  });

  it("answers what the process knows while the database is down", async () => {
    let failing: FailingDatabase | undefined;
    await using service = await start({
      database: (database) => {
        failing = failingDatabase(database);
        return failing;
      },
    });
    await fill(service);
    failing!.faults.down = true;
    const page = await scrape(service);
    expect(page.heads).toHaveLength(METRICS.length);
    expect(page.value("tidegate_up_database")).toBe(0);
    expect(page.value("tidegate_up_kafka")).toBe(1);
    expect(page.value("tidegate_accept_duration_seconds_count", { flow: "memory", path: "kafka" })).toBe(2);
    expect(page.value("tidegate_breaker_state", { state: "closed" })).toBe(1);
    const silent = ["operations", "records", "parked", "outbox", "sweeps", "lag", "accounting", "unseen"];
    for (const name of silent) expect(page.text).not.toMatch(new RegExp(`^tidegate_${name}`, "m"));
  });

  it("waits for a database that hangs for five seconds, and says that it is not up", async () => {
    let hangs = false;
    const waited: number[] = [];
    await using service = await start({
      database: (database) => {
        const hanging = Object.entries(database).map(([name, method]) => [
          name,
          (...args: never[]) => (hangs ? new Promise(() => {}) : (method as (...args: never[]) => unknown)(...args)),
        ]);
        return Object.fromEntries(hanging) as Database;
      },
      // Time stands still until the database hangs.
      delay: async (ms) => {
        if (hangs) waited.push(ms);
        else await new Promise(() => {});
      },
    });
    await fill(service);
    await service.composed.canary.send();
    const before = await scrape(service);
    expect(before.value("tidegate_up_database")).toBe(1);
    expect(before.text).toMatch(/^tidegate_canary/m);
    hangs = true;
    const page = await scrape(service);
    hangs = false;
    expect(waited).toEqual([5_000]);
    expect(page.value("tidegate_up_database")).toBe(0);
    expect(page.value("tidegate_accept_duration_seconds_count", { flow: "memory", path: "kafka" })).toBe(2);
    expect(page.text).not.toMatch(/^tidegate_canary/m);
  });

  it("reads positions and tasks alone, so that a large ledger makes no page dear", async () => {
    const calls: string[] = [];
    const watched = (database: Database): Database =>
      Object.fromEntries(
        Object.entries(database).map(([name, method]) => [
          name,
          (...args: unknown[]) => {
            calls.push(name);
            return (method as (...args: unknown[]) => unknown)(...args);
          },
        ]),
      ) as unknown as Database;
    await using service = await start({ database: watched });
    await fill(service);
    await service.post("/v1/memory/create", { user: "u", content: "c" });
    calls.length = 0;
    await scrape(service);
    // Positions once for the counts and once for the lag; the ledger by the key of the record that waits.
    expect(calls.toSorted()).toEqual(["allPositions", "allPositions", "backlog", "ledgerRows", "parkedCounts"]);
    const [plan] = service
      .sql()
      .all<{ detail: string }>("EXPLAIN QUERY PLAN SELECT count(*) FROM entity WHERE unseen = 1");
    expect(plan!.detail).toContain("entity_unseen");
  });

  it("passes promtool's check", async (context) => {
    await using service = await start();
    await fill(service);
    const { text } = await scrape(service);
    const { error, status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input: text,
      encoding: "utf8",
      timeout: 30_000,
    });
    if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
      console.log("skipped: promtool check metrics: promtool (Debian package prometheus) is not on the PATH");
      return context.skip();
    }
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
  });
});

describe("the reader of these tests", () => {
  it.each([
    ["a line twice", "# HELP x h\n# TYPE x gauge\nx 1\nx 2\n"],
    ["a metric twice", "# HELP x h\n# TYPE x gauge\n# HELP x h\n# TYPE x gauge\n"],
    ["a line of another metric", "# HELP x h\n# TYPE x gauge\ny 1\n"],
    ["no type", "# HELP x h\nx 1\n"],
    ["an open quote", '# HELP x h\n# TYPE x gauge\nx{a="} 1\n'],
    ["no number", "# HELP x h\n# TYPE x gauge\nx null\n"],
    ["no last line end", "# HELP x h\n# TYPE x gauge\nx 1"],
  ])("refuses %s", (_, text) => {
    expect(() => parseMetrics(text)).toThrow();
  });
});
