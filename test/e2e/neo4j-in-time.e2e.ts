// Rows bear the time at which their transaction loaded, and streams of outcomes pass a time only once none can still come:
// so a transaction that took too long is rolled back and loads again.
import { beforeEach, describe, expect, it } from "vitest";
import type { Transport } from "../../src/adapters/database/neo4j/transport.ts";
import { ledgerRow, save } from "../contract/database-writes.ts";
import { emptyGraph, openNeo4j, openTransport, TRANSPORTS, type TransportName } from "./neo4j-database.ts";

/** Beyond what a transaction may take, and below what makes a test slow. */
const TOO_LONG_MS = 1_600;

beforeEach(emptyGraph);

/** A database whose first transaction is held up between its loading and its writing. */
function heldUp(name: TransportName) {
  const inner = openTransport(name);
  const clock = openTransport("bolt");
  const nowMs = async () => (await clock.run("RETURN datetime.realtime().epochMillis", {}))[0]![0] as number;
  let isHeldUp = true;
  const holdUp = async (): Promise<void> => {
    if (!isHeldUp) return;
    isHeldUp = false;
    const until = (await nowMs()) + TOO_LONG_MS;
    await expect.poll(nowMs, { timeout: 10_000 }).toBeGreaterThan(until);
  };
  const { begin } = inner;
  const slow: Transport = {
    ...inner,
    async run(text, params) {
      if (text.includes("$until")) await holdUp();
      return inner.run(text, params);
    },
    begin:
      begin &&
      (() => {
        const open = begin();
        return {
          ...open,
          async runAll(statements) {
            await holdUp();
            return open.runAll(statements);
          },
        };
      }),
  };
  const database = openNeo4j(name, undefined, slow);
  const loadedAt: number[] = [];
  return {
    database,
    /** The database's time at each loading. */
    loadedAt,
    apply: (ids: readonly string[]) =>
      database.transact({ positions: [], keys: ["a/Session/1"], ledger: ids }, (state) => {
        loadedAt.push(state.nowMs);
        const ledger = ids.map((id) => ({ ...ledgerRow(id), atMs: state.nowMs }));
        const nothing = { positions: [], names: [], outbox: [], parked: [], sweeps: [] };
        return { write: { ...nothing, entities: [save("a/Session/1", {})], ledger } };
      }),
    async [Symbol.asyncDispose]() {
      await database.close();
      await clock.close();
    },
  };
}

describe.each(TRANSPORTS)("over %s", (name) => {
  it("a transaction that writes too late loads again", async () => {
    await using held = heldUp(name);
    await held.apply(["a/op"]);
    const [first = 0, second = 0] = held.loadedAt;
    expect(held.loadedAt).toHaveLength(2);
    expect(second - first).toBeGreaterThan(TOO_LONG_MS);
    expect((await held.database.ledgerRows(["a/op"])).get("a/op")?.atMs).toBe(second);
  });

  it("a batch that writes too late is too much at a time", async () => {
    await using held = heldUp(name);
    await expect(held.apply(["a/1", "a/2"])).rejects.toMatchObject({ code: "graph_unavailable", divisible: true });
    expect(held.loadedAt).toHaveLength(1);
    expect((await held.database.ledgerRows(["a/1", "a/2"])).size).toBe(0);
  });
});
