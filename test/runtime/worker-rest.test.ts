// What an invocation of a Worker leaves for afterwards, the sending of spans among it, is done after requests and after ticks.
import type { ExecutionContext, ScheduledController } from "@cloudflare/workers-types";
import { beforeEach, expect, it, vi } from "vitest";

const service = vi.hoisted(() => ({ fetch: vi.fn(), tick: vi.fn(), rest: vi.fn() }));
vi.mock("../../src/runtime/cloudflare/service.ts", () => ({
  createWorkerMemory: () => ({}),
  createWorkerService: () => service,
}));
// The platform's own modules are only there.
vi.mock("../../src/runtime/cloudflare/object.ts", () => ({ OBJECT_NAME: "tidegate", TidegateObject: class {} }));

const { default: worker } = await import("../../src/runtime/cloudflare.ts");

const bindings = {
  TIDEGATE: {} as never,
  ID_SECRET: "a secret of the tests",
  KAFKA_URL: "http://kafka.test?dialect=tidegate",
  NEO4J_URL: "http://neo4j.test",
  NEO4J_PASSWORD: "none",
};

/** An invocation, and what it went on with after its answer. */
function invocation() {
  const waitedFor: unknown[] = [];
  const ctx = { waitUntil: (work: unknown) => void waitedFor.push(work) } as unknown as ExecutionContext;
  return { ctx, waitedFor };
}

const cron = { scheduledTime: 0 } as ScheduledController;
const rested = "rested";

beforeEach(() => {
  for (const method of Object.values(service)) method.mockReset();
  service.rest.mockReturnValue(rested);
});

it("a request is followed by the rest", async () => {
  service.fetch.mockResolvedValue(new Response());
  const { ctx, waitedFor } = invocation();
  await worker.fetch(new Request("http://worker.test/"), bindings, ctx);
  expect(waitedFor).toEqual([rested]);
});

it("a tick is followed by the rest", async () => {
  service.tick.mockResolvedValue({ failures: [] });
  const { ctx, waitedFor } = invocation();
  await worker.scheduled(cron, bindings, ctx);
  expect(waitedFor).toEqual([rested]);
});

it("a tick that fails or throws is followed by the rest", async () => {
  service.tick.mockResolvedValueOnce({ failures: ["Cannot consume"] }).mockRejectedValueOnce(new Error("broken"));
  for (const message of ["Cannot consume", "broken"]) {
    const { ctx, waitedFor } = invocation();
    await expect(worker.scheduled(cron, bindings, ctx)).rejects.toThrow(message);
    expect(waitedFor).toEqual([rested]);
  }
});
