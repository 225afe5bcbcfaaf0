import { describe, expect, test } from "vitest";
import type { Check, FlowCheck } from "../../src/app/check.ts";
import { formatVerdict, judge } from "../../src/cli/equation.ts";
import { NO_COUNTS } from "../../src/domain/accounting.ts";

const COUNTS = NO_COUNTS;

function flowCheck(given: Partial<FlowCheck>): FlowCheck {
  const flow = {
    applied: 0,
    superseded: 0,
    parked: 0,
    discarded: 0,
    pending: 0,
    waiting: 0,
    foreign: 0,
    derived: 0,
    ...given,
  };
  const accounted = flow.applied + flow.superseded - flow.foreign - flow.derived + flow.parked + (flow.pending ?? 0);
  return { accounted, byPath: { kafka: 0, direct: 0, fallback: 0 }, ...flow };
}

function checkOf(flows: { readonly [name: string]: Partial<FlowCheck> }, given: Partial<Check> = {}): Check {
  const checked = Object.fromEntries(Object.entries(flows).map(([name, flow]) => [name, flowCheck(flow)]));
  return {
    closed: true,
    atRest: true,
    outbox: 0,
    retries: 0,
    sweeps: 0,
    unseen: 0,
    decidedDirectly: 0,
    partitions: [],
    flows: checked,
    ...given,
  };
}

const heldOf = (ids: number, given: { unknown?: number; parked?: number; pending?: number } = {}) =>
  new Map([["memory", { ids, unknown: 0, parked: 0, pending: 0, ...given }]]);

describe("judge()", () => {
  test("closes when every accepted operation has its place, and no other has", () => {
    const check = checkOf({ memory: { applied: 6, superseded: 2, parked: 1, pending: 1 } });
    expect(judge(check, heldOf(10, { parked: 1 }), false).closes).toBe(true);
  });

  test.each([
    ["an operation is missing", { applied: 9 }, heldOf(10), "missing: 1 accepted operations have no place"],
    ["an id is unknown", { applied: 10 }, heldOf(10, { unknown: 1 }), "unknown: 1 ids that this service does not know"],
    ["there are more", { applied: 12 }, heldOf(10), "beside it: 2 operations beyond the files: sent by others, or"],
    ["nobody knows what is pending", { applied: 10, pending: null }, heldOf(10), "the broker does not answer"],
    [
      "a flow is not there",
      {},
      new Map([["gone", { ids: 1, unknown: 0, parked: 0, pending: 0 }]]),
      "missing: 1 accepted",
    ],
  ])("does not close when %s", (_, flow, held, line) => {
    const verdict = judge(checkOf({ memory: flow }), held, false);
    expect(verdict.closes).toBe(false);
    expect(formatVerdict(verdict)).toContain(line);
    expect(formatVerdict(verdict)).toMatch(/It does not close$/);
  });

  test.each([
    ["another client's operation", false, { applied: 10 }],
    ["other operations beside a part of the files", true, { applied: 20 }],
    ["operations of others that wait", true, { applied: 20, pending: 1 }],
  ])("a lost operation is not made up for by %s", (_, partial, flow) => {
    const check = checkOf({ memory: flow });
    expect(judge(check, heldOf(10), partial).closes).toBe(true);
    const verdict = judge(check, heldOf(10, { pending: 2 }), partial);
    expect(verdict).toMatchObject({ closes: false, flows: { memory: { unsettled: 2 } } });
    expect(formatVerdict(verdict)).toContain(
      `lost: 2 ids of the files have no outcome, and no more than ${check.flows.memory!.pending} operations are pending`,
    );
  });

  test("a part of the files explains more operations, not fewer", () => {
    const verdict = judge(checkOf({ memory: { applied: 12 } }), heldOf(10), true);
    expect(verdict.closes).toBe(true);
    expect(formatVerdict(verdict)).toMatch(/accepted 10 = applied 12 .* - beyond 2$/m);
    expect(judge(checkOf({ memory: { applied: 9 } }), heldOf(10), true).closes).toBe(false);
  });

  test("takes off what no client sent, so that the sum is right as it stands", () => {
    const verdict = judge(
      checkOf({ memory: { applied: 15, superseded: 1, foreign: 3, derived: 3, parked: 4 } }),
      heldOf(11, { parked: 1 }),
      false,
    );
    expect(verdict.closes).toBe(true);
    expect(formatVerdict(verdict).split("\n")).toEqual([
      "memory  accepted 11 = applied 15 + superseded 1 + parked 1 + discarded 0 + pending 0 - foreign 3 - own 3",
      "        foreign: 3 operations came in records of foreign producers",
      "        own: 3 operations of the service itself: results, decisions, canaries",
      "        beside it: 3 parked records that no client sent, or that no file names",
      "Everything closes",
    ]);
  });

  test("does not close when a partition's records do not all have a place, and names it", () => {
    const counts = { ...COUNTS, records: 5, first: 3, duplicate: 1 };
    const partition = {
      flow: "memory",
      topic: "memory-operations",
      partition: 2,
      generation: "g",
      position: 5,
      end: 5,
      counts,
      closed: false,
    };
    const verdict = judge(
      checkOf({ memory: { applied: 3 } }, { closed: false, partitions: [partition] }),
      undefined,
      false,
    );
    expect(verdict.closes).toBe(false);
    expect(formatVerdict(verdict)).toContain(
      "memory-operations/2 at 5 of 5: records 5 ≠ first 3 + duplicate 1 + parked 0 + gap 0",
    );
  });

  test("without files the service's own accounts have to close", () => {
    const verdict = judge(
      checkOf({ memory: { applied: 3, pending: 2 } }, { atRest: false, outbox: 7, retries: 2 }),
      undefined,
      false,
    );
    expect(verdict.closes).toBe(true);
    expect(formatVerdict(verdict)).toContain("memory  accepted 5 = applied 3");
    expect(formatVerdict(verdict)).toContain("Not at rest: 7 in the outbox, 2 with work to do, 0 sweeps");
  });

  test("says that nothing was accepted yet", () => {
    expect(formatVerdict(judge(checkOf({ memory: {} }), undefined, false))).toBe(
      "Nothing was accepted yet\nEverything closes",
    );
  });
});
