import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { formatCount, startProgress } from "../../src/cli/import/progress.ts";

beforeEach(() =>
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout", "performance", "Date"] }),
);
afterEach(() => vi.useRealTimers());

/** A stream that keeps what is written to it, as a terminal or not. */
function screen(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  let text = "";
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns: 120 }) as unknown as NodeJS.WriteStream, text: () => text };
}

test("startProgress() writes a plain line every few seconds where there is no terminal", () => {
  const { stream, text } = screen(false);
  const reach = { operations: 0, part: 0 as number | null };
  const progress = startProgress(() => reach, true, stream);
  vi.advanceTimersByTime(4_900);
  expect(text()).toBe("");
  Object.assign(reach, { operations: 20_000, part: 0.25 });
  vi.advanceTimersByTime(100);
  progress.note("Trying again: connection refused");
  Object.assign(reach, { operations: 45_000, part: null });
  vi.advanceTimersByTime(5_000);
  progress.stop();
  vi.advanceTimersByTime(60_000);
  expect(text().split("\n")).toEqual([
    "25% 20,000 operations, 4,000/s, ETA 15 s",
    "Trying again: connection refused",
    "45,000 operations, 4,500/s",
    "",
  ]);
});

test("startProgress() draws a bar with rate and time left on a terminal", () => {
  const { stream, text } = screen(true);
  const reach = { operations: 0, part: 0 };
  const progress = startProgress(() => reach, true, stream);
  Object.assign(reach, { operations: 1_000, part: 0.01 });
  vi.advanceTimersByTime(1_000);
  expect(text()).toContain("1% | 1,000 operations, 1,000/s, ETA 1 min 39 s");
  progress.stop();
});

test("startProgress() draws no bar when the size is not known", () => {
  const { stream, text } = screen(true);
  const progress = startProgress(() => ({ operations: 10, part: null }), false, stream);
  vi.advanceTimersByTime(5_000);
  progress.stop();
  expect(text()).toBe("10 operations, 2/s\n");
});

test.each([
  [0, "0"],
  [999, "999"],
  [1_000, "1,000"],
  [265_280, "265,280"],
  [12_345_678, "12,345,678"],
])("formatCount(%i) is %s", (count, text) => {
  expect(formatCount(count)).toBe(text);
});
