// An idle service: from the answer 202 to the answer that the operation is applied, one operation at a time.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bin, flags, startChild } from "./child.ts";
import { type Row, rowOf } from "./table.ts";

const OPERATIONS = 60;
const PAUSE_MS = 100;
const WAIT_MS_MAX = 10_000;

export async function idleRow(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-bench-"));
  const service = await startChild([...flags, bin, "start"], { PORT: "0", DATA_DIR: folder, LOG_LEVEL: "error" });
  try {
    const waits: number[] = [];
    for (let i = 0; i < OPERATIONS; i++) {
      await delay(PAUSE_MS);
      waits.push(await visibleAfter(service.url, i));
    }
    waits.sort((a, b) => a - b);
    const p95 = waits[Math.floor((waits.length - 1) * 0.95)]!;
    const row = rowOf("idle: accepted to visible, of 60", waits, { unit: " ms" });
    return [row, rowOf("idle: accepted to visible, p95 (wanted ≤ 250)", [p95], { unit: " ms" })];
  } finally {
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function visibleAfter(url: string, n: number): Promise<number> {
  const body = JSON.stringify({ id: `idle-${n}`, user: "u", content: "An operation of an idle service" });
  const answer = await fetch(`${url}/v1/memory/create`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
  });
  if (answer.status !== 202) throw new Error(`The operation was answered with ${answer.status}`);
  const location = answer.headers.get("location")!;
  const began = performance.now();
  while (performance.now() - began < WAIT_MS_MAX) {
    const status = (await (await fetch(`${url}${location}`)).json()) as { state: string };
    if (status.state === "applied") return performance.now() - began;
    await delay(2);
  }
  throw new Error(`The operation was not applied within ${WAIT_MS_MAX} ms`);
}
