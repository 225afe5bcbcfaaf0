// Group commit: who shares a transaction, and that nobody suffers for a companion.
import { describe, expect, it } from "vitest";
import { type Applied, type ApplyRequest, type Arrival, NOTHING_APPLIED } from "../../src/app/decision.ts";
import type { Engine } from "../../src/app/engine.ts";
import { withGroupCommit } from "../../src/app/group-commit.ts";
import { AppError } from "../../src/domain/errors.ts";
import type { Delay } from "../../src/ports/clock.ts";

function requestOf(...ids: string[]): ApplyRequest {
  const arrivals = ids.map((id) => ({ operation: { id } }) as Arrival);
  return { arrivals, advances: [], parked: [] };
}

const idsOf = ({ arrivals }: ApplyRequest): string[] => arrivals.map(({ operation }) => operation.id);

/** An engine whose transactions end when the test says so. */
function heldEngine(fails: (ids: readonly string[]) => Error | undefined = () => undefined) {
  const transactions: string[][] = [];
  const open: (() => void)[] = [];
  const engine: Engine = {
    arrival: () => {
      throw new Error("not asked for");
    },
    async apply(request) {
      const ids = idsOf(request);
      transactions.push(ids);
      await new Promise<void>((resolve) => open.push(resolve));
      const failure = fails(ids);
      if (failure !== undefined) throw failure;
      const results = new Map(ids.map((id) => [id, { status: "refused" } as const]));
      return { ...NOTHING_APPLIED, results };
    },
  };
  /** Ends every transaction, and those that follow, until none is left. */
  const drain = async (): Promise<void> => {
    for (let quiet = 0; quiet < 5; ) {
      const ended = open.splice(0);
      for (const end of ended) end();
      quiet = ended.length > 0 ? 0 : quiet + 1;
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  /** Ends the transactions that are under way. */
  const endAll = async (): Promise<void> => {
    for (const end of open.splice(0)) end();
    await turn();
  };
  return { engine, transactions, drain, endAll };
}

/** Time passes once nothing else happens. */
const soon: Delay = () => new Promise((resolve) => setImmediate(resolve));

/** Time that passes when the test says so. */
function heldTime() {
  const asked: { ms: number; pass: () => void }[] = [];
  const delay: Delay = (ms) => new Promise((resolve) => asked.push({ ms, pass: resolve }));
  return { asked, delay };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const keysOf = ({ results }: Applied): string[] => [...results.keys()];

describe("group commit", () => {
  it("applies a lone request at once, and those that come meanwhile together", async () => {
    const { engine, transactions, drain } = heldEngine();
    const grouped = withGroupCommit(engine, soon);
    const all = Array.from({ length: 32 }, (_, i) => grouped.apply(requestOf(`op${i}`)));
    expect(transactions).toEqual([["op0"], ["op1"]]);
    await drain();
    expect((await Promise.all(all)).map(keysOf)).toEqual(Array.from({ length: 32 }, (_, i) => [`op${i}`]));
    expect(transactions).toHaveLength(3);
    expect(transactions.flat().sort()).toEqual(Array.from({ length: 32 }, (_, i) => `op${i}`).sort());
  });

  it("bounds what shares a transaction", async () => {
    const { engine, transactions, drain } = heldEngine();
    const grouped = withGroupCommit(engine, soon);
    const ids = (name: string, n: number) => Array.from({ length: n }, (_, i) => `${name}${i}`);
    const all = [1, 1, 100, 100, 28, 500].map((n, i) => grouped.apply(requestOf(...ids(`r${i}-`, n))));
    await drain();
    await Promise.all(all);
    expect(transactions.map(({ length }) => length).sort((a, b) => a - b)).toEqual([1, 1, 100, 128, 500]);
  });

  it("never puts one id twice into a transaction", async () => {
    const { engine, transactions, drain } = heldEngine();
    const grouped = withGroupCommit(engine, soon);
    const all = ["a", "b", "c", "c", "d"].map((id) => grouped.apply(requestOf(id)));
    await drain();
    await Promise.all(all);
    expect(transactions).toEqual([["a"], ["b"], ["c"], ["c", "d"]]);
  });

  it.each([1, 7, 16, 30])("one bad operation among 32, the %ith, fails alone", async (bad) => {
    const { engine, transactions, drain } = heldEngine((ids) =>
      ids.includes(`op${bad}`) ? new TypeError("cannot be stored") : undefined,
    );
    const grouped = withGroupCommit(engine, soon);
    const all = Promise.allSettled(Array.from({ length: 32 }, (_, i) => grouped.apply(requestOf(`op${i}`))));
    await drain();
    const outcomes = await all;
    expect(outcomes.flatMap(({ status }, i) => (status === "rejected" ? [i] : []))).toEqual([bad]);
    expect(transactions.length).toBeLessThan(16);
  });

  it("what is too much at a time is halved, what cannot be reached is not", async () => {
    const tooMuch = new AppError("graph_unavailable", "too much", { divisible: true });
    const first = heldEngine((ids) => (ids.length > 4 ? tooMuch : undefined));
    const grouped = withGroupCommit(first.engine, soon);
    const all = Array.from({ length: 20 }, (_, i) => grouped.apply(requestOf(`op${i}`)));
    await first.drain();
    expect((await Promise.all(all)).length).toBe(20);

    const down = new AppError("graph_unavailable", "no connection");
    const second = heldEngine(() => down);
    const failing = withGroupCommit(second.engine, soon);
    const failed = Promise.allSettled(Array.from({ length: 20 }, (_, i) => failing.apply(requestOf(`op${i}`))));
    await second.drain();
    expect((await failed).map((outcome) => outcome.status === "rejected" && outcome.reason)).toEqual(
      Array(20).fill(down),
    );
    expect(second.transactions).toHaveLength(3);
  });

  it("what may stand is not halved: a half would say that nothing was accepted", async () => {
    const open = new AppError("graph_unavailable", "no answer", { divisible: true, ambiguous: true });
    const { engine, transactions, drain } = heldEngine(() => open);
    const grouped = withGroupCommit(engine, soon);
    const all = Promise.allSettled(Array.from({ length: 20 }, (_, i) => grouped.apply(requestOf(`op${i}`))));
    await drain();
    expect((await all).map((outcome) => outcome.status === "rejected" && outcome.reason)).toEqual(Array(20).fill(open));
    expect(transactions).toHaveLength(3);
  });

  it("waits for a crowd to come back, and then no longer", async () => {
    const { engine, transactions, endAll, drain } = heldEngine();
    const { asked, delay } = heldTime();
    const grouped = withGroupCommit(engine, delay);
    const all: Promise<Applied>[] = [];
    const come = (from: number, to: number): void => {
      for (let i = from; i < to; i++) all.push(grouped.apply(requestOf(`op${i}`)));
    };
    const sizes = () => transactions.map(({ length }) => length);
    come(0, 8);
    await endAll();
    expect(sizes()).toEqual([1, 1]);
    // One of the two comes again: everybody who was there is there.
    come(8, 9);
    expect(sizes()).toEqual([1, 1, 7]);
    await endAll();
    come(9, 14);
    expect(sizes()).toEqual([1, 1, 7]);
    asked.at(-1)!.pass();
    await turn();
    expect(sizes()).toEqual([1, 1, 7, 5]);
    await endAll();
    come(14, 15);
    asked.at(-1)!.pass();
    await turn();
    await endAll();
    // The crowd has gone.
    come(15, 16);
    expect(sizes()).toEqual([1, 1, 7, 5, 1, 1]);
    await drain();
    expect((await Promise.all(all)).map(keysOf)).toEqual(all.map((_, i) => [`op${i}`]));
  });

  it("does not let a crowd wait for a transaction that hangs", async () => {
    const { engine, transactions, endAll, drain } = heldEngine();
    const { asked, delay } = heldTime();
    const grouped = withGroupCommit(engine, delay);
    const come = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => grouped.apply(requestOf(`op${from + i}`)));
    const all = come(0, 8);
    await endAll();
    all.push(...come(8, 9), ...come(9, 15));
    expect(transactions.map(({ length }) => length)).toEqual([1, 1, 7]);
    for (const { pass } of asked) pass();
    await turn();
    expect(transactions.map(({ length }) => length)).toEqual([1, 1, 7, 6]);
    await drain();
    expect(await Promise.all(all)).toHaveLength(15);
  });

  it("what moves a position goes its own way", async () => {
    const { engine, transactions, drain } = heldEngine();
    const grouped = withGroupCommit(engine, soon);
    const advance = { key: "log/c/t/0/g", from: 0, to: 1, gap: 0 };
    const all = ["a", "b", "c"].map((id) => grouped.apply({ ...requestOf(id), advances: [advance] }));
    expect(transactions).toEqual([["a"], ["b"], ["c"]]);
    await drain();
    await Promise.all(all);
  });
});
