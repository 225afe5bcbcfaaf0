// The silence alarm: readiness is red past an age, whatever keeps operations from being applied, and by nothing else.
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import type { Broker } from "../../src/ports/broker.ts";
import { append, record } from "../http/foreign-records.ts";
import { scrape } from "../support/metrics-page.ts";
import { type ServiceOptions, type ServiceUnderTest, startService } from "../support/service.ts";
import { refusingProduce } from "../support/ways.ts";

/** A service whose clock, and whose database's, the test moves; nobody ticks unless the test does. */
async function startAt(options: ServiceOptions = {}) {
  const clock = { ms: Date.UTC(2026, 0, 1) };
  const nowMs = () => clock.ms;
  const service = await startService({ nowMs, databaseNowMs: nowMs, ...options });
  return { clock, service };
}

const readyz = async (service: ServiceUnderTest) => {
  const { status, body } = await service.get("/readyz");
  return { status, reasons: body.reasons as readonly string[] };
};
const READY = { status: 200, reasons: [] };
const memory = { user: "u", content: "c" };

describe("readiness with a consumer that is stuck", () => {
  it("turns red once the oldest unapplied operation is too old, names its flow, and green once it is applied", async () => {
    const { clock, service } = await startAt();
    await using _ = service;
    await service.post("/v1/memory/create", memory);
    await service.post("/v1/session/create", { id: "s" });
    clock.ms += 200_000;
    await service.post("/v1/memory/create", memory);
    clock.ms += 100_000;
    expect(await readyz(service)).toEqual(READY);
    clock.ms += 112_900;
    const reasons = ["memory", "session"].map(
      (flow) => `flow ${flow}: the oldest unapplied operation is 412 s old (limit 300 s)`,
    );
    expect(await readyz(service)).toEqual({ status: 503, reasons });
    expect(await service.get("/health")).toMatchObject({ status: 503, body: { ready: false, reasons } });
    expect((await scrape(service)).value("tidegate_lag_seconds", { flow: "memory" })).toBe(412.9);
    await service.tickToRest();
    clock.ms += 3_000;
    expect(await readyz(service)).toEqual(READY);
    const page = await scrape(service);
    expect(page.value("tidegate_lag_seconds", { flow: "memory" })).toBe(0);
    expect(page.value("tidegate_lag_records", { flow: "memory" })).toBe(0);
  });

  it("takes its limit from UNAPPLIED_AGE_MS_MAX", async () => {
    const { clock, service } = await startAt({ env: { UNAPPLIED_AGE_MS_MAX: "5000" } });
    await using _ = service;
    await service.post("/v1/memory/create", memory);
    clock.ms += 5_000;
    expect(await readyz(service)).toEqual(READY);
    clock.ms += 3_000;
    expect((await readyz(service)).reasons).toEqual([
      "flow memory: the oldest unapplied operation is 8 s old (limit 5 s)",
    ]);
  });

  it("stays green for ever, and asks Kafka nothing, with a limit of 0", async () => {
    let asked = 0;
    const { clock, service } = await startAt({
      env: { UNAPPLIED_AGE_MS_MAX: "0" },
      broker: (broker) => ({
        ...broker,
        topics(...args) {
          asked++;
          return broker.topics(...args);
        },
      }),
    });
    await using _ = service;
    await service.post("/v1/memory/create", memory);
    clock.ms += 86_400_000;
    expect(await readyz(service)).toEqual(READY);
    expect(asked).toBe(0);
  });

  it("turns red for a record that says no age, once it was seen waiting that long", async () => {
    const { clock, service } = await startAt();
    await using _ = service;
    await append(service, "not even JSON", record({ stamp: undefined, time: "1999-01-01T00:00:00Z" }));
    expect(await readyz(service)).toEqual(READY);
    clock.ms += 301_000;
    expect((await readyz(service)).reasons).toEqual([
      "flow memory: the oldest unapplied operation is 301 s old (limit 300 s)",
    ]);
    await service.tickToRest();
    clock.ms += 3_000;
    expect(await readyz(service)).toEqual(READY);
  });
});

describe("readiness does not turn red", () => {
  const fail = () => Promise.reject(new AppError("broker_unavailable", "Cannot reach Kafka"));
  const faults: [string, (broker: Broker) => Broker][] = [
    ["fails", (broker) => ({ ...refusingProduce()(broker), read: fail, topics: fail })],
    ["hangs", (broker) => ({ ...refusingProduce()(broker), topics: () => new Promise<never>(() => undefined) })],
  ];

  it.each(faults)("while Kafka %s, however old what waits there or in the outbox is", async (_name, fault) => {
    let down = false;
    const { clock, service } = await startAt({
      broker: (broker) => {
        const broken = fault(broker);
        return {
          ...broker,
          produce: (...args) => (down ? broken : broker).produce(...args),
          read: (...args) => (down ? broken : broker).read(...args),
          topics: (...args) => (down ? broken : broker).topics(...args),
        };
      },
    });
    await using _ = service;
    await service.post("/v1/memory/create", memory);
    down = true;
    expect((await service.post("/v1/memory/create", memory)).body.path).toBe("fallback");
    clock.ms += 3_600_000;
    const begunMs = performance.now();
    expect(await readyz(service)).toEqual(READY);
    expect(performance.now() - begunMs).toBeLessThan(3_000);
    const page = await scrape(service);
    expect(page.value("tidegate_up_kafka")).toBe(0);
    expect(page.value("tidegate_outbox_oldest_seconds")).toBe(3_600);
    expect(page.lines.filter(({ name }) => name.startsWith("tidegate_lag_"))).toEqual([]);
  });

  it("while the outbox of a long outage is on its way into the log: those operations are applied", async () => {
    let down = true;
    const { clock, service } = await startAt({
      broker: (broker) => ({
        ...broker,
        produce: (...args) => (down ? refusingProduce()(broker) : broker).produce(...args),
      }),
    });
    await using _ = service;
    const { body } = await service.post("/v1/memory/create", { id: "k", ...memory });
    expect(body.path).toBe("fallback");
    clock.ms += 3_600_000;
    down = false;
    // As the relay does it, without the tick that would read it at once.
    const [row] = await service.database.dueOutbox(clock.ms, 1, 1);
    await service.gateway.broker.produce([{ topic: row!.topic, key: row!.partitionKey, value: row!.record }]);
    expect(await readyz(service)).toEqual(READY);
    expect((await scrape(service)).value("tidegate_lag_records", { flow: "memory" })).toBe(1);
  });

  it("opens no breaker and is answered by none", async () => {
    let down = true;
    const { clock, service } = await startAt({
      env: { KAFKA_BREAKER_FAILURES: "1" },
      broker: (broker) => ({ ...broker, topics: (...args) => (down ? fail() : broker.topics(...args)) }),
    });
    await using _ = service;
    await readyz(service);
    const open = async () => (await scrape(service)).value("tidegate_breaker_state", { state: "open" });
    expect(await open()).toBe(0);
    await service.get("/health/kafka");
    expect(await open()).toBe(1);
    down = false;
    clock.ms += 3_000;
    expect((await scrape(service)).value("tidegate_up_kafka")).toBe(1);
    expect(await open()).toBe(1);
  });
});
