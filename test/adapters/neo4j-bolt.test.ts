// What becomes of calls over bolt when another one is given up, over a driver that answers as told. Like the real one, it
// leaves whoever waits without an answer when it is closed.
import type { Driver } from "neo4j-driver";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type BoltOptions, boltTransport } from "../../src/adapters/database/neo4j/bolt.ts";

const OPTIONS: BoltOptions = { url: "bolt://test", user: "u", password: "p", database: "neo4j", timeoutMs: 10_000 };
/** The server's time limit and the grace beyond it. */
const LATE_MS = 12_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A transport, how often each of its drivers was closed, and what was asked of them; only `answered` is answered. */
function silent({ answered = [] as readonly string[] } = {}) {
  const closed: number[] = [];
  const asked: string[] = [];
  const answer = (text: string) => {
    asked.push(text);
    return answered.includes(text) ? Promise.resolve({ records: [] }) : new Promise(() => undefined);
  };
  const open = async (): Promise<Driver> => {
    const i = closed.push(0) - 1;
    const transaction = {
      run: answer,
      commit: () => answer("COMMIT"),
      rollback: () => answer("ROLLBACK"),
      isOpen: () => true,
    };
    const session = { run: answer, beginTransaction: () => transaction, close: async () => undefined };
    const close = async (): Promise<void> => {
      closed[i]! += 1;
    };
    return { session: () => session, close } as unknown as Driver;
  };
  return { transport: boltTransport(OPTIONS, open), closed, asked };
}

/** How a call ended, once it has. */
function ending(call: Promise<unknown>): { kind: string | undefined } {
  const seen = { kind: undefined as string | undefined };
  const end = (kind: string): void => {
    seen.kind = kind;
  };
  call.then(
    () => end("done"),
    (error) => end(error.kind ?? String(error)),
  );
  return seen;
}

it("a call without an answer is late, and ends those in flight beside it at once: they may try again", async () => {
  const { transport, closed } = silent();
  const first = ending(transport.run("a", {}));
  await vi.advanceTimersByTimeAsync(1_000);
  const beside = [ending(transport.run("b", {})), ending(transport.begin!().run("c", {}))];
  await vi.advanceTimersByTimeAsync(LATE_MS - 1_001);
  expect([first.kind, ...beside.map(({ kind }) => kind), closed]).toEqual([undefined, undefined, undefined, [0]]);
  await vi.advanceTimersByTimeAsync(1);
  expect([first.kind, ...beside.map(({ kind }) => kind), closed]).toEqual(["late", "lost", "lost", [1]]);
});

it("a commit that was in flight beside it may stand", async () => {
  const { transport } = silent({ answered: ["b"] });
  const first = ending(transport.run("a", {}));
  const transaction = transport.begin!();
  await transaction.run("b", {});
  const commit = ending(transaction.commit());
  await vi.advanceTimersByTimeAsync(LATE_MS);
  expect([first.kind, commit.kind]).toEqual(["late", "lost"]);
});

it("what was given up closes its own driver alone, and not the next one, on which others are at work", async () => {
  const { transport, closed } = silent();
  ending(transport.run("a", {}));
  await vi.advanceTimersByTimeAsync(1_000);
  ending(transport.run("b", {}));
  await vi.advanceTimersByTimeAsync(LATE_MS - 1_000);
  const next = ending(transport.run("c", {}));
  await vi.advanceTimersByTimeAsync(LATE_MS - 1);
  expect([next.kind, closed]).toEqual([undefined, [1, 0]]);
});

it("a transaction over what was given up is at its end at once, without a rollback that nobody would answer", async () => {
  const { transport, asked } = silent();
  const transaction = transport.begin!();
  const statement = ending(transaction.run("a", {}));
  await vi.advanceTimersByTimeAsync(LATE_MS);
  const end = ending(transaction.rollback());
  await vi.advanceTimersByTimeAsync(0);
  expect([statement.kind, end.kind, asked]).toEqual(["late", "done", ["a"]]);
});

it("a transaction that goes on over what was given up is told so at once", async () => {
  const { transport } = silent({ answered: ["b"] });
  const transaction = transport.begin!();
  await transaction.run("b", {});
  ending(transport.run("a", {}));
  await vi.advanceTimersByTimeAsync(LATE_MS);
  const next = ending(transaction.runAll([{ text: "c", params: {} }]));
  await vi.advanceTimersByTimeAsync(0);
  expect(next.kind).toBe("lost");
});

it("closing ends what is in flight, as late: another try would open what nobody closes", async () => {
  const { transport, closed } = silent();
  const call = ending(transport.run("a", {}));
  await vi.advanceTimersByTimeAsync(0);
  await transport.close();
  await vi.advanceTimersByTimeAsync(0);
  expect([call.kind, closed, vi.getTimerCount()]).toEqual(["late", [1], 0]);
});
