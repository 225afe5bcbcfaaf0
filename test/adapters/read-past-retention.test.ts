// Retention that moves between the look at the ends of a log and the read behind it. Numbers are those of the failure cases
// in kafka-over-http.md §2.
import { describe, expect, it } from "vitest";
import type { Broker } from "../../src/ports/broker.ts";
import { loopback } from "../support/gateway-bundle.ts";
import { brokerOf, INSTANCE_PROXIES } from "../support/proxies/every.ts";
import type { ProxyLog } from "../support/proxies/log.ts";
import { upstashProxy } from "../support/proxies/upstash.ts";

const FROM = [{ topic: "t", partition: 0, offset: 0 }];
const AT_ONCE = { waitMs: 0, bytesMax: 1_000_000, recordsMax: 1_000 };

/** A broker before a log of five records; `between` runs when the ends are known and the records are not. */
type Start = (between: (log: ProxyLog) => void) => Promise<AsyncDisposable & { readonly broker: Broker }>;

function fill(log: ProxyLog): void {
  for (const value of ["a", "b", "c", "d", "e"]) {
    log.append("t", { partition: 0, key: null, value: Buffer.from(value) });
  }
}

const instanceStart =
  (dialect: keyof typeof INSTANCE_PROXIES): Start =>
  async (between) => {
    const { app, log } = INSTANCE_PROXIES[dialect]({ t: 1 });
    fill(log);
    const broker = brokerOf(dialect, app, {}, async (request, send) => {
      if (request.url.endsWith("/assignments")) between(log);
      return send(request);
    });
    return { broker, [Symbol.asyncDispose]: async () => undefined };
  };

const upstashStart: Start = async (between) => {
  const { app, log } = upstashProxy({ t: 1 });
  fill(log);
  const server = await loopback({
    fetch(request) {
      if (new URL(request.url).pathname === "/fetch") between(log);
      return app.fetch(request);
    },
  });
  const broker = brokerOf("upstash", app, { url: server.url, basic: { username: "user", password: "secret" } });
  return { broker, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
};

const STARTS: (readonly [string, Start])[] = [
  ...(Object.keys(INSTANCE_PROXIES) as (keyof typeof INSTANCE_PROXIES)[]).map(
    (dialect) => [dialect, instanceStart(dialect)] as const,
  ),
  ["upstash", upstashStart],
];

describe.each(STARTS)("a read of %s", (_, start) => {
  it("shows the gap when retention passes the position during the read (case 17)", async () => {
    await using bundle = await start((log) => log.trim("t", 0, 3));
    const [read] = await bundle.broker.read(FROM, AT_ONCE);
    expect(read).toMatchObject({ begin: 3, end: 5, records: [{ offset: 3 }, { offset: 4 }] });
  });

  it("counts what retention took and not what compaction took (cases 17 and 19)", async () => {
    await using bundle = await start((log) => {
      log.trim("t", 0, 2);
      log.drop("t", 0, 2);
    });
    const [read] = await bundle.broker.read(FROM, AT_ONCE);
    expect(read).toMatchObject({ begin: 2, end: 5, records: [{ offset: 3 }, { offset: 4 }] });
  });

  it("shows no gap where compaction alone took the first records (case 19)", async () => {
    await using bundle = await start((log) => log.drop("t", 0, 0));
    const [read] = await bundle.broker.read(FROM, AT_ONCE);
    expect(read).toMatchObject({ begin: 0, end: 5, records: [{ offset: 1 }, {}, {}, {}] });
  });
});

it("shows no gap beyond the first record that came, however far retention has gone since (case 17)", async () => {
  const { app, log } = INSTANCE_PROXIES.confluent({ t: 1 });
  fill(log);
  const broker = brokerOf("confluent", app, {}, async (request, send) => {
    if (request.url.endsWith("/assignments")) log.trim("t", 0, 2);
    const response = await send(request);
    if (request.url.includes("/records?")) log.trim("t", 0, 4);
    return response;
  });
  const [read] = await broker.read(FROM, AT_ONCE);
  expect(read).toMatchObject({ begin: 2, end: 5, records: [{ offset: 2 }, {}, {}] });
});
