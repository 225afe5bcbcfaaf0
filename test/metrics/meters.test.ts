// Histograms and what is measured: merging parts equals measuring the whole, and the labels are a closed list.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Accept } from "../../src/app/accept.ts";
import type { Answer } from "../../src/app/answer.ts";
import { NOTHING_APPLIED } from "../../src/app/decision.ts";
import type { Engine } from "../../src/app/engine.ts";
import { BOUNDS, countOf, createHistogram } from "../../src/app/histogram.ts";
import { createMeters, type Measured, timedAccept, timedEngine, timedTick } from "../../src/app/meters.ts";
import type { TickReport } from "../../src/app/tick.ts";
import { AppError } from "../../src/domain/errors.ts";
import { flows } from "../../src/flows/index.ts";

const durations = fc.array(
  fc.oneof(fc.double({ min: 0, max: 20_000, noNaN: true }), fc.constantFrom(...BOUNDS.map((bound) => bound * 1_000))),
);

describe("a histogram", () => {
  it("counts a duration in the first bucket whose bound is not below it", () => {
    for (const [i, bound] of BOUNDS.entries()) {
      const histogram = createHistogram();
      histogram.note(bound * 1_000);
      histogram.note(bound * 1_000 + 0.001);
      const { buckets } = histogram.counted();
      expect([buckets[i], buckets[i + 1], countOf({ buckets, seconds: 0 })]).toEqual([1, 1, 2]);
    }
  });

  it("equals, merged from any parts in any order, one that noted everything", () => {
    fc.assert(
      fc.property(fc.array(durations, { maxLength: 6 }), fc.array(fc.nat()), (parts, order) => {
        const whole = createHistogram();
        for (const ms of parts.flat()) whole.note(ms);
        const taken = parts.map((part) => {
          const histogram = createHistogram();
          for (const ms of part) histogram.note(ms);
          return histogram.take();
        });
        const merged = createHistogram();
        const shuffled = taken.map((part, i) => ({ part, at: order[i] ?? 0 })).sort((a, b) => a.at - b.at);
        // What travels between threads is plain data.
        for (const { part } of shuffled) if (part !== null) merged.add(structuredClone(part));
        expect(merged.counted().buckets).toEqual(whole.counted().buckets);
        expect(merged.counted().seconds).toBeCloseTo(whole.counted().seconds, 6);
        expect(countOf(merged.counted())).toBe(parts.flat().length);
      }),
    );
  });

  it("loses and repeats nothing, however often it is taken from", () => {
    fc.assert(
      fc.property(durations, fc.array(fc.boolean()), (all, takes) => {
        const [source, sink] = [createHistogram(), createHistogram()];
        const hand = () => {
          const taken = source.take();
          if (taken !== null) sink.add(taken);
        };
        for (const [i, ms] of all.entries()) {
          source.note(ms);
          if (takes[i] === true) hand();
        }
        hand();
        expect(countOf(sink.counted())).toBe(all.length);
        expect(source.take()).toBeNull();
      }),
    );
  });

  it("does not change what it gave out", () => {
    const histogram = createHistogram();
    histogram.note(1);
    const before = histogram.counted();
    histogram.note(1);
    expect(countOf(before)).toBe(1);
  });
});

const answer = (path: string) => ({ status: 200, path }) as Answer;
const problem: Answer = { problem: new AppError("not_found", "no") };
const submission = (flow: string) => ({ flow, type: "create", data: {} });

/** What was noted about requests, as `flow/path: count`. */
const noted = (meters: ReturnType<typeof createMeters>) =>
  meters.accept.flatMap(({ flow, path, histogram }) => {
    const count = countOf(histogram.counted());
    return count === 0 ? [] : [`${flow}/${path}: ${count}`];
  });

describe("meters", () => {
  it.each([
    ["memory", [answer("kafka")], "memory/kafka: 1"],
    ["events", [answer("direct")], "events/direct: 1"],
    ["session", [answer("fallback")], "session/fallback: 1"],
    ["session", [problem], "session/none: 1"],
    ["no such flow", [problem], "other/none: 1"],
    ["__proto__", [problem], "other/none: 1"],
    ["memory", [answer("kafka"), answer("fallback")], "batch/kafka: 1"],
    ["memory", [problem, answer("kafka")], "batch/none: 1"],
  ])("note a request of %s once", (flow, answers, expected) => {
    const meters = createMeters(flows);
    meters.noteAccept(flow, answers, 1);
    expect(noted(meters)).toEqual([expected]);
  });

  it("note nothing about a request that held nothing", () => {
    const meters = createMeters(flows);
    meters.noteAccept("memory", [], 1);
    expect(noted(meters)).toEqual([]);
  });

  it("hand over all they measured, once, and others add it to their own", () => {
    const [thread, server] = [createMeters(flows), createMeters(flows)];
    expect(thread.take()).toBeNull();
    thread.tick.note(3);
    thread.apply.note(2);
    thread.noteAccept("memory", [answer("kafka")], 1);
    server.noteAccept("memory", [answer("kafka")], 1);
    server.merge(structuredClone(thread.take())!);
    expect(thread.take()).toBeNull();
    expect(noted(server)).toEqual(["memory/kafka: 2"]);
    expect([server.tick, server.apply].map((histogram) => countOf(histogram.counted()))).toEqual([1, 1]);
  });

  it("pass over series they do not know", () => {
    const server = createMeters(flows);
    server.merge({ "accept/gone/kafka": { buckets: [1], seconds: 1 } } satisfies Measured);
    expect(noted(server)).toEqual([]);
  });
});

describe("timed", () => {
  /** Each look at the watch is 7 ms after the last. */
  const watch = () => {
    let ms = 0;
    return () => (ms += 7);
  };

  it("accept notes its time, answers the very same, and does not wait for the noting", async () => {
    const meters = createMeters(flows);
    const answers = Promise.resolve([answer("kafka")]);
    const accept = timedAccept(() => answers, meters, watch());
    const answering = accept([submission("memory")], "default");
    expect(answering).toBe(answers);
    await answering;
    expect(noted(meters)).toEqual(["memory/kafka: 1"]);
    expect(meters.accept.find(({ flow }) => flow === "memory")!.histogram.counted().seconds).toBeCloseTo(0.007, 9);
  });

  it("accept hands on a failure, and notes nothing", async () => {
    const meters = createMeters(flows);
    const failing: Accept = () => Promise.reject(new Error("a defect"));
    await expect(timedAccept(failing, meters, watch())([submission("memory")], "default")).rejects.toThrow("a defect");
    expect(noted(meters)).toEqual([]);
  });

  it("apply notes transactions, also those that fail", async () => {
    const meters = createMeters(flows);
    let fails = false;
    const apply = async () => {
      if (fails) throw new AppError("graph_unavailable", "down");
      return NOTHING_APPLIED;
    };
    const engine = timedEngine({ apply, arrival: () => ({}) } as unknown as Engine, meters, watch());
    const request = { arrivals: [], advances: [], parked: [] };
    expect(await engine.apply(request)).toBe(NOTHING_APPLIED);
    fails = true;
    await expect(engine.apply(request)).rejects.toThrow("down");
    expect(countOf(meters.apply.counted())).toBe(2);
  });

  it("tick notes those that found work or failed, not those that only waited", async () => {
    const idle = {
      records: 0,
      first: 0,
      duplicate: 0,
      parked: 0,
      gap: 0,
      relayed: 0,
      swept: 0,
      prepared: 0,
      decided: 0,
      more: false,
      failures: [],
    };
    const counts = [];
    const busy: Partial<TickReport>[] = [
      { records: 1 },
      { gap: 1 },
      { relayed: 1 },
      { swept: 1 },
      { more: true },
      { failures: ["Cannot consume"] },
    ];
    for (const more of [{}, ...busy]) {
      const meters = createMeters(flows);
      await timedTick(async () => ({ ...idle, ...more }), meters, watch())({ recordsMax: 1, bytesMax: 1, waitMs: 0 });
      counts.push(countOf(meters.tick.counted()));
    }
    expect(counts).toEqual([0, 1, 1, 1, 1, 1, 1]);
  });
});
