// Neo4j reads property after property, whatever others commit meanwhile: what the adapter reads is one moment's all the same
// (decision 009).
import { beforeEach, describe, expect, it } from "vitest";
import { loadParams, loadsOf, toLoaded } from "../../src/adapters/database/neo4j/load.ts";
import { shapeOf } from "../../src/adapters/database/neo4j/shape.ts";
import { model } from "../../src/flows/index.ts";
import { retryRow, save, write } from "../contract/database-writes.ts";
import { emptyGraph, openNeo4j, openTransport, TRANSPORTS } from "./neo4j-database.ts";

const CYCLES = 40;
const KEYS = Array.from({ length: 200 }, (_, i) => `a/Session/${String(i).padStart(3, "0")}`);

beforeEach(emptyGraph);

/** Reads for as long as somebody writes. */
async function meanwhile(writing: Promise<void>, read: () => Promise<void>): Promise<number> {
  let isWriting = true;
  const ended = writing.finally(() => {
    isWriting = false;
  });
  let reads = 0;
  // A writer that fails ends the reading; why it failed is told then.
  ended.catch(() => undefined);
  for (; isWriting; reads++) await read();
  await ended;
  return reads;
}

it.each(TRANSPORTS)("rows that come and go are whole or not there, over %s", async (name) => {
  await using writer = closing(openNeo4j("bolt"));
  await using reader = closing(openNeo4j(name));
  const writing = async () => {
    for (let i = 0; i < CYCLES; i++) {
      await write(writer, { retries: KEYS.map((key) => retryRow(key)) });
      await write(writer, { retried: KEYS });
    }
  };
  const reads = await meanwhile(writing(), async () => {
    for (const [key, row] of await reader.retryRows(KEYS)) expect(row).toEqual(retryRow(key));
  });
  expect(reads).toBeGreaterThan(0);
});

describe("what a transaction without locks loads", () => {
  it("is the state that had the revision it goes by", async () => {
    await using writer = closing(openNeo4j("bolt"));
    await using transport = closing(openTransport("Query API"));
    const shape = shapeOf(model);
    const { all } = loadsOf(shape, { making: false });
    const request = { positions: [], keys: KEYS, ledger: [] };
    // The n-th write of an entity makes its n-th revision.
    const raise = (n: number) => write(writer, { entities: KEYS.map((key) => save(key, { n })) });
    await raise(1);
    const writing = async () => {
      for (let n = 2; n < CYCLES; n++) await raise(n);
    };
    const reads = await meanwhile(writing(), async () => {
      const { entities } = toLoaded(shape, request, await transport.run(all, loadParams(request)));
      for (const { stored, v } of entities.values()) expect(stored.state.fields.n?.[0]).toBe(v);
    });
    expect(reads).toBeGreaterThan(0);
  });
});

function closing<Closable extends { close(): Promise<void> }>(what: Closable): Closable & AsyncDisposable {
  return Object.assign(what, { [Symbol.asyncDispose]: () => what.close() });
}
