// Reads through consumer instances when the proxy fails in every way that is known of. Numbers are those of the failure
// cases in kafka-over-http.md §2.
import { describe, expect, it } from "vitest";
import type { Dialect } from "../../src/config/kafka-url.ts";
import type { Broker, PartitionRead } from "../../src/ports/broker.ts";
import { brokerOf, INSTANCE_PROXIES } from "../support/proxies/every.ts";

const DIALECTS = Object.keys(INSTANCE_PROXIES) as (keyof typeof INSTANCE_PROXIES)[];
const AT_ONCE = { waitMs: 0, bytesMax: 1_000_000, recordsMax: 1_000 };
const FROM = [0, 1].map((partition) => ({ topic: "t", partition, offset: 0 }));

/** A proxy with topic `t` of two partitions that hold these values, and the broker before it. */
function proxyWith(dialect: keyof typeof INSTANCE_PROXIES, values: readonly (readonly [number, string])[] = []) {
  const proxy = INSTANCE_PROXIES[dialect]({ t: 2 });
  for (const [partition, value] of values) {
    proxy.log.append("t", { partition, key: Buffer.from("k"), value: Buffer.from(value) });
  }
  return { ...proxy, broker: brokerOf(dialect, proxy.app) };
}

const valuesOf = (reads: readonly PartitionRead[]): string[] =>
  reads.flatMap(({ records }) => records.map(({ value }) => new TextDecoder().decode(value!)));
const readAll = async (broker: Broker): Promise<string[]> => valuesOf(await broker.read(FROM, AT_ONCE));
const THREE = [
  [0, "a"],
  [0, "b"],
  [1, "c"],
] as const;

describe.each(DIALECTS)("a read of %s", (dialect) => {
  it("makes one instance for all partitions, assigned and never subscribed, and deletes it (case 13)", async () => {
    const { broker, requests, instances } = proxyWith(dialect, THREE);
    expect(await readAll(broker)).toEqual(["a", "b", "c"]);
    const names = requests.map((line) => line.replace(/tidegate-[0-9a-f-]{36}/, "NAME"));
    const instance = "/consumers/tidegate-reader/instances/NAME";
    expect(names).toEqual([
      "GET /topics/t/partitions/0/offsets",
      "GET /topics/t/partitions/1/offsets",
      "POST /consumers/tidegate-reader",
      `POST ${instance}/assignments`,
      `POST ${instance}/positions`,
      `GET ${instance}/records`,
      `DELETE ${instance}`,
    ]);
    expect(instances()).toBe(0);
  });

  it("makes the instance anew when the proxy has lost it (case 1)", async () => {
    const { broker, faults, instances } = proxyWith(dialect, THREE);
    faults.losesInstances = 1;
    expect(await readAll(broker)).toEqual(["a", "b", "c"]);
    expect(instances()).toBe(0);
  });

  it("ends with broker_unavailable when the proxy loses every instance (case 1)", async () => {
    const { broker, faults } = proxyWith(dialect, THREE);
    faults.losesInstances = 100;
    await expect(readAll(broker)).rejects.toMatchObject({ code: "broker_unavailable" });
    faults.losesInstances = 0;
    expect(await readAll(broker)).toEqual(["a", "b", "c"]);
  });

  it("takes another name when its own is in use, and deletes what a crashed read left (case 2)", async () => {
    const { broker, faults, instances } = proxyWith(dialect, THREE);
    faults.namesTaken = 1;
    expect(await readAll(broker)).toEqual(["a", "b", "c"]);
    expect(instances()).toBe(0);
  });

  it.each([
    ["nobody", () => Promise.reject(new Error("connection reset"))],
    ["a balancer in the proxy's place", () => new Response("<html>504 Gateway Time-out</html>", { status: 504 })],
  ])("deletes the instance whose creation was answered by %s (case 2)", async (_, answer) => {
    const { app, log, instances } = proxyWith(dialect);
    log.append("t", { partition: 0, key: null, value: Buffer.from("a") });
    let left = 1;
    const broker = brokerOf(dialect, app, {}, async (request, send) => {
      const response = await send(request);
      return request.url.endsWith("/consumers/tidegate-reader") && left-- > 0 ? answer() : response;
    });
    await expect(readAll(broker)).rejects.toMatchObject({ code: "broker_unavailable" });
    expect(instances()).toBe(0);
  });

  it("goes on where it was after the proxy restarted, from our position (case 3)", async () => {
    const { broker, restart } = proxyWith(dialect, THREE);
    expect(await readAll(broker)).toEqual(["a", "b", "c"]);
    restart();
    const from = [{ topic: "t", partition: 0, offset: 1 }];
    expect(valuesOf(await broker.read(from, AT_ONCE))).toEqual(["b"]);
  });

  it("reads again what a lost answer held (case 4)", async () => {
    const { app } = proxyWith(dialect);
    const held = proxyWith(dialect, THREE);
    let lost = 1;
    const broker = brokerOf(dialect, held.app, {}, async (request, send) => {
      const response = await send(request);
      if (request.url.includes("/records?") && lost-- > 0) throw new Error("connection reset");
      return response;
    });
    expect(app).toBeDefined();
    await expect(readAll(broker)).rejects.toMatchObject({ code: "broker_unavailable" });
    expect(await readAll(broker)).toEqual(["a", "b", "c"]);
  });

  it("gives a record once that came twice in one answer (case 5)", async () => {
    const { broker, faults } = proxyWith(dialect, THREE);
    faults.repeats = true;
    expect(await readAll(broker)).toEqual(["a", "b", "c"]);
  });

  it("asks again when the first reads give nothing", async () => {
    const { broker, faults } = proxyWith(dialect, THREE);
    faults.emptyReads = 2;
    expect(await readAll(broker)).toEqual(["a", "b", "c"]);
  });

  it("reads bytes that no decoder takes beside their neighbours (case 14)", async () => {
    const { broker, log } = proxyWith(dialect, THREE);
    log.append("t", { partition: 0, key: Buffer.from([0xff]), value: Buffer.from([0xff, 0, 0x7b]) });
    log.append("t", { partition: 0, key: null, value: null });
    const [read] = await broker.read(FROM, AT_ONCE);
    expect(read!.records.map(({ value }) => value && [...value])).toEqual([[97], [98], [255, 0, 123], null]);
  });

  it("gives a record that is larger than the budget, and its neighbours after it (case 15)", async () => {
    const { broker } = proxyWith(dialect, [
      [0, "x".repeat(5_000)],
      [0, "b"],
    ]);
    const small = { ...AT_ONCE, bytesMax: 1_000 };
    let offset = 0;
    const seen: number[] = [];
    for (let round = 0; round < 4 && seen.length < 2; round++) {
      const [read] = await broker.read([{ topic: "t", partition: 0, offset }], small);
      seen.push(...read!.records.map(({ value }) => value!.length));
      offset = (read!.records.at(-1)?.offset ?? offset - 1) + 1;
    }
    expect(seen).toEqual([5_000, 1]);
  });

  it("shows where the log begins when retention has passed the position (case 17)", async () => {
    const { broker, log } = proxyWith(dialect, THREE);
    log.trim("t", 0, 1);
    const [read] = await broker.read([{ topic: "t", partition: 0, offset: 0 }], AT_ONCE);
    expect(read).toMatchObject({ begin: 1, end: 2 });
    expect(valuesOf([read!])).toEqual(["b"]);
  });

  it("seeks only before the first read of a fresh instance (case 18)", async () => {
    const { broker, requests } = proxyWith(dialect, THREE);
    await readAll(broker);
    await broker.read([{ topic: "t", partition: 0, offset: 1 }], AT_ONCE);
    const order = requests.map((line) => /(positions|records)$/.exec(line)?.[1]).filter(Boolean);
    expect(order).toEqual(["positions", "records", "positions", "records"]);
  });

  it("takes holes between offsets for nothing lost (case 19)", async () => {
    const { broker, log } = proxyWith(dialect, [
      [0, "a"],
      [0, "b"],
      [0, "c"],
    ]);
    log.drop("t", 0, 1);
    const [read] = await broker.read([{ topic: "t", partition: 0, offset: 0 }], AT_ONCE);
    expect(read!.records.map(({ offset }) => offset)).toEqual([0, 2]);
    expect(read).toMatchObject({ begin: 0, end: 3 });
  });

  it("calls the end unknown where nothing but markers of transactions is left (case 19)", async () => {
    const { broker, log } = proxyWith(dialect, [[0, "a"]]);
    log.mark("t", 0);
    const from = [{ topic: "t", partition: 0, offset: 1 }];
    expect(await broker.read(from, AT_ONCE)).toEqual([{ topic: "t", partition: 0, records: [], begin: 0, end: null }]);
    const began = performance.now();
    await broker.read(from, AT_ONCE);
    expect(performance.now() - began).toBeLessThan(500);
    log.append("t", { partition: 0, key: null, value: Buffer.from("b") });
    expect(valuesOf(await broker.read(from, AT_ONCE))).toEqual(["b"]);
  });

  it("never commits and never asks for committed offsets by itself (cases 20, 38 and 39)", async () => {
    const { broker, log, requests } = proxyWith(dialect, THREE);
    await readAll(broker);
    expect(log.committed.size).toBe(0);
    expect(requests.filter((line) => line.includes("/instances/") && line.endsWith("/offsets"))).toEqual([]);
  });

  it("reports positions in the dialect's own sense of committed, and never an empty body (case 38)", async () => {
    const { app, log, instances } = proxyWith(dialect, THREE);
    const broker = brokerOf(dialect, app, { reportGroup: "dashboard" });
    await broker.reportPosition!([
      { topic: "t", partition: 0, offset: 2 },
      { topic: "t", partition: 1, offset: 1 },
    ]);
    expect([...log.committed]).toEqual([
      ["dashboard/t/0", 2],
      ["dashboard/t/1", 1],
    ]);
    expect(instances()).toBe(0);
    expect(await readAll(broker)).toEqual(["a", "b", "c"]);
  });
});

describe("a record that no budget takes", () => {
  it("is told from a slow broker by the one behind it (case 15)", async () => {
    const { broker } = proxyWith("confluent", [
      [0, "x".repeat(17 * 1024 * 1024)],
      [0, "b"],
    ]);
    const [read] = await broker.read([{ topic: "t", partition: 0, offset: 0 }], AT_ONCE);
    expect(read).toMatchObject({ records: [], begin: 0, end: 2 });
  });

  it("is not made out of a broker that gives nothing at all (case 15)", async () => {
    const { broker, faults } = proxyWith("confluent", THREE);
    faults.emptyReads = 1_000;
    const reads = await broker.read(FROM, AT_ONCE);
    expect(reads.map(({ records, end }) => [records.length, end])).toEqual([
      [0, null],
      [0, null],
    ]);
  });
});

describe("a proxy's base_uri (case 3)", () => {
  const elsewhere = async (origins: readonly string[], base: string) => {
    const { app } = proxyWith("strimzi", THREE);
    const asked: string[] = [];
    const broker = brokerOf("strimzi", app, { origins }, async (request, send) => {
      asked.push(new URL(request.url).origin);
      const response = await send(request);
      if (!request.url.endsWith("/consumers/tidegate-reader")) return response;
      const { instance_id } = (await response.json()) as { instance_id: string };
      return Response.json({
        instance_id,
        base_uri: `${base}/consumers/tidegate-reader/instances/${instance_id}`,
      });
    });
    expect(valuesOf(await broker.read(FROM, AT_ONCE))).toEqual(["a", "b", "c"]);
    return new Set(asked);
  };

  it.each(["http://169.254.169.254", "http://proxy.test.evil.example", "https://proxy.test", "http://proxy.test:81"])(
    "is not followed to %s, which nobody allowed",
    async (base) => expect(await elsewhere([], base)).toEqual(new Set(["http://proxy.test"])),
  );

  it("is followed to an origin that the operator allowed", async () => {
    const asked = await elsewhere(["https://rest-1.example:8082"], "https://rest-1.example:8082");
    expect(asked).toEqual(new Set(["http://proxy.test", "https://rest-1.example:8082"]));
  });

  it("of Karapace, which is no address, is composed", async () => {
    const { broker } = proxyWith("karapace", THREE);
    expect(await readAll(broker)).toEqual(["a", "b", "c"]);
  });
});

it("a 404 about a topic is not taken for a lost instance (case 1)", async () => {
  const { app } = proxyWith("karapace", THREE);
  let created = 0;
  const broker = brokerOf("karapace" satisfies Dialect, app, {}, async (request, send) => {
    if (request.url.endsWith("/consumers/tidegate-reader")) created++;
    if (!request.url.includes("/records?")) return send(request);
    const message = 'Unknown topic or partition: KafkaError{code=UNKNOWN_TOPIC_OR_PART,val=3,str="t"}';
    return Response.json({ error_code: 40403, message }, { status: 404 });
  });
  await expect(readAll(broker)).rejects.toThrow(/Unknown topic or partition/);
  expect(created).toBe(1);
});
