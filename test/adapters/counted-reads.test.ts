// Reads where requests are counted: what a dialect says of a read suffices for it, and no fault makes it take more.
import { describe, expect, it } from "vitest";
import type { RequestFetch } from "../../src/adapters/broker/proxy-call.ts";
import { dialects } from "../../src/runtime/dialects.ts";
import { loopback } from "../support/gateway-bundle.ts";
import { type AnyProxy, brokerOf, INSTANCE_PROXIES, PROXIES } from "../support/proxies/every.ts";
import { upstashProxy } from "../support/proxies/upstash.ts";

const AT_ONCE = { waitMs: 0, bytesMax: 1_000_000, recordsMax: 1_000 };
const PARTITIONS = 4;
const FROM = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: "t", partition, offset: 0 }));
const ALL = Object.keys(PROXIES) as (keyof typeof PROXIES)[];
const INSTANCES = Object.keys(INSTANCE_PROXIES) as (keyof typeof INSTANCE_PROXIES)[];

type Intercept = (request: Request, send: RequestFetch) => Promise<Response>;

/** A broker before a proxy whose partitions hold two records each, and the requests of some work. */
function counting(dialect: keyof typeof PROXIES, intercept: Intercept = async (request, send) => send(request)) {
  const proxy: AnyProxy = PROXIES[dialect]({ t: PARTITIONS });
  for (let i = 0; i < 2 * PARTITIONS; i++) {
    proxy.log.append("t", { partition: i % PARTITIONS, key: null, value: Buffer.from("v") });
  }
  let made = 0;
  const broker = brokerOf(dialect, proxy.app, { partitions: PARTITIONS }, async (request, send) => {
    made++;
    return intercept(request, send);
  });
  const spent = async (work: () => Promise<unknown>): Promise<number> => {
    const before = made;
    await work().catch((error) => expect(error).toMatchObject({ code: "broker_unavailable" }));
    return made - before;
  };
  /** A read of as much as the dialect says suffices. */
  const read = (from = FROM) => broker.read(from, { ...AT_ONCE, requestsMax: broker.requests!.read(from) });
  return { ...proxy, broker, read, spent };
}

describe.each(ALL)("a counted read of %s", (dialect) => {
  it("gives all there is with what the dialect says it takes", async () => {
    const { broker, read, spent } = counting(dialect);
    const most = broker.requests!.read(FROM);
    expect(
      await spent(async () => expect((await read()).flatMap(({ records }) => records)).toHaveLength(8)),
    ).toBeLessThanOrEqual(most);
    expect(await spent(() => broker.topics(["t"]))).toBe(broker.requests!.topics(1));
  });

  it("takes no more when retention has passed every position", async () => {
    const { broker, log, read, spent } = counting(dialect);
    for (const { partition } of FROM) log.trim("t", partition, 1);
    const most = broker.requests!.read(FROM);
    expect(
      await spent(async () => expect((await read()).map(({ begin }) => begin)).toEqual([1, 1, 1, 1])),
    ).toBeLessThanOrEqual(most);
  });
});

describe.each(INSTANCES)("a counted read of %s, when the proxy fails,", (dialect) => {
  it.each([
    ["gives nothing", { emptyReads: 1_000 }],
    ["loses every instance", { losesInstances: 1_000 }],
  ])("takes no more where it %s, and leaves no instance", async (_, fault) => {
    const { broker, faults, read, spent, instances } = counting(dialect);
    Object.assign(faults, fault);
    const most = broker.requests!.read(FROM);
    expect(await spent(read)).toBeLessThanOrEqual(most);
    expect(instances()).toBe(0);
  });

  it("takes no more where the instance is lost when it is asked for records, and leaves none", async () => {
    const { broker, read, spent, instances } = counting(dialect, async (request, send) =>
      request.url.includes("/records?")
        ? Response.json({ error_code: 40403, message: "Consumer instance not found." }, { status: 404 })
        : send(request),
    );
    const most = broker.requests!.read(FROM);
    expect(await spent(read)).toBeLessThanOrEqual(most);
    expect(instances()).toBe(0);
  });

  it("counts records that skip as read in part only, where it cannot ask for every beginning again", async () => {
    const { log, read } = counting(dialect);
    for (const { partition } of FROM) log.drop("t", partition, 0);
    // One is asked for again; of the others nobody says what lies before their records, and they come next.
    const reads = await read();
    expect(reads.filter(({ records }) => records.length > 0)).toHaveLength(1);
    expect(reads.filter(({ end }) => end === null)).toHaveLength(PARTITIONS - 1);
  });
});

it("where nothing came and no request was left to find out why, several partitions cost more until something comes", async () => {
  const { broker, log, read } = counting("confluent");
  const { requests } = broker;
  const before = [requests!.read(FROM), requests!.read(FROM.slice(1, 2))];
  log.append("t", { partition: 0, key: null, value: Buffer.alloc(2_000_000) });
  const stuck = FROM.map((at) => ({ ...at, offset: 2 }));
  expect((await read(stuck.slice(0, 2)))[0]).toMatchObject({ records: [], end: null });
  expect(requests!.read(FROM)).toBeGreaterThan(before[0]!);
  expect(requests!.read(FROM.slice(1, 2))).toBe(before[1]);
  // Another second, and what was quiet is asked for again.
  await read(FROM.slice(1));
  expect(requests!.read(FROM)).toBe(before[0]);
});

it("requests of a package that sends them itself are told", async () => {
  const proxy = upstashProxy({ t: PARTITIONS, u: 1 });
  await using server = await loopback(proxy.app);
  let told = 0;
  const broker = dialects.upstash({
    url: server.url,
    cluster: "test",
    fetch: () => Promise.reject(new Error("not used")),
    basic: { username: "user", password: "secret" },
    partitions: 1,
    reportGroup: "g",
    onRequest: () => void told++,
  });
  const value = Buffer.from("v");
  for (const [topic, partition] of [
    ["t", 0],
    ["t", 3],
    ["u", 0],
  ] as const)
    proxy.log.append(topic, { partition, key: null, value });
  const from = [...FROM, { topic: "u", partition: 0, offset: 0 }];
  const reads = await broker.read(from, { ...AT_ONCE, requestsMax: broker.requests!.read(from) });
  expect(reads.flatMap(({ records }) => records)).toHaveLength(3);
  expect(told).toBe(proxy.requests.length);
  expect(told).toBeLessThanOrEqual(broker.requests!.read(from));
  await broker.reportPosition!([{ topic: "t", partition: 0, offset: 1 }]);
  await broker.produce([{ topic: "t", key: "k", value: "v" }]);
  expect(told).toBe(proxy.requests.length);
});
