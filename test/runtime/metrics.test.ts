// The page of a process whose consumer is a thread: what the thread measures stands on it.
import { expect, it } from "vitest";
import { parseMetrics } from "../support/metrics-page.ts";
import { startServiceProcess } from "../support/service-process.ts";
import { tempFolder } from "../support/temp-folder.ts";

it("a process with ROLE=all shows on /metrics how long the ticks of its thread take, once each", async () => {
  using folder = tempFolder();
  await using service = await startServiceProcess(folder.root);
  const page = async () => parseMetrics(await (await fetch(`${service.url}/metrics`)).text());
  const applied = { flow: "memory", path: "kafka", outcome: "applied" };
  for (const id of ["a", "b"]) {
    const { tick, apply } = await ticks();
    expect((await service.post("/v1/memory/create", { id, user: "u", content: "c" })).body.path).toBe("kafka");
    await service.until("the thread's ticks on the page", async () => (await ticks()).tick > tick);
    expect((await ticks()).apply).toBeGreaterThan(apply);
  }
  const last = await page();
  expect(last.value("tidegate_operations_total", applied)).toBe(2);
  expect(last.value("tidegate_accept_duration_seconds_count", { flow: "memory", path: "kafka" })).toBe(2);
  // Nothing more happens: what was told once is not told again.
  expect((await ticks()).apply).toBe(2);
  expect(await service.stop()).toBe(0);

  async function ticks() {
    const { value } = await page();
    const count = (name: string): number => value(`tidegate_${name}_duration_seconds_count`)!;
    return { tick: count("tick"), apply: count("apply") };
  }
});
