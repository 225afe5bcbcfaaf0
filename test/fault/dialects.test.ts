// The whole service in front of each dialect's proxy while that fails in its own ways: the graph ends up as if nothing
// had, and the accounting closes.
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { configureFlows, topicsOf } from "../../src/flows/configure.ts";
import { flows } from "../../src/flows/index.ts";
import { seededRandom } from "../support/faulty-broker.ts";
import { brokerOf, PROXIES } from "../support/proxies/every.ts";
import { noFaults } from "../support/proxies/faults.ts";
import { type ServiceUnderTest, startService } from "../support/service.ts";

const TOPICS = Object.fromEntries(topicsOf(configureFlows(flows, parseConfig({}, flows))).map((topic) => [topic, 3]));
const DIALECTS = Object.keys(PROXIES) as (keyof typeof PROXIES)[];
const NOW = Date.parse("2026-01-01T00:00:00Z");

/** The same operations in the same order: creates, updates and deletes of few messages, so that they collide. */
async function sendAll(service: ServiceUnderTest, between: (i: number) => Promise<void> | void = () => undefined) {
  const random = seededRandom(7);
  await service.post("/v1/session/create", { id: "s", user: "u" });
  for (let i = 0; i < 60; i++) {
    await between(i);
    const id = `m${Math.floor(random() * 12)}`;
    const draw = random();
    const answer =
      draw < 0.6
        ? await service.post("/v1/chat-messages/create", { id, session: "s", user: "u", content: `text ${i}` })
        : draw < 0.9
          ? await service.post("/v1/chat-messages/update", { id, content: `changed ${i}` })
          : await service.post("/v1/chat-messages/delete", { id });
    expect([200, 202, 404], JSON.stringify(answer.body)).toContain(answer.status);
  }
}

async function dumpOf(service: ServiceUnderTest): Promise<unknown[]> {
  const lines: unknown[] = [];
  for await (const line of service.composed.service.dump(false)) lines.push(line);
  return lines;
}

describe.each(DIALECTS)("a service on %s", (dialect) => {
  it("ends up with the same graph whatever its proxy does, with nothing lost and nothing counted twice", async () => {
    let ms = NOW;
    const clock = { nowMs: () => ms++, databaseNowMs: () => ms };
    await using expected = await startService({ env: { ENABLE_KAFKA: "false" }, ...clock });
    await sendAll(expected);
    ms = NOW;

    const proxy = PROXIES[dialect](TOPICS);
    const random = seededRandom(11);
    let lost = 0;
    const broker = brokerOf(dialect, proxy.app, { reportGroup: "dashboard" }, async (request, send) => {
      const isLost = lost > 0 && random() < 0.3;
      if (isLost) lost--;
      if (isLost && random() < 0.5) throw new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } });
      const response = await send(request);
      if (isLost) throw new TypeError("fetch failed", { cause: { code: "ECONNRESET" } });
      return response;
    });
    await using service = await startService({
      env: { KAFKA_BREAKER_OPEN_MS: "10", KAFKA_TOPIC_PARTITIONS: "3" },
      broker: () => broker,
      ...clock,
    });
    await sendAll(service, async (i) => {
      Object.assign(proxy.faults, noFaults(), {
        expiresButWrites: random() < 0.2,
        writesOnly: random() < 0.2 ? 0 : undefined,
        losesInstances: random() < 0.3 ? 1 : 0,
        namesTaken: random() < 0.2 ? 1 : 0,
        repeats: random() < 0.3,
      });
      lost = random() < 0.3 ? 3 : 0;
      if (i % 10 === 9) await service.composed.tick({ recordsMax: 20, bytesMax: 10_000, waitMs: 0 });
    });
    Object.assign(proxy.faults, noFaults());
    lost = 0;
    await expect
      .poll(
        async () => {
          ms += 60_000;
          await service.tickToRest();
          const { outbox } = await service.composed.service.check();
          return outbox;
        },
        { timeout: 20_000 },
      )
      .toBe(0);
    await service.tickToRest();

    expect(await dumpOf(service)).toEqual(await dumpOf(expected));
    const check = await service.composed.service.check();
    expect(check).toMatchObject({ closed: true, outbox: 0 });
    expect(check.flows["chat-messages"]).toMatchObject({ pending: dialect === "redpanda" ? null : 0 });
    expect(check.flows["chat-messages"]!.byPath.fallback).toBeGreaterThan(5);
    expect(check.flows["chat-messages"]!.byPath.kafka).toBeGreaterThan(5);
    expect(proxy.log.committed.size).toBeGreaterThan(0);
    expect(check.atRest).toBe(dialect !== "redpanda");
    expect(proxy.instances()).toBe(0);
  });
});
